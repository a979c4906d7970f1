"""The front page: it follows the notebooks and the ledger, and its first screen has what a visitor needs."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from deck_and_page import KERNEL, cell, offline_page  # noqa: F401 (fixture)
from driving import barriers, expect, press
from nbformat.v4 import new_markdown_cell, new_notebook
from PIL import Image

import course
from advlib import cnn, data, fgsm, ledger, plots, predict, random_noise

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "site"))
import cards  # noqa: E402
import colab  # noqa: E402
import front  # noqa: E402

CARD = "**You will be able to**\n\n- read\n\n**Minutes** {} to read, 1 to run, {} for the exercises"


def notebook(title, *cells, read=5, exercises=0):
    begin = new_markdown_cell(f"# {title}\n\nYou will see it.")
    return new_notebook(cells=[begin, *cells, new_markdown_cell(CARD.format(read, exercises))], metadata=KERNEL)


def figure(colour, **metadata):
    data = plots.webp(np.asarray(Image.new("RGB", (90, 50), colour)))
    return cell("show(fig)", f"<figure>{plots.img(data, colour, 1)}</figure>", **metadata)


@pytest.fixture
def pages(tmp_path):
    """The folder of a small course, as it is after its run."""
    (tmp_path / "in_depth").mkdir()
    nbformat.write(notebook("What is it?", figure("red")), tmp_path / "00_start.ipynb")
    nbformat.write(notebook("How & why?", read=145, exercises=100), tmp_path / "02_how.ipynb")
    nbformat.write(notebook("How sure?", read=80), tmp_path / "in_depth" / "02_sure.ipynb")
    for path in (ROOT / "site" / "index.md", ROOT / "notebooks" / "references.md"):
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", course.notebooks(), ids=lambda path: path.name)
def test_a_card_is_found_wherever_it_stands(path):
    assert len(cards.minutes(nbformat.read(path, 4).cells)) == 3


def change(path, **minutes):
    nb = nbformat.read(path, 4)
    nb.cells[-1].source = CARD.format(minutes["read"], minutes["exercises"])
    nbformat.write(nb, path)


def filled(pages):
    source = [(pages / "index.md").read_text(encoding="utf-8")]
    front.fill(SimpleNamespace(srcdir=pages), "index", source)
    assert "{{" not in source[0]
    return source[0]


def build(pages, html, *options):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", ROOT / "site", "-b", "html", *options, pages, html]
    subprocess.run(command, check=True)
    return (html / "index.html").read_text(encoding="utf-8")


def test_minutes_titles_and_sentences_are_the_notebooks_own(pages):
    text = filled(pages)
    assert '<a class="button primary" href="00_start.html">Start (5 min)</a>' in text
    assert '<a href="02_how.html">2 · How &amp; why?</a><p>You will see it.</p>' in text
    assert "145 min to read, 100 min of exercises" in text
    assert "2 lessons, 2.5 hours to read" in text  # 150 min
    assert "1.5 hours of" in text  # 100 min
    assert '<a href="in_depth/02_sure.html">2 · How sure?</a>' in text
    change(pages / "00_start.ipynb", read=7, exercises=80)
    text = filled(pages)
    assert "Start (7 min)" in text
    assert " 3 hours of" in text


def test_a_built_page_follows_a_notebook_that_has_changed_and_a_previews_picture_has_its_whole_address(
    pages, tmp_path_factory
):
    html = tmp_path_factory.mktemp("html")
    text = build(pages, html)
    assert "Start (5 min)" in text
    assert "og:image" not in text  # nobody knows where the page will stand
    change(pages / "00_start.ipynb", read=7, exercises=0)
    text = build(pages, html, "-D", "html_baseurl=https://example.org/course/")
    assert "Start (7 min)" in text
    (address,) = re.findall(r'og:image" content="https://example.org/course/([^"]+)"', text)
    assert Image.open(html / address).size == (1200, 630)
    (lesson,) = re.findall(r'name="description" content="([^"]+)"', (html / "02_how.html").read_text(encoding="utf-8"))
    assert lesson == "You will see it."


def test_the_page_to_draw_on_is_offered_where_it_is(pages):
    assert "live.html" not in filled(pages)
    shutil.copy(ROOT / "site" / "live.md", pages)
    assert '<a class="button" href="live.html">' in filled(pages)


def test_the_verdicts_are_counted(pages, monkeypatch):
    assert "verdict" not in filled(pages)  # there is no ledger among these pages
    nbformat.write(notebook("Which hold?"), pages / "09_ledger.ipynb")
    verdicts = ["close", *["reproduced"] * 3, "as printed", "close"]
    monkeypatch.setattr(ledger, "rows", lambda: [SimpleNamespace(verdict=verdict) for verdict in verdicts])
    text = filled(pages)
    assert "6 numbers" in text
    counted = re.findall(r"<li><b>(\d+)</b> ([a-z ]+)</li>", text)
    assert counted == [("3", "reproduced"), ("1", "as printed"), ("2", "close"), ("0", "differs")]
    assert '<a href="09_ledger.html">' in text


def test_the_source_is_named_where_it_is_known(pages):
    assert "github" not in filled(pages)
    nb = nbformat.read(pages / "00_start.ipynb", 4)
    nb.cells.insert(1, nb.cells.pop())  # colab.py writes on the second cell
    colab.add(nb, "notebooks/00_start.ipynb", "https://github.com/someone/a-course.git")
    nbformat.write(nb, pages / "00_start.ipynb")
    assert "[github.com/someone/a-course](https://github.com/someone/a-course)" in filled(pages)


def test_a_lessons_picture_is_the_figure_with_the_tag_or_the_first():
    def colour(*cells):
        (found,) = re.findall(r'^<img src="data:image/webp;base64,([^"]+)" alt="">$', front.picture(list(cells)))
        return Image.open(io.BytesIO(base64.b64decode(found))).getpixel((100, 100))

    red, green, blue = colour(figure("red"), figure("blue"))
    assert red > 200 > 50 > max(green, blue)
    red, green, blue = colour(figure("red"), figure("blue", tags=["figure", "thumbnail"]))
    assert blue > 200 > 50 > max(red, green)
    assert front.picture([cell("print(1)")]) == ""


def test_the_network_reads_what_the_page_says(unlike):
    """A seven; a nine under the noise of 0.20; a seven under random noise of that size."""
    if unlike:
        pytest.skip(unlike)
    images, labels = data.load("mnist").test
    network = cnn.load("mnist")
    assert labels[0] == 7
    for noisy, read in (
        (images[:1], 7),
        (fgsm(network, images[:1], labels[:1], eps=0.20).x_adv, 9),
        (random_noise(images[:1], eps=0.20), 7),
    ):
        assert predict(network, noisy) == [read]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of built pages: the small course's, or those that ADVLIB_SITE names."""
    if os.environ.get("ADVLIB_SITE"):
        return Path(os.environ["ADVLIB_SITE"]).resolve()
    folder, html = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("html")
    build(pages.__wrapped__(folder), html)
    return html


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_the_first_screen_has_the_hook_the_slider_its_picture_and_start(size, site, page):
    page.set_viewport_size(dict(zip(("width", "height"), size)))
    page.goto((site / "index.html").as_uri())
    for part in ("h1", ".hook p >> nth=0", ".try input", ".try img", ".hook .button"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= size[1], (part, box)


def test_the_slider_moves_and_start_starts_by_keyboard(site, page):
    page.goto((site / "index.html").as_uri())
    slider, words = page.locator(".try input"), page.locator(".try figcaption")
    assert slider.input_value() == "0"  # the lesson asks where it has to stand
    before = words.inner_text()
    press(slider, "End")()
    expect(words).not_to_have_text(before)
    page.locator("h1").click()
    page.keyboard.press("Tab")  # the first of the text, after the heading's own link
    while page.evaluate("document.activeElement.textContent").strip()[:5] != "Start":
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement != document.body")
    page.keyboard.press("Enter")
    page.wait_for_url("**/00_*.html")


def test_every_link_leads_somewhere(site, page):
    page.goto((site / "index.html").as_uri())
    links = page.locator("main a:not(.external)").evaluate_all("all => all.map(a => a.href)")
    assert len(links) > 5
    for link in links:
        address, _, place = link.partition("#")
        assert Path(address.removeprefix("file://")).is_file(), link
        page.goto(link)
        assert not place or page.locator(f"[id='{place}']").count() == 1, link


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_front_page_can_be_used_by_everybody(width, mode, site, page):
    page.set_viewport_size({"width": width, "height": 844})
    page.add_init_script(f"localStorage.setItem('theme', '{mode}')")
    page.goto((site / "index.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not barriers(page)
