"""The worker process: takes jobs, runs attempts, keeps its leases alive, sweeps."""
