"""Everything on this machine: what `haulage up` runs."""
