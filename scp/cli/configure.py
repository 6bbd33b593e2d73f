"""`coronode config`: check, show or write the configuration."""

from __future__ import annotations

from pathlib import Path

import click

from config.errors import CoronodeError
from config.load import DEFAULT_FILE, defaults_text, load
from scp.cli.options import config_option


@click.group()
def config() -> None:
    """Check, show or write the configuration."""


@config.command(epilog="Example: coronode config check --config /etc/coronode.toml")
@config_option
def check(config_file: Path | None) -> None:
    """Say whether the configuration can be used."""
    from scoring import plugins
    from scoring.report.printed import site
    from scoring.risk import population

    settings = load(config_file)
    plugins.check(settings.scoring.engine)
    population.configured(settings.risk)
    site.check(settings.results)
    peers = ", ".join(sorted(settings.peers)) or "none"
    targets = ", ".join(settings.results.destinations) or "none: results stay on this node"
    click.echo(f"configuration is valid; peers: {peers}; results go to: {targets}")


@config.command(epilog="Example: CORONODE_NODE__PORT=104 coronode config show")
@config_option
def show(config_file: Path | None) -> None:
    """Print the settings in force as JSON, defaults and environment included."""
    click.echo(load(config_file).model_dump_json(indent=2))


@config.command(epilog="Example: coronode config init /etc/coronode.toml")
@click.argument("path", type=click.Path(path_type=Path), default=DEFAULT_FILE)
def init(path: Path) -> None:
    """Write every key with its default and what it means to PATH (default coronode.toml)."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(defaults_text())
    except FileExistsError:
        raise CoronodeError(f"{path}: exists already; it was left as it is") from None
    except OSError as error:
        raise CoronodeError(f"{path}: cannot be written: {error.strerror}") from error
    click.echo(f"wrote {path}; next: name your scanner and PACS in it, then: coronode doctor --config {path}")
