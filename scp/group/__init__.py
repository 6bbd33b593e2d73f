"""The processes that work together: their roles, their heartbeats, the end of one of them."""
