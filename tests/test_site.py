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
from deck_and_page import FONT, KERNEL, a_figure, cell, drawn, offline_page, said, tiny_notebook  # noqa: F401 (fixtures)
from driving import answer, barriers, expect, press
from nbformat.v4 import new_markdown_cell, new_notebook

from advlib import plots, widgets

ROOT = Path(__file__).parents[1]

sys.path.insert(0, str(ROOT / "benchmarks"))
from pages import hosted, weight  # noqa: E402


def narrow(value):
    """A picture as wide as those below a slider."""
    fig, ax = plots.figure(1, 1, 4.6, 3)
    ax.set_title(value)
    return fig


@pytest.fixture(scope="session")
def predictions():
    """A notebook in which the reader is to predict."""
    explorer = widgets.Explorer(drawn, said, alt="a title", value=[1.0, 2.0])
    phone = widgets.Explorer(narrow, said, alt="a title", value=[1.0, 2.0])
    with pytest.MonkeyPatch.context() as patch:
        shown = []
        patch.setattr(widgets, "display", lambda bundle, raw: shown.append(bundle["text/html"]))
        phone.strip(value=[1.0, 2.0])
    cells = [
        new_markdown_cell(
            "# What will it print?\n\nYou will see.\n\n## One or two?\n\n> **Predict first.** One, or two?"
        ),
        cell("built = 'before the answer'"),
        cell("explorer", explorer.page()),
        cell("explorer.strip()", *shown),
        cell("print('the answer')", "<p>the answer is one</p>"),
        cell("fig = 'what draws it'", tags=["figure"]),
        cell("plots.show(fig)", a_figure(), tags=["figure"]),
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


def unfold(page):
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


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
            """all => Promise.all(all.map(img => {
                img.loading = "eager";  // as a reader who comes near
                return img.decode().then(() => img.naturalWidth);
            }))"""
        )
        assert all(seen), path
        for figure in page.locator("main figure").all():
            assert any(img.get_attribute("alt") for img in figure.locator("img").all()), path
        formulas, pictures = formulas + len(sizes), pictures + len(seen)
    assert formulas
    assert pictures


