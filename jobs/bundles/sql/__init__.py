"""SQL of bundles."""
