"""What is true of any job: states, transitions, events, order, leases, queue, workers. It knows no kind of work."""