def test_a_phone_reads_every_page_without_scrolling_sideways(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    for path in every(page, site):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        outside = page.locator("main :is(p, li, h1, h2, img, label, input, figcaption)").evaluate_all(
            """all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().right > 391
                                      && !e.closest("table, pre, .formula, .advlib-strip"))
                          .map(e => e.outerHTML.slice(0, 200))"""
        )
        assert not outside, path


def test_a_wide_table_scrolls_in_itself_by_keyboard_and_its_links_lead_on(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    tables = scrolled = 0
    for path in every(page, site):
        unfold(page)
        for table in page.locator(".advlib-table").all():
            tables += 1
            if table.evaluate("e => e.scrollWidth > e.clientWidth"):
                scrolled += 1
                table.focus()
                page.keyboard.press("ArrowRight")
                page.wait_for_function("() => document.activeElement.scrollLeft > 0")
                table.evaluate("e => { e.scrollLeft = e.scrollWidth }")
                for above in table.locator("caption, [scope=rowgroup] span").all():  # what the rest is read by
                    box, frame = above.bounding_box(), table.bounding_box()
                    assert box["x"] >= frame["x"] - 2, (path, above.inner_text())
                    assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1, (path, above.inner_text())
            told = table.locator("caption").all_inner_texts() or table.locator("xpath=../summary").all_inner_texts()
            assert table.get_attribute("aria-label") in (*told, "table")
        for link in page.locator(".advlib-table a").all():
            leads = path.parent / link.get_attribute("href")
            assert leads.exists(), (path, leads)
    assert tables
    assert scrolled


PALE = """() => {  // every text of the page whose contrast with what is behind it is below 4.5 : 1
    const parts = colour => { const [r, g, b, a = 1] = colour.match(/[0-9.]+/g).map(Number); return [r, g, b, a]; };
    const over = ([r, g, b, a], under) => [r, g, b].map((part, i) => part * a + under[i] * (1 - a));
    const linear = share => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const papers = new Map([[null, [255, 255, 255]]]);
    const paper = element => {
        if (!papers.has(element)) {
            const style = getComputedStyle(element);
            if (style.backgroundImage != "none") throw `text on a picture: ${element.outerHTML}`;
            papers.set(element, over(parts(style.backgroundColor), paper(element.parentElement)));
        }
        return papers.get(element);
    };
    const pale = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let read = 0;
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
        if (!text || element.closest("script, style, noscript") || !element.checkVisibility()) continue;
        const behind = paper(element), ink = over(parts(getComputedStyle(element).color), behind);
        const [low, high] = [light(ink), light(behind)].sort((a, b) => a - b);
        read += 1;
        const contrast = (high + 0.05) / (low + 0.05);
        if (contrast < 4.5) pale.push([contrast, text.slice(0, 60), element.className]);
    }
    return [read, pale];
}"""


@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_text_can_be_read(mode, media, site, page):
    """WCAG 2.2, criterion 1.4.3: a contrast of at least 4.5 : 1; and a print is black on white."""
    page.add_init_script(f"localStorage.setItem('theme', '{mode}')")
    page.emulate_media(media=media)
    for path in every(page, site):
        unfold(page)
        assert page.evaluate("document.documentElement.dataset.theme") == mode
        read, pale = page.evaluate(PALE)
        assert read, path
        assert not pale, path
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (mode == "light" or media == "print"), path
        filters = page.locator("img").evaluate_all("all => all.map(img => getComputedStyle(img).filter)")
        assert set(filters) <= {"none"}, path  # a course about whether noise is visible changes no picture


# where axe cannot tell, and what tells instead
IN_DOUBT = {
    ("color-contrast", "nonBmp"): "a symbol: test_every_text_can_be_read",
    ("color-contrast", "shortTextContent"): "a single character: test_every_text_can_be_read",
    ("color-contrast", "elmPartiallyObscured"): "it is scrolled out of sight: test_every_text_can_be_read",
    ("th-has-data-cells", None): "a row names the group below it: COLUMNS",
}
COLUMNS = """all => all.every(table => {  // every heading of a column has a cell with text below it
    const heads = table.querySelectorAll("thead th").length, rows = [...table.querySelectorAll("tbody tr")];
    const whole = rows.filter(row => row.cells.length == heads);
    return [...Array(heads).keys()].every(i => whole.some(row => row.cells[i].textContent.trim()));
})"""


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_and_doubts_nothing_that_is_not_explained(width, mode, site, page):
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(f"localStorage.setItem('theme', '{mode}')")
    for path in every(page, site):
        unfold(page)
        assert not barriers(page, explained=IN_DOUBT), path
        assert page.locator(".advlib-table table").evaluate_all(COLUMNS), path


def test_a_page_is_light(site):
    """With every picture, and gzipped; what all pages share is a few kB of it."""
    for path in site.rglob("[!_]*.html"):
        text = path.read_text(encoding="utf-8")
        assert '<img src="data:' not in text, path  # a picture comes when the reader comes near
        assert weight(path) < 1e6, path
    assert weight(site / "references.html") < 20e3


def test_pictures_keep_their_place_and_wait_for_the_reader(site, page):
    pictures = 0
    for path in every(page, site):
        for picture in page.locator("img[src*=_images]").all():
            pictures += 1
            assert picture.get_attribute("loading") == "lazy", path
            assert (path.parent / picture.get_attribute("src")).is_file(), path
            picture.evaluate("img => { img.loading = 'eager' }")
            drawn = picture.evaluate("img => img.decode().then(() => [img.naturalWidth, img.naturalHeight])")
            assert drawn == [int(picture.get_attribute(side)) for side in ("width", "height")], path
    assert pictures


def test_a_page_has_one_name_with_its_number(site, page):
    names = {}
    for path in every(page, site):
        names[path] = title = page.locator("article h1").inner_text()
        assert page.title().startswith(title), path
        number = re.match(r"0*(\d+)_", path.name)
        depth = " in depth" if path.parent.name == "in_depth" else ""
        assert not number or title.startswith(f"{number[1]}{depth} · "), path
    for path in every(page, site):
        for link in page.locator("nav.around a").all():
            leads = (path.parent / link.get_attribute("href")).resolve()
            assert link.inner_text().split("\n", 1)[-1].strip() == names[leads], path
        groups = page.locator("#menu ul").all()
        for link in page.locator("#menu li a:not([href='#'])").all():
            leads = (path.parent / link.get_attribute("href")).resolve()
            assert link.text_content() == names[leads].replace(" in depth", ""), path
        lessons, depth = (group.locator("a").all_text_contents() for group in groups[:2])
        numbered = [name for name in lessons + depth if name != names.get(site / "live.html")]
        assert all(re.match(r"\d+ · ", name) for name in numbered), path


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

            for slider in explorer.locator("input[type=range]").all():
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
                assert slider.locator("xpath=ancestor::label[1]").locator("span").last.inner_text() == label
            for words in explorer.locator("fieldset").all():
                words.locator("label").first.click()
                another(press(words.locator("input").first, "ArrowDown"), shows())
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
            expect(fold).to_have_accessible_name("Show the solution")
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
            press(fold.locator(":scope > summary"), "Enter")()
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
            code, fold = figure.locator(".cell_input pre").first, figure.locator("summary").last
            assert not code.is_visible(), path
            expect(fold).to_have_accessible_name("Show the code that draws this")
            fold.click()
            assert code.is_visible(), path
    assert figures


def test_the_code_of_several_cells_stands_in_one_fold_below_the_picture_that_it_draws(site, page):
    if os.environ.get("ADVLIB_SITE"):
        pytest.skip("asks for the small site")
    page.goto((site / "01_predictions.html").as_uri())
    page.evaluate("for (const fold of document.querySelectorAll('details.predicted')) fold.open = true")
    figure = page.locator(".tag_figure")
    assert figure.locator("summary").count() == 1
    figure.locator("summary").click()
    assert "what draws it" in figure.inner_text()
    assert "plots.show" in figure.inner_text()
    picture, fold = (figure.locator(part).bounding_box() for part in ("img", "details"))
    assert picture["y"] + picture["height"] < fold["y"]


def test_a_print_has_pictures_and_links_and_no_controls(site, page):
    page.emulate_media(media="print")
    links = 0
    controls = ".advlib-explorer :is(input, button), .copy, .headerlink, .bar, #menu, .contents"
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
    page.locator("#menu input").fill("Goodfellow")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=Goodfellow*")
    told = page.locator("#search-results p").first
    expect(told).to_contain_text("Found")
    hashes = page.locator("#search-results a").evaluate_all("all => all.map(a => a.hash)")
    pages, sections = map(int, re.findall(r"(\d+) (?:page|section)", told.inner_text()))
    assert pages == hashes.count("") > 0
    assert sections == len(hashes) - pages > 0
    page.locator("#search-results a", has_text="References").first.click()
    expect(page.locator("article h1")).to_contain_text("References")


def test_served_over_http_the_search_shows_where_it_found_it(site, browser):
    with hosted(site) as address:
        page = browser.new_page()
        page.goto(f"{address}/search.html?q=Goodfellow")
        found = page.locator("#search-results li", has_text="References").first
        expect(found.locator("p")).to_contain_text("Goodfellow")
        page.close()


def test_on_a_phone_the_lessons_open_and_close_by_keyboard(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((site / "references.html").as_uri())
    button, menu = page.get_by_role("button", name="Lessons"), page.get_by_role("navigation", name="Lessons")
    expect(menu).to_be_hidden()
    press(button, "Enter")()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()


def test_dark_is_chosen_by_a_button_and_remembered(site, page):
    page.emulate_media(color_scheme="light")
    page.goto((site / "references.html").as_uri())
    button, theme = page.get_by_role("button", name="Dark"), "document.documentElement.dataset.theme"
    assert (page.evaluate(theme), button.get_attribute("aria-pressed")) == ("light", "false")
    press(button, "Enter")()
    assert (page.evaluate(theme), button.get_attribute("aria-pressed")) == ("dark", "true")
    page.goto((site / "index.html").as_uri())
    assert (page.evaluate(theme), button.get_attribute("aria-pressed")) == ("dark", "true")


def test_the_system_may_ask_for_the_dark(site, page):
    page.emulate_media(color_scheme="dark")
    page.goto((site / "index.html").as_uri())
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_cell_of_several_lines_can_be_copied(site, page):
    copied = 0
    for path in every(page, site):
        unfold(page)
        page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text }")
        for code in page.locator(".cell_input").all():
            several = "\n" in code.locator("pre").inner_text().strip()
            assert code.locator(".copy").count() == several, path
        assert page.locator(".cell_output .copy").count() == 0, path
        for button in page.locator(".copy").all()[:2]:
            copied += 1
            button.click()
            expect(button).to_have_text("Copied")
            assert page.evaluate("copied") == button.locator("xpath=..").locator("pre").text_content()
    assert copied


FOCUSED = """() => {  // what the Tab key has come to, and whether one sees that
    const at = document.activeElement, shown = [at, at.closest("label")].filter(Boolean);
    return [at.tagName, at.checkVisibility(), shown.some(e => getComputedStyle(e).outlineStyle != "none")];
}"""


def test_the_tab_key_comes_to_the_text_at_once_and_one_always_sees_where_it_is(site, page):
    for path in every(page, site):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # Skip to the text
        assert page.evaluate("document.activeElement.id") == "main", path
        page.reload()
        for _ in range(500):
            page.keyboard.press("Tab")
            tag, visible, marked = page.evaluate(FOCUSED)
            if tag == "BODY":
                break
            assert visible, (path, tag)
            assert marked, (path, tag)
        else:
            pytest.fail(f"{path}: the Tab key never comes to the end")


def test_on_a_phone_the_pictures_of_a_strip_can_be_read_and_a_formulas_number_is_in_sight(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    strips = numbers = 0
    for path in every(page, site):
        unfold(page)
        for picture in page.locator(".advlib-strip img").all():
            strips += 1
            drawn = float(re.match(r"width:\s*(\d+)", picture.get_attribute("style"))[1])
            size = 10 * 96 / 72 * picture.bounding_box()["width"] / drawn  # letters of 10 points, as they are drawn
            assert size >= 9, path
        for number in page.locator(".eqno").all():
            numbers += 1
            box = number.bounding_box()
            assert box["x"] + box["width"] <= 390, path
    assert strips
    assert numbers


def test_no_words_of_an_output_are_cut(site, page):
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for path in every(page, site):
            unfold(page)
            cut = page.locator(".cell_output pre").evaluate_all("all => all.map(e => e.scrollWidth - e.clientWidth)")
            assert not any(cut), path


def test_what_is_too_wide_looks_so_and_only_that_takes_the_tab_key(site, page):
    page.set_viewport_size({"width": 390, "height": 900})
    wide = 0
    for path in every(page, site):
        unfold(page)
        for part in page.locator("main :is(pre, .scrolls, .formula, .advlib-table, .advlib-strip)").all():
            scrolls = part.evaluate("e => e.scrollWidth > e.clientWidth")
            wide += scrolls
            expected = ("0", True) if scrolls else (None, False)
            shown = part.get_attribute("tabindex"), part.evaluate("e => getComputedStyle(e).boxShadow != 'none'")
            assert shown == expected, (path, part.inner_text()[:60])
    assert wide
