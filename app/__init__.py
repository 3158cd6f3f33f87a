"""The gateway, the command line and the local stack."""
