"""`haulage backup`, `restore` and `reconcile`."""
