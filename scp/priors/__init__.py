"""Earlier results of a patient: from the index, received reports and another peer."""
