"""Where things are in a chest CT: lungs, bone, airway, aorta and the level of the left main artery."""

from scoring.anatomy.aorta import Track
from scoring.anatomy.frame import Anatomy, find

__all__ = ["Anatomy", "Track", "find"]
