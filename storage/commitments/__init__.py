"""Storage Commitment: what peers asked this node to keep, the proof that it does, and whether they were told."""
