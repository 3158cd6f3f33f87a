"""PostgreSQL: the engine's tables, and the statements about them."""
