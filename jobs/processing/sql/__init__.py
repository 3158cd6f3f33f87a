"""Tables and statements of processing jobs."""
