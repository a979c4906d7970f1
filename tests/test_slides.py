"""The slides, in a real browser with the network cut."""

import importlib.util
import re
import sys
from pathlib import Path

import nbformat
import pytest
from deck_and_page import FONT, cell, offline_page, tiny_notebook  # noqa: F401 (fixtures)
from driving import answer, barriers, expect, press
from nbformat.v4 import new_markdown_cell, new_notebook

from advlib import plots

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


def opened(page, path, **size):
    """Open a deck at its first slide."""
    page.set_viewport_size({"width": 1280, "height": 720} | size)
    page.goto(path.as_uri())
    page.wait_for_function("() => window.Reveal?.isReady()")  # the script may still be loading


def walk(page, key="ArrowRight"):
    """Each slide of a deck, by one key alone."""
    for _ in range(50):
        yield page.locator("section.present:not(.stack)")
        if page.evaluate("Reveal.isLastSlide()"):
            return
        page.keyboard.press(key)
    raise AssertionError("no end")


@pytest.fixture
def talk(notebook):
    """A notebook whose sections are short: words alone, a picture alone, a long table, an exercise with code."""
    head = (
        '<div class="advlib-table"><table><caption>Long</caption>\n<thead><tr><th>claim</th><th>rate</th></tr></thead>'
    )
    row = '<tr><th scope="row">claim {}</th><td>20.0 % [5.7, 51.0] (2/10) {}</td></tr>'
    rows = [row.format(k, "and 20.0 % [5.7, 51.0] (2/10) " * 4) for k in range(40)]
    group = '<tbody><tr><th scope="rowgroup" colspan="2">{}</th></tr>{}</tbody>'
    body = group.format("few", "".join(rows[:3])) + group.format("many, and more of them " * 4, "".join(rows[3:]))
    _, figure, *_ = notebook.cells
    told = "# Talk?\n\nIt begins.\n\n## Only words?\n\nOf 0.5 and more. Not this: a\nsecond sentence."
    cells = [
        new_markdown_cell(told),
        new_markdown_cell("## A picture?"),
        figure,
        new_markdown_cell("## A square?"),
        cell("plots.show(fig)", f"<figure>{square()}<figcaption>Square.</figcaption></figure>"),
        new_markdown_cell("## A table?\n\n| key | does |\n|---|---|\n| A | walks |"),
        cell("tables.show(...)", f"{head}\n{body}</table></div>"),
        cell("tables.show(..., folded=True)", f"<details><summary>For readers</summary>{head}</table></div></details>"),
        new_markdown_cell("## An exercise?\n\n**Exercise 1.1** (5 minutes). Write `f`."),
        cell("def f():\n    return ...", tags=["stub"]),
        cell("def f():\n    return 1", tags=["solution"]),
        new_markdown_cell("## Limits\n\nNone.\n\n## Next\n\n[Another](03_another.ipynb)"),
    ]
    return new_notebook(cells=cells)


def square():
    return plots.img(plots.webp(plots.pixels(plots.figure(1, 1, 4, 4)[0])), "a square", 4)


def test_a_deck_shows_questions_formulas_figures_and_exercises_and_opens_without_a_network(notebook, decks, page):
    folder = decks(**{"02_tiny": notebook})
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("link", name="2 · How far may a pixel move?").click()
    page.wait_for_function("() => window.Reveal?.isReady()")
    seen = [slide.inner_text() for slide in walk(page, "Space")]
    begins = [text.split("\n")[0] for text in seen]
    question = "What does the clip do?"  # above whatever belongs to it
    assert begins == [
        "2 · How far may a pixel move?", question, question, question, question, question, question, question,
        "What you learned",
    ]  # fmt: skip
    assert "By ε, and no further." in seen[0]
    assert "Predict first." in seen[1]
    shown = "averyverylongword", "A figure.", "Shown at 2.0", "1 < 2?", "A table & its caption", "Open exercise 1.1"
    assert all(words in text for words, text in zip(shown, seen[2:]))
    assert "Next" in seen[-1]
    assert page.locator(".formula math").count() == 1
    assert page.locator("blockquote math").count() == 2
    assert page.evaluate(FONT)
    assert page.locator(".eqno").text_content() == "(2)"
    notes = page.locator("aside.notes").all_text_contents()
    assert "It keeps" in notes[0]
    assert "Said of it in Goodfellow" in notes[1]
    assert page.locator("section:has(> aside ~ aside)").count() == 0  # the speaker's view shows one for a slide
    everything = page.content()
    assert "20.0 % [5.7, 51.0] (2/10)" in seen[6].replace("\N{NO-BREAK SPACE}", " ")
    assert "00, the clip" not in seen[6]  # a column that leads to a notebook, and none lies beside a deck
    assert page.locator(".advlib-table a").count() == 0
    assert not any(word in everything for word in ("secret", "folded hint", "the strip", "TODO", ".ipynb", "wide wide"))


