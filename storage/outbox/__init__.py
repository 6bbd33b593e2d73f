"""Documents to be sent: to whom, and with what outcome."""
