"""Users, API keys, sessions, sign-in links, tickets, revocations and the audit log: their tables and statements."""