def test_no_slide_has_a_title_alone(talk, decks, page):
    opened(page, decks(talk=talk) / "talk.html")
    below = """e => [...e.querySelectorAll("img, p, li, td, pre")]
                         .filter(part => part.checkVisibility() && !part.closest("aside")).length"""
    slides = [(slide.inner_text(), slide.evaluate(below)) for slide in walk(page)]
    assert all(parts for _, parts in slides), slides
    texts = [text for text, _ in slides]
    assert "Of 0.5 and more." in texts[1]
    assert not any("Not this" in text for text in texts)
    assert "a\nsecond sentence." in page.locator("aside.notes").first.text_content()
    assert any(text.startswith("A picture?") and "A figure." in text for text in texts)
    assert any(text.startswith("A table?") and "walks" in text for text in texts)
    assert any(text.startswith("An exercise?") and "return ..." in text and "return 1" not in text for text in texts)
    assert "For readers" not in page.content()
    assert "Next\n\nAnother" in texts[-1]  # with the limits: one line needs no slide


@pytest.mark.parametrize("size", [{}, {"width": 1024, "height": 768}])
def test_all_that_a_slide_shows_is_seen_and_can_be_read_from_the_back_row(size, notebook, talk, decks, page):
    folder = decks(tiny=notebook, talk=talk)
    claims = []
    for name in ("tiny", "talk"):
        opened(page, folder / f"{name}.html", **size)
        for slide in walk(page):
            text = slide.inner_text()
            assert slide.evaluate("e => e.scrollHeight <= e.clientHeight && e.scrollWidth <= e.clientWidth"), text
            frame = slide.bounding_box()
            for part in slide.locator("p, li, td, th, pre, img, figcaption, button, label").all():
                box = part.bounding_box()
                if box and not part.evaluate("e => Boolean(e.closest('aside, [role=status]'))"):
                    assert box["x"] >= 0, text
                    assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1, text
                    assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 1, text
                    assert part.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 18, text
            if "Long (" in text:
                assert slide.locator("thead").inner_text().split() == ["claim", "rate"]
                groups = slide.locator('[scope="rowgroup"]').all_inner_texts()
                assert len(groups) == len(set(groups)) > 0
            claims += re.findall(r"claim (\d+)\t", text)
    assert claims == [str(k) for k in range(40)]


def test_what_is_too_much_for_a_slide_says_so(decks, page):
    much = new_notebook(cells=[new_markdown_cell("# Much\n\n" + "word " * 2000), new_markdown_cell("# Little\n\nword")])
    opened(page, decks(much=much) / "much.html")
    signs = [slide.evaluate("e => getComputedStyle(e, '::after').content") for slide in walk(page)]
    assert "scroll" in signs[0]
    assert signs[1] == "none"


def test_pictures_fill_a_slide_in_their_own_proportions_and_stay_as_a_slider_moves(notebook, talk, decks, page):
    folder = decks(tiny=notebook, talk=talk)

    def measured(picture):
        box = picture.bounding_box()
        natural = picture.evaluate("img => img.decode().then(() => img.naturalWidth / img.naturalHeight)")
        assert box["width"] / box["height"] == pytest.approx(natural, rel=0.02)
        return box

    opened(page, folder / "talk.html")
    wide, square = [measured(slide.locator("img")) for slide in walk(page) if slide.locator("img").count()]
    assert wide["width"] > 900
    assert square["height"] > 500
    opened(page, folder / "tiny.html")
    explorer = next(
        slide.locator(".advlib-explorer") for slide in walk(page) if slide.locator(".advlib-explorer").count()
    )
    before = measured(explorer.locator("img"))
    assert before["width"] > 900
    press(explorer.locator("input").first, "ArrowRight")()
    assert measured(explorer.locator("img")) == before


def test_the_number_stands_beside_the_arrows(notebook, decks, page):
    opened(page, decks(tiny=notebook) / "tiny.html")
    page.keyboard.press("ArrowRight")
    number, back, on = (
        page.locator(part).bounding_box() for part in (".slide-number", ".navigate-left", ".navigate-right")
    )
    assert number["x"] + number["width"] <= back["x"] < on["x"]
    assert back["y"] <= number["y"] + number["height"] / 2 <= back["y"] + back["height"]
    assert "2/9" in re.sub(r"\s", "", page.locator(".slide-number").inner_text())


