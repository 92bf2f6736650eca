"""Takes the pictures of the docs from the page of the demo's run: `python -m tests.reporting.take_pictures`.

To be run whenever the page's looks have changed. It needs Chromium and playwright, as the page's tests do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.reporting.test_page_in_chromium import CHROMIUM

IMAGES = Path(__file__).parents[2] / "docs" / "images"
#: The width of a picture, and the height of the page's top.
_WIDTH, _TOP = 1200, 1060


def main() -> None:
    """Train the demo, and take the top of its page, and its real paths beside its generated ones."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        command = [sys.executable, "-m", "humouse_doctor", "demo", "--fail-on", "never", "--output", "page.html"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": _WIDTH, "height": _TOP}, color_scheme="light")
        tab.goto((Path(folder) / "page.html").as_uri())
        tab.screenshot(path=IMAGES / "report.png")
        first, second = (tab.locator("#run1-plots figure").nth(number).bounding_box() for number in (0, 1))
        assert first is not None
        assert second is not None
        tab.screenshot(
            path=IMAGES / "paths.png",
            full_page=True,
            clip={
                "x": first["x"] - 12,
                "y": first["y"] - 12,
                "width": second["x"] + second["width"] - first["x"] + 24,
                "height": first["height"] + 24,
            },
        )
        browser.close()


if __name__ == "__main__":
    main()
