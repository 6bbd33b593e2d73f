"""What a site's calibration is fitted to: readers' answers with the images that they are about, measured once."""
