"""The artery of each calcification: courses and landmarks of the nets, an atlas, and the lesions decide together."""
