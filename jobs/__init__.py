"""The jobs half of Haulage: the engine, the kinds of work, the catalogue and object storage. It never imports `app`."""
