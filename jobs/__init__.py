"""The jobs half of Haulage: state machine, store, queue, packing and worker. It never imports `app`."""
