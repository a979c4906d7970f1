"""Two pictures: python site/live/example.py, after course.py run.

static/live-example.png stands in the live page where no script runs; picture.png, README's, is the page in use.
"""

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parents[1]
sys.path.insert(0, str(SITE.parent))
from advlib import cnn, iterative_attack, plots, predict  # noqa: E402
from advlib.metrics import eight_bits  # noqa: E402

LEVELS = 61


@contextmanager
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def digit(number):
    """One of our drawn digits, centred as on the page."""
    script = (SITE / "live" / "drawing.js").read_text(encoding="utf-8")
    with browser() as chromium:
        page = chromium.new_page()
        page.add_script_tag(content=script)
        found = page.evaluate(
            "n => { const art = drawing(), {grid} = art.gallery.find(one => one.meant == n);"
            " return [...art.centre(art.grey(grid))]; }",
            number,
        )
    return np.array(found, np.float32).reshape(1, 28, 28, 1) / 255


def in_use(path, number=5, levels=40):
    """The page down to the common noise, with a digit that its noise fools."""
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1180, "height": 900}, device_scale_factor=1.5)
        page.goto((SITE / "html" / "live.html").as_uri())
        page.locator("#live-gallery button").nth(number).click()
        page.wait_for_function("document.querySelector('#live-reading').textContent")
        page.locator("#live-eps").evaluate(
            "(e, levels) => { e.value = levels; e.dispatchEvent(new Event('input', {bubbles: true})); }", levels
        )
        page.wait_for_timeout(5000)  # all three noises are read
        whole = page.locator("#live").bounding_box()
        end = page.locator("#live-again").bounding_box()["y"]
        clip = {"x": whole["x"], "y": whole["y"], "width": whole["width"], "height": end - whole["y"]}
        page.screenshot(path=path, full_page=True, clip=clip)
    Image.open(path).quantize(128).save(path, optimize=True)


def example(x, y):
    model = cnn.load("mnist")
    eps = LEVELS / 255
    noisy = eight_bits(iterative_attack(model, x, [y], eps=eps, alpha=eps / 4, rule="sign").x_adv)
    fig, axes = plots.figure(1, 3, 7.2, 2.8)
    plots.draw_image(axes[0], x[0], f"read as {predict(model, x)[0]}")
    plots.draw_noise(axes[1], (noisy - x)[0])
    axes[1].set_title(f"noise, ε = {eps:.2f} ({LEVELS}/255)")
    plots.draw_image(axes[2], noisy[0], f"read as {predict(model, noisy)[0]}")
    return fig


if __name__ == "__main__":
    example(digit(7), 7).savefig(SITE / "static" / "live-example.png", dpi=110)
    in_use(SITE / "picture.png")
