"""The site's logo: read once and checked before anything is printed."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from config.errors import ConfigurationError

MOST_BYTES: Final = 1024 * 1024
MOST_PIXELS: Final = 4000 * 4000
_PRINTED: Final = (900, 450)
_FORMATS: Final = ("PNG", "JPEG")


def prepare_logo(content: bytes) -> tuple[bytes, float]:
    """A logo as PNG of a size for print, and its width in heights."""
    with Image.open(BytesIO(content)) as picture:
        small = picture.convert("RGBA")
    small.thumbnail(_PRINTED)
    buffer = BytesIO()
    small.save(buffer, "PNG")
    return buffer.getvalue(), small.width / small.height


def read(path: Path) -> bytes:
    """The file of a logo (`results.logo`).

    Raises ConfigurationError when it cannot be read, is neither PNG nor JPEG, or is larger than 1 MiB or 16 million
    pixels.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"results.logo: {path} cannot be read ({error.strerror})") from error
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"results.logo: {path} has {len(content)} bytes; allowed: at most {MOST_BYTES}")
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                size = f"{picture.width} x {picture.height} pixels"
                raise ConfigurationError(f"results.logo: {path} has {size}; allowed: at most {MOST_PIXELS} in all")
            picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise ConfigurationError(f"results.logo: {path} cannot be used; allowed: a PNG or JPEG picture") from error
    return content
