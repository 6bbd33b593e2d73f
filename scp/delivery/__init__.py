"""From the outbox to the PACS."""
