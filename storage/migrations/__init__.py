"""The revisions of the tables, applied by `Database.migrate`."""
