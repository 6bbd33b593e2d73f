"""Output of the commands: tables, texts and files."""
