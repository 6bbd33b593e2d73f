"""From the bytes of an image to Hounsfield units."""
