"""Where the coronary arteries of the generator run, against published anatomy."""
