"""A synthetic thorax CT with a known answer."""

from scoring.phantom.phantom import Phantom, make_phantom
from scoring.phantom.series import write_series
from scoring.phantom.spec import Calcification, PhantomSpec
from scoring.phantom.truth import Truth

__all__ = ["Calcification", "Phantom", "PhantomSpec", "Truth", "make_phantom", "write_series"]
