"""Pages as Secondary Capture images."""
