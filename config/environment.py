"""Settings from environment variables: CORONODE_SECTION__KEY."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from config.errors import ConfigurationError
from config.settings import Settings


class _Environment(Settings, BaseSettings):
    """`Settings` read from environment variables."""

    model_config = SettingsConfigDict(env_nested_delimiter="__", frozen=True, extra="forbid")


def read_environment(prefix: str, peers: Mapping[str, Any]) -> dict[str, Any]:
    """Read the variables PREFIXSECTION__KEY, nested like the file.

    Variable names are case-insensitive: a peer's name is spelt as in `peers`, the sections of the file. Raises
    ConfigurationError for a list or table that is not JSON.
    """
    try:
        values = EnvSettingsSource(_Environment, env_prefix=prefix)()
    except SettingsError as error:
        raise ConfigurationError(
            f"environment: {error}; lists and tables are written as JSON, for instance "
            f"""{prefix}RESULTS__DESTINATIONS='["PACS"]'"""
        ) from error
    spoken = values.get("peers")
    if isinstance(spoken, dict):
        spelling = {str(name).lower(): str(name) for name in peers}
        values["peers"] = {spelling.get(name.lower(), name.upper()): peer for name, peer in spoken.items()}
    return values
