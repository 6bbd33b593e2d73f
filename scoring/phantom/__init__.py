"""A synthetic thorax CT with a known answer."""
