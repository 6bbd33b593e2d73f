"""The database: engine, tables, audit."""
