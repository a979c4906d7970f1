"""The built pages, in a real browser with the network cut.

A small site is built for it.  ``ADVLIB_SITE=site/html`` has the same tests look at that one instead.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from deck_and_page import FONT, KERNEL, cell, drawn, offline_page, said, tiny_notebook  # noqa: F401 (fixtures)
from driving import answer, expect, press
from nbformat.v4 import new_markdown_cell, new_notebook

from advlib import plots, widgets

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def predictions():
    """A notebook in which the reader is to predict."""
    explorer = widgets.Explorer(drawn, said, value=[1.0, 2.0])
    figure = f"<figure>{plots.img(plots.png(drawn(1)), 'a figure', 9)}<figcaption>A figure.</figcaption></figure>"
    cells = [
        new_markdown_cell(
            "# What will it print?\n\nYou will see.\n\n## One or two?\n\n> **Predict first.** One, or two?"
        ),
        cell("built = 'before the answer'"),
        cell("explorer", explorer.page()),
        cell("print('the answer')", "<p>the answer is one</p>"),
        cell("plots.show(fig)", figure, tags=["figure"]),
        new_markdown_cell("You saw the answer."),
        new_markdown_cell("**Exercise 1.2** (5 minutes). Not hidden.\n\n> **Predict first.** And now?"),
        cell("print(2)", "<p>it is two</p>"),
        new_markdown_cell("## And then?\n\nNothing was asked here."),
    ]
    return new_notebook(cells=cells, metadata=KERNEL)


@pytest.fixture(scope="session")
def site(notebook, predictions, tmp_path_factory):
    """The folder of a built site."""
    if os.environ.get("ADVLIB_SITE"):
        return Path(os.environ["ADVLIB_SITE"]).resolve()
    pages, html = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("html")
    nbformat.write(notebook, pages / "00_tiny.ipynb")
    nbformat.write(predictions, pages / "01_predictions.ipynb")
    shutil.copy(ROOT / "site" / "index.md", pages)
    shutil.copy(ROOT / "notebooks" / "references.md", pages)
    (pages / "in_depth").mkdir()
    nbformat.write(new_notebook(cells=[new_markdown_cell("# How sure?")]), pages / "in_depth" / "00_sure.ipynb")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", ROOT / "site", "-b", "html", pages, html]
    subprocess.run(command, check=True)
    return html


def every(page, site):
    """Open one page after the other."""
    found = sorted(site.rglob("*.html"))
    found = [path for path in found if not path.relative_to(site).parts[0].startswith("_")]
    assert found
    for path in found:
        page.goto(path.as_uri())
        page.evaluate("for (const fold of document.querySelectorAll('details.predicted')) fold.open = true")
        yield path


def test_formulas_and_pictures_are_there_and_nothing_is_asked_for(site, page):
    formulas = pictures = 0
    for path in every(page, site):
        left = page.evaluate("""() => {
            const main = document.querySelector("main").cloneNode(true);
            for (const part of main.querySelectorAll("pre, code, math, script")) part.remove();
            return main.textContent;
        }""")
        assert not re.search(r"\$\$|\\[a-zA-Z]+|\$[^$\n]+\$", left), path
        assert not re.search(r"\|[-—]+\|", left), path  # a table that was left as text
        sizes = page.locator("main math").evaluate_all(
            "all => all.filter(m => m.checkVisibility()).map(m => m.getBoundingClientRect().width)"
        )
        assert all(width > 3 for width in sizes), path
        assert not sizes or page.evaluate(FONT), path
        seen = page.locator("main img").evaluate_all(
            "all => Promise.all(all.map(img => img.decode().then(() => [img.naturalWidth, img.alt])))"
        )
        assert all(width and alt for width, alt in seen), path
        formulas, pictures = formulas + len(sizes), pictures + len(seen)
    assert formulas
    assert pictures


def test_a_phone_reads_every_page_without_scrolling_sideways(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    for path in every(page, site):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        outside = page.locator("main :is(p, li, h1, h2, img, label, input, figcaption)").evaluate_all(
            """all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().right > 391
                                      && !e.closest("table, pre, .formula, .bd-sidebar-secondary"))
                          .map(e => e.outerHTML.slice(0, 200))"""
        )
        assert not outside, path


def test_a_wide_table_scrolls_in_itself_by_keyboard_and_its_links_lead_on(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    tables = scrolled = 0
    for path in every(page, site):
        for table in page.locator(".advlib-table").all():
            tables += 1
            if table.evaluate("e => e.scrollWidth > e.clientWidth"):
                scrolled += 1
                table.focus()
                page.keyboard.press("ArrowRight")
                page.wait_for_function("() => document.activeElement.scrollLeft > 0")
            assert table.get_attribute("aria-label") in (table.locator("caption").inner_text(), "table")
        for link in page.locator(".advlib-table a").all():
            leads = path.parent / link.get_attribute("href")
            assert leads.exists(), (path, leads)
    assert tables
    assert scrolled


CONTRAST = """all => all.filter(e => e.checkVisibility()).map(element => {
    const parts = colour => colour.match(/[0-9.]+/g).map(Number);
    const linear = share => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    let behind = element;  // the first that is painted; the page is the last
    while (behind && (parts(getComputedStyle(behind).backgroundColor)[3] ?? 1) == 0) behind = behind.parentElement;
    const paper = behind ? getComputedStyle(behind).backgroundColor : "rgb(255, 255, 255)";
    const lights = [getComputedStyle(element).color, paper].map(colour => light(parts(colour))).sort((a, b) => b - a);
    return [(lights[0] + 0.05) / (lights[1] + 0.05), element.textContent.slice(0, 60)];
})"""


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_captions_and_quizzes_can_be_read(mode, site, page):
    """WCAG 2.2, criterion 1.4.3: a contrast of at least 4.5 : 1."""
    page.add_init_script(f"localStorage.setItem('mode', '{mode}'); localStorage.setItem('theme', '{mode}')")
    read = []
    for path in every(page, site):
        assert page.evaluate("document.documentElement.dataset.theme") == mode
        text = page.locator(
            "main :is(figcaption, .advlib-explorer label, .advlib-quiz p, .advlib-table :is(caption, th, td))"
        ).evaluate_all(CONTRAST)
        assert all(contrast >= 4.5 for contrast, _ in text), (path, min(text))
        read += text
    assert read


def test_every_slider_moves_by_keyboard_and_by_mouse(site, page):
    explorers = 0
    for path in every(page, site):
        for explorer in page.locator(".advlib-explorer").all():
            explorers += 1
            explorer.scroll_into_view_if_needed()

            def shows(explorer=explorer):
                return explorer.locator("img").get_attribute("src"), explorer.locator("figcaption").inner_text()

            def another(act, before, path=path, shows=shows):
                act()
                after = shows()
                assert all(a != b for a, b in zip(after, before)), (path, before[1])  # picture and words
                return after

            def click(control, share):
                box = control.bounding_box()
                x, y = box["x"] + 2 + share * (box["width"] - 4), box["y"] + box["height"] / 2
                return lambda: page.mouse.click(x, y)

            for slider in explorer.locator("input").all():
                press(slider, "Home")()
                begin = shows()
                press(slider, "ArrowRight")()
                assert slider.input_value() == "1"
                end = another(press(slider, "End"), begin)
                another(click(slider, 0), end)
                assert shows() == begin
                another(click(slider, 1), begin)
                assert shows() == end
                label = slider.get_attribute("aria-valuetext")
                assert slider.locator("xpath=ancestor::div[1]").locator("output").inner_text() == label
            for menu in explorer.locator("select").all():
                menu.select_option(index=0)
                another(press(menu, "ArrowDown"), shows())
        for quiz in page.locator(".advlib-quiz").all():
            answer(quiz)
    assert explorers


def test_solutions_are_folded_and_can_be_unfolded(site, page):
    solutions = 0
    for path in every(page, site):
        for solution in page.locator(".tag_solution").all():
            solutions += 1
            code, fold = solution.locator("pre").first, solution.locator("summary").first
            assert not code.is_visible(), path
            expect(fold).to_contain_text("Show the solution")
            fold.click()
            assert code.is_visible(), path
        assert not any(hint.get_attribute("open") for hint in page.locator("main details:has-text('Hint')").all())
    assert solutions


def test_what_was_to_be_predicted_is_folded_and_can_be_unfolded(site, page):
    folds = 0
    for path in every(page, site):
        page.reload()  # as a reader finds it
        for fold in page.locator("details.predicted").all():
            folds += 1
            below = fold.locator(":scope > :not(summary)")
            assert below.count()
            assert not any(part.is_visible() for part in below.all()), path
            assert not any("Exercise" in part for part in below.locator("strong").all_inner_texts()), path
            fold.locator(":scope > summary").click()
            assert below.first.is_visible(), path
    assert folds


def test_of_a_prediction_the_answer_is_folded_and_nothing_else(site, page):
    if os.environ.get("ADVLIB_SITE"):
        pytest.skip("asks for the small site")
    page.goto((site / "01_predictions.html").as_uri())
    one, two = page.locator("details.predicted").all()
    assert "the answer is one" in one.inner_html()
    assert "You saw the answer." in one.inner_html()
    assert "it is two" in two.inner_html()
    assert page.get_by_text("before the answer").is_visible()
    assert page.get_by_text("Not hidden.").is_visible()
    assert page.get_by_text("Nothing was asked here.").is_visible()
    assert page.locator(".advlib-explorer").is_visible()  # the reader finds out by moving it


def test_a_figures_code_is_folded_under_its_own_words(site, page):
    figures = 0
    for path in every(page, site):
        for figure in page.locator(".tag_figure").all():
            figures += 1
            code, fold = figure.locator("pre").first, figure.locator("summary").first
            assert not code.is_visible(), path
            expect(fold).to_contain_text("Show the code that draws this")
            fold.click()
            assert code.is_visible(), path
    assert figures


def test_a_print_has_pictures_and_links_and_no_controls(site, page):
    page.emulate_media(media="print")
    links = 0
    controls = ".advlib-explorer :is(input, select, output), .copybtn, .headerlink, .bd-sidebar-primary"
    for path in every(page, site):
        page.evaluate("for (const fold of document.querySelectorAll('details.predicted')) fold.open = false")
        assert all(part.is_visible() for part in page.locator("details.predicted > :not(summary)").all()), path
        assert not any(control.is_visible() for control in page.locator(controls).all()), path
        assert all(img.is_visible() for img in page.locator(".advlib-explorer img").all()), path
        assert not any(code.is_visible() for code in page.locator(".tag_solution pre").all()), path
        for link in page.locator("main article a.external").all():
            links += 1
            after = link.evaluate("a => getComputedStyle(a, '::after').content")
            assert link.get_attribute("href") in after, path
    assert links


def test_the_search_finds_a_page_without_a_server(site, page):
    page.goto((site / "index.html").as_uri())
    page.locator(".search-button, .search-button-field").locator("visible=true").first.click()
    page.keyboard.type("Goodfellow")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=Goodfellow*")
    expect(page.locator("#search-results a", has_text="References").first).to_be_visible()
    page.locator("#search-results a", has_text="References").first.click()
    expect(page.locator("article h1")).to_contain_text("References")
