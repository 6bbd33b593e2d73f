"""Take the pictures of the pages that are in the docs, from a node that runs.

    python bench/page_pictures.py http://127.0.0.1:8080 docs/images list=/ attention=/attention review=/review/1.2.3

Each is page-NAME.jpg at 1440 x 900, in light, the review in dark as in a reading room. Needs Chromium.
"""

from __future__ import annotations

import argparse
import shutil
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import sync_playwright

SIZE: Final = {"width": 1440, "height": 900}
SHOWN: Final = (1080, 675)
QUALITY: Final = 78
_DRAWN_MS: Final = 4000


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="+", metavar="NAME=PATH")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--enable-unsafe-swiftshader"]
        )
        for name, _, path in (page.partition("=") for page in arguments.pages):
            theme = "dark" if path.startswith("/review/") else "light"
            page = browser.new_page(viewport=SIZE, color_scheme=theme)
            page.goto(arguments.address + path)
            page.wait_for_timeout(_DRAWN_MS)
            picture = Image.open(BytesIO(page.screenshot())).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
            picture.save(arguments.folder / f"page-{name}.jpg", quality=QUALITY, optimize=True, progressive=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
