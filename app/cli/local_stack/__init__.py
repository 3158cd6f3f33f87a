"""`haulage up`: everything on one machine."""
