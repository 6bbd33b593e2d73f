"""Pages for people, DICOMweb for other software, health and metrics: one process of its own beside the node.

It shares the node's index and files, never its memory: what it changes there, the node takes up within seconds.
"""
