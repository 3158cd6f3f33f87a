"""What a backup of the database is made from, and what follows a restore: the database and the store are compared."""
