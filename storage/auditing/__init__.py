"""The audit log as a chain that shows every change of it."""