def test_a_print_has_a_page_for_each_slide(talk, decks, page):
    path = decks(talk=talk) / "talk.html"
    opened(page, path)
    slides = len(list(walk(page)))
    page.emulate_media(media="print")
    page.goto(f"{path.as_uri()}?print-pdf")
    page.wait_for_function("() => window.Reveal?.isReady() && document.querySelector('.pdf-page')")
    sheets = page.locator(".pdf-page")
    expect(sheets).to_have_count(slides)
    square = page.locator('img[alt="a square"]').bounding_box()
    assert square["height"] > 500
    assert square["x"] + square["width"] <= 1280


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_index_names_every_deck_with_its_minutes_and_leads_back(mode, talk, notebook, decks, page):
    card = new_markdown_cell(
        "**You will be able to**\n\n- walk\n\n**Minutes** 5 to read, 1 to run, 0 for the exercises."
    )
    talk.cells.insert(1, card)
    folder = decks(**{"03_talk": talk, "notes_talk": notebook})
    page.emulate_media(color_scheme=mode)
    page.goto((folder / "index.html").as_uri())
    expect(page.get_by_role("link")).to_have_text(["3 · Talk?", "How far may a pixel move?"])  # no pages lie beside
    expect(page.get_by_role("listitem").first).to_contain_text("5 to read, 1 to run, 0 for the exercises")
    assert not barriers(page)
    (folder.parent / "site" / "html").mkdir(parents=True)
    (folder.parent / "site" / "html" / "index.html").write_text("<title>pages</title>")
    page.goto((decks(**{"03_talk": talk}) / "index.html").as_uri())
    page.get_by_role("link", name="pages").click()
    expect(page).to_have_title("pages")
    page.go_back()
    page.get_by_role("link", name="Talk?").click()
    expect(page).to_have_title("3 · Talk?")
    page.get_by_role("link", name="All slides").click()
    expect(page).to_have_title(re.compile("^Slides"))


# what axe leaves to be looked at
EXPLAINED = {
    ("aria-hidden-focus", None): "the slides that are not shown: the test walks by Tab, and comes to none of them",
    ("color-contrast", "nonBmp"): "signs of formulas, which axe does not take for text: of the colour around them",
    ("th-has-data-cells", None): "a group's name, in a row of its own above its rows",
}


def test_every_slide_can_be_used_by_everybody(notebook, decks, page):
    opened(page, decks(tiny=notebook) / "tiny.html")
    for slide in walk(page):
        assert not barriers(page, explained=EXPLAINED), slide.inner_text()
        for _ in range(8):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.checkVisibility({visibilityProperty: true})")
        page.evaluate("document.activeElement.blur()")  # the arrow keys are the deck's again


def test_a_slider_on_a_slide_takes_its_keys_for_itself(notebook, decks, page):
    opened(page, decks(tiny=notebook) / "tiny.html")
    slide = next(slide for slide in walk(page) if slide.locator(".advlib-explorer").count())
    place = page.evaluate("Reveal.getIndices()")
    press(slide.locator("input").first, "ArrowRight")()
    expect(slide.locator("figcaption")).to_have_text("Shown at 3.0, by g.")
    assert page.evaluate("Reveal.getIndices()") == place


def test_a_quiz_on_a_slide_is_as_large_as_the_text(notebook, decks, page):
    opened(page, decks(tiny=notebook) / "tiny.html")
    quiz = next(slide.locator(".advlib-quiz") for slide in walk(page) if slide.locator(".advlib-quiz").count())
    sizes = quiz.locator("legend, button").evaluate_all("all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")
    assert min(sizes) >= 30
    answer(quiz)


def test_a_notebook_with_slideshow_metadata_becomes_the_deck_that_it_asks_for(notebook, decks, page):
    chosen = notebook.copy()
    chosen.cells = [
        new_markdown_cell("# Mine", metadata={"slideshow": {"slide_type": "slide"}}),
        cell("print('code is shown')", slideshow={"slide_type": "subslide"}),
        new_markdown_cell("## Not this", metadata={"slideshow": {"slide_type": "skip"}}),
        new_markdown_cell("a note", metadata={"slideshow": {"slide_type": "notes"}}),
    ]
    opened(page, decks(chosen=chosen) / "chosen.html")
    first, second = (slide.inner_text() for slide in walk(page))
    assert first.strip() == "Mine"
    assert second.strip() == "print('code is shown')"


@pytest.mark.parametrize("tex", [r"\nothing", "^{-b}"])
def test_a_formula_that_cannot_be_shown_is_named(tex):
    with pytest.raises(ValueError, match=re.escape(f"cannot be shown: ${tex}$")):
        slides.mathml(tex)
