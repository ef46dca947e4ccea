"""The history of the tables, one step per file: the shared database and the central log, in SQLite and in PostgreSQL."""
