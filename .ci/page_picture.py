"""Take the picture of the what-if page for README and documentation: `docs/figures/what_if-{light,dark}.png`.

Run it from the root of the checkout, where Chromium is installed, when the page looks otherwise than in the picture.
"""

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from docs_pages import HOME
from PIL import Image

from acc_decel.cli.page import page

sys.path.insert(0, str(HOME))
from tests.helpers.browser import address, chromium

WIDTH, HEIGHT = 1400, 1265  # down to the lanes
COLOURS = 224  # that keep the file small
MOST_BYTES = 150_000
THEMES = ("light", "dark")
NAMES = tuple(f"what_if-{theme}.png" for theme in THEMES)


def take() -> None:
    """Write both pictures. Raises ValueError if one is too large."""
    with TemporaryDirectory() as folder, chromium() as browser:
        page([], Path(folder) / "what_if.html")
        for theme, name in zip(THEMES, NAMES, strict=True):
            browser.ask("Emulation.setScrollbarsHidden", hidden=True)
            browser.look(WIDTH, height=HEIGHT, dark=theme == "dark")
            browser.open(address(Path(folder) / "what_if.html", "played=yes"))
            picture = Image.open(io.BytesIO(browser.screenshot(whole=False))).convert("RGB")
            path = HOME / "docs" / "figures" / name
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
            if (size := path.stat().st_size) > MOST_BYTES:
                raise ValueError(f"{path} must have at most {MOST_BYTES} bytes. Got {size}: fewer colours.")
            print(f"{path}: {size} bytes, {picture.size}")


if __name__ == "__main__":
    take()
