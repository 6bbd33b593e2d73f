"""The meaning of a score for this patient: percentile, arterial age, ten-year risk, change since an earlier scan."""
