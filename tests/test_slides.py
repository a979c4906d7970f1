"""The slides, in a real browser with the network cut."""

import importlib.util
import sys
from pathlib import Path

import nbformat
import pytest
from deck_and_page import FONT, cell, offline_page, tiny_notebook  # noqa: F401 (fixtures)
from driving import expect, press
from nbformat.v4 import new_markdown_cell

ROOT = Path(__file__).parents[1]

sys.path.insert(0, str(ROOT / "site"))
spec = importlib.util.spec_from_file_location("slides", ROOT / "site" / "slides.py")
slides = importlib.util.module_from_spec(spec)
spec.loader.exec_module(slides)


@pytest.fixture
def decks(tmp_path):
    """Make decks of notebooks: a function that returns their folder."""

    def make(**notebooks):
        paths = []
        for name, nb in notebooks.items():
            paths.append(tmp_path / f"{name}.ipynb")
            nbformat.write(nb, paths[-1])
        slides.main(tmp_path / "_slides", *paths)
        return tmp_path / "_slides"

    return make


def walk(page):
    """What is to be seen on each slide of a deck, by the space bar alone."""
    page.wait_for_function("() => window.Reveal?.isReady()")  # the script may still be loading
    seen = []
    while not seen or not page.evaluate("Reveal.isLastSlide()"):
        if seen:
            page.keyboard.press("Space")
        seen.append(page.evaluate("Reveal.getCurrentSlide().innerText"))
        assert len(seen) < 50
    return seen


def test_a_deck_shows_questions_formulas_figures_and_exercises_and_opens_without_a_network(notebook, decks, page):
    folder = decks(tiny=notebook)
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("link", name="How far may a pixel move?").click()
    seen = walk(page)
    begins = [text.split("\n")[0] for text in seen]
    assert begins == [
        "How far may a pixel move?", "What does the clip do?", "A figure.", "value  2", "1 < 2?",
        "A table & its caption", "Open exercise 1.1 (5 minutes). Write f.", "What you learned", "Next",
    ]  # fmt: skip
    assert "By ε, and no further." in seen[0]
    assert "Predict first." in seen[1]
    assert page.locator(".formula math").count() == 1
    assert page.locator("blockquote math").count() == 2
    assert page.evaluate(FONT)
    assert page.locator(".eqno").text_content() == "(2)"
    notes = page.locator("aside.notes").all_text_contents()
    assert len(notes) == 1  # the speaker's view shows one for a slide
    assert "It keeps" in notes[0]
    assert "Said of it in Goodfellow" in notes[0]
    everything = page.content()
    (table,) = [text for text in seen if text.startswith("A table")]
    assert "20.0 % [5.7, 51.0] (2/10)" in table
    assert "00, the clip" in table
    assert page.locator(".advlib-table a").count() == 0  # no other notebook lies beside a deck
    assert not any(word in everything for word in ("secret", "folded hint", "the strip", "TODO", ".ipynb", "wide wide"))


def test_a_slider_on_a_slide_takes_its_keys_for_itself(notebook, decks, page):
    page.goto((decks(tiny=notebook) / "tiny.html").as_uri())
    page.wait_for_function("() => window.Reveal?.isReady()")  # the script may still be loading
    page.evaluate("Reveal.slide(1, 2)")
    explorer = page.locator(".advlib-explorer")
    press(explorer.locator("input"), "ArrowRight")()
    expect(explorer.locator("figcaption")).to_have_text("Shown at 3.0, by g.")
    assert page.evaluate("Reveal.getIndices().v") == 2


def test_a_notebook_with_slideshow_metadata_becomes_the_deck_that_it_asks_for(notebook, decks, page):
    chosen = notebook.copy()
    chosen.cells = [
        new_markdown_cell("# Mine", metadata={"slideshow": {"slide_type": "slide"}}),
        cell("print('code is shown')", slideshow={"slide_type": "subslide"}),
        new_markdown_cell("## Not this", metadata={"slideshow": {"slide_type": "skip"}}),
        new_markdown_cell("a note", metadata={"slideshow": {"slide_type": "notes"}}),
    ]
    page.goto((decks(chosen=chosen) / "chosen.html").as_uri())
    first, second = walk(page)
    assert first.strip() == "Mine"
    assert second.strip() == "print('code is shown')"


def test_a_formula_that_cannot_be_shown_is_named():
    with pytest.raises(ValueError, match=r"cannot be shown: \$\\nothing\$"):
        slides.mathml(r"\nothing")
