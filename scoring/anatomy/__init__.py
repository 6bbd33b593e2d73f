"""Where things are in a chest CT."""
