"""From files to a volume in HU: which images, in what order, where in the patient."""
