"""What pages list: joined by the database, one statement a list."""
