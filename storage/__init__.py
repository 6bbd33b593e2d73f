"""What the node keeps: files, index, the states of series, and what is to be delivered."""
