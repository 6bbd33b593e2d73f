"""What a score means for this patient: percentile, arterial age, ten-year risk, change since an earlier scan."""
