"""What the benches that kill processes share: patients and scanners, nodes, databases, and the search for losses."""
