"""From complete series to documents in the outbox."""
