"""The node as SCU towards its peers: one service per module."""
