"""Kind of work 1: bundles. Many files become one archive in the store, or one file is linked as it is."""
