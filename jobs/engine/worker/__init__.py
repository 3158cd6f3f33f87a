"""The worker: claims jobs, runs attempts, renews leases, and sweeps."""
