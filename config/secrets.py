"""Secrets: which keys hold them, and how they are read from files, so that they need not stand in the configuration.

A secret in KEY may stand in a file that KEY_file names (a systemd credential, a Docker secret); `Section` refuses both.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, SecretStr

from config.errors import ConfigurationError
from config.section import OF_A_FILE, list_controls

LONGEST_SECRET: Final = 16 * 1024
"""Bytes of a file with a secret."""


class Hidden:
    """Marks a key whose value is no SecretStr and never shown either: a hash, an address with a password in it."""


HIDDEN_VALUE: Final = Hidden()


def read_secret(value: SecretStr | None, file: Path | None, key: str) -> str | None:
    """Return a secret from the configuration, or from the file that `key` names; None where there is neither.

    The end of the line, which editors add, is no part of it. Raises ConfigurationError without the secret in it.
    """
    if value is not None:
        return value.get_secret_value()
    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            text = opened.read(LONGEST_SECRET + 1).decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(f"{key}: {file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise ConfigurationError(f"{key}: {file}: is not UTF-8 text") from None
    if not text or len(text) > LONGEST_SECRET or list_controls(text):
        raise ConfigurationError(f"{key}: {file}: should hold one line of at most {LONGEST_SECRET} bytes, the secret")
    return text


def list_secret_files(section: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Path]]:
    """Yield every file with a secret that a section names, with its key."""
    for name in type(section).model_fields:
        for below, value in _open_table(getattr(section, name), (*path, name)):
            if isinstance(value, BaseModel):
                yield from list_secret_files(value, below)
            elif name.endswith(OF_A_FILE) and isinstance(value, Path):
                yield ".".join(below), value


def _open_table(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        yield from (((*path, str(name)), one) for name, one in value.items())
    else:
        yield path, value


def is_readable_by_others(file: Path) -> bool:
    """Return whether users outside the file's group can read or change it; False where it cannot be looked at."""
    try:
        return bool(file.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP))
    except OSError:
        return False


def is_secret(annotation: Any, metadata: list[Any]) -> bool:
    """Return whether a key of this type is never shown."""
    if any(isinstance(mark, Hidden) for mark in metadata) or annotation is SecretStr:
        return True
    return isinstance(annotation, Hidden) or any(is_secret(part, []) for part in get_args(annotation))
