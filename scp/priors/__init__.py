"""Earlier results of a patient: from the index, from received reports, from another peer."""
