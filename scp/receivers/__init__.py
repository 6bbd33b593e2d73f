"""Several processes that receive on the ports of one node: their work, their way to the node, their supervision."""
