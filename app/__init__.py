"""The gateway, the command line and the one-machine stack."""
