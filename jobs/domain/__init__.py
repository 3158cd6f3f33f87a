"""The pure core: jobs, states, commands, events, errors and the packing plan. No I/O, no clock."""
