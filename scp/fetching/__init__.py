"""What the node asks of archives and of the sources of its series, and brings here."""
