"""The local stack: PostgreSQL, Valkey and SeaweedFS from wheels, as child processes on 127.0.0.1."""
