"""Executes a plan: reads sources, verifies them, uploads parts. `jobs.bundles.format` decides what goes where."""
