"""`haulage doctor`: what the path between a client and the gateway breaks, seen from the client's end."""
