"""Opening the configured folder of objects."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.errors import ConfigurationError
from config.settings import Settings
from storage.objects.files import Files


def find_folder(settings: Settings) -> Path:
    """Return the configured folder of objects."""
    url = settings.storage.blobs_url
    root = settings.node.data_dir / "objects" if url is None else Path(unquote(urlsplit(url).path))
    return root.resolve()


def open_files(settings: Settings) -> Files:
    """Open the folder of objects, creating it if necessary. Raises ConfigurationError when it cannot be written."""
    root = find_folder(settings)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Files(root, durable=settings.storage.durability == "full")
    except OSError as error:
        raise ConfigurationError(f"node.data_dir: cannot write in {root}: {error.strerror}") from error
