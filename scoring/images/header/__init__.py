"""What a header says about one image: what it shows, how many frames it has, how its values become HU."""
