"""Anatomy of a chest CT: two small nets locate structures, circles and distances measure; each checks the other."""

from scoring.anatomy.aorta import Track
from scoring.anatomy.frame import Anatomy, find

__all__ = ["Anatomy", "Track", "find"]
