"""PostgreSQL, the truth: tables and every statement of SQL there is. Nothing outside this folder writes SQL."""
