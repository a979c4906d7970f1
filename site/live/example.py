"""Draws static/live-example.png, which stands in the live page where no script runs: python site/live/example.py"""

import shutil
import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parents[1]
sys.path.insert(0, str(SITE.parent))
from advlib import cnn, iterative_attack, plots, predict  # noqa: E402
from advlib.metrics import eight_bits  # noqa: E402

LEVELS = 61


def digit(number):
    """One of our drawn digits, centred as on the page."""
    script = (SITE / "live" / "drawing.js").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.add_script_tag(content=script)
        found = page.evaluate(
            "n => { const art = drawing(), {grid} = art.gallery.find(one => one.meant == n);"
            " return [...art.centre(art.grey(grid))]; }",
            number,
        )
        browser.close()
    return np.array(found, np.float32).reshape(1, 28, 28, 1) / 255


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
