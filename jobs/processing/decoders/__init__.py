"""The programs that decode files, each in a child process of its own (`protocol` says how a worker talks with them)."""
