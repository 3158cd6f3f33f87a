"""The executor of a plan: reads sources, checks them, uploads parts. What goes where is decided in `jobs.domain.plans`."""
