"""Typed settings from defaults, a TOML file and the environment."""
