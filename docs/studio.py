"""Make the README's picture of the studio: the demo's photograph in a real browser.

python docs/studio.py
"""

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
EFFECTS = ("Whiten teeth", "Eye colour", "Smooth skin")


def main() -> None:
    command = [sys.executable, "-m", "easyportrait", "serve", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        address = server.stdout.readline().strip()
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 760})
            page.goto(address)
            page.get_by_text("Try it with this one").click()
            page.get_by_text("The photo is ready").wait_for(timeout=120_000)
            for name in EFFECTS:
                page.get_by_role("switch", name=name).or_(
                    page.get_by_role("checkbox", name=name)
                ).first.click(force=True)
            page.get_by_text("Blur", exact=True).first.click()
            page.wait_for_timeout(15_000)
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            browser.close()
    finally:
        server.terminate()
    shot.save(Path(__file__).parent / "images" / "studio.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main()
