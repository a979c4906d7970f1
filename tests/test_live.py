"""The page that computes, in a real browser with the network cut: what a reader draws, sets, counts and sends."""

import contextlib
import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import answering
import nbformat
import numpy as np
import pytest
from deck_and_page import KERNEL, offline_page, tiny_notebook  # noqa: F401 (fixtures)
from driving import barriers, expect
from nbformat.v4 import new_markdown_cell, new_notebook
from PIL import Image
from scipy.special import softmax
from test_site import IN_DOUBT, PALE

from advlib import cnn, data, logits
from advlib.metrics import Rate

ROOT = Path(__file__).parents[1]
DRAWING = ROOT / "site" / "live" / "drawing.js"
SEVEN = [(25, 20), (50, 18), (75, 18), (65, 40), (52, 65), (45, 88)]  # in hundredths of the canvas
ONE = [(50, 12), (50, 88)]
SMALL_SEVEN = [(8 + x / 4, 8 + y / 4) for x, y in SEVEN]  # in a corner
HINT = "Draw something first."


# ------------------------------------------------------------------ the page, and hands
@pytest.fixture(scope="session")
def site(notebook, tmp_path_factory):
    """The folder of a small site with the page in it."""
    pages, html = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("html")
    nbformat.write(notebook, pages / "00_tiny.ipynb")
    for name in ("01_the_cnn", "02_fool_one_image", "04_common_noise"):
        title = new_markdown_cell(f"# {name.replace('_', ' ')}?")
        nbformat.write(new_notebook(cells=[title], metadata=KERNEL), pages / f"{name}.ipynb")
    (pages / "in_depth").mkdir()
    nbformat.write(new_notebook(cells=[new_markdown_cell("# How sure?")]), pages / "in_depth" / "00_sure.ipynb")
    for path in (*(ROOT / "site").glob("*.md"), ROOT / "notebooks" / "references.md"):
        shutil.copy(path, pages)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", ROOT / "site", "-b", "html", pages, html]
    subprocess.run(command, check=True)
    return html


@pytest.fixture(scope="module")
def network():
    return cnn.load("mnist")


@pytest.fixture(scope="module")
def loaded(site, browser):
    """One page for many tests: to load the network takes longer than most of them."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    asked, errors = [], []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield ready(page, site)
    context.close()
    assert not [url for url in asked if not url.startswith(("file:", "blob:"))]
    assert not errors


FRESH = """async () => {
    const art = drawing();
    const settings = {centred: true, rule: "gradient", levels: 8, steps: 20, target: null, common: null};
    for (const fragment of ["#", art.pack({...settings, grid: art.empty(), size: 9, seed: 1})]) {
        await new Promise(resolve => {
            addEventListener("hashchange", resolve, {once: true});
            location.hash = fragment;
        });
    }
    while (!document.getElementById("live-take").disabled) document.getElementById("live-take").click();
    document.getElementById("live-pen").click();
    document.querySelectorAll("#live details").forEach(part => { part.open = false; });
    document.documentElement.dataset.theme = "light";
}"""


@pytest.fixture
def live(loaded):
    """That page as a reader finds it."""
    loaded.set_viewport_size({"width": 1200, "height": 900})
    loaded.evaluate("location.hash = '#x'")
    loaded.evaluate(FRESH)
    rest(loaded)
    return loaded


def ready(page, site, fragment=""):
    page.goto((site / "live.html").as_uri() + fragment)
    expect(page.locator("#live-provenance")).to_contain_text("SHA-256", timeout=30_000)
    return page


def at(page, x, y):
    box = page.locator("#live-board").bounding_box()
    return box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"]


def draw(page, points):
    """By mouse; returns what is read once that stands there."""
    page.locator("#live-board").scroll_into_view_if_needed()
    page.mouse.move(*at(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*at(page, *point), steps=6)
    page.mouse.up()
    return read(page)


def read(page):
    """What the network reads, once the page rests."""
    rest(page)
    return page.locator("#live-reading b").inner_text()


def rest(page):
    """Wait until what is shown is what was asked for last."""
    page.wait_for_function("document.getElementById('live').dataset.busy == 'false'", timeout=30_000)


def slide(page, name, value):
    page.locator(f"#live-{name}").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
    )
    rest(page)


def gallery(page, digit):
    page.get_by_role("button", name=f"{digit}, drawn by us").click()
    return read(page)


def levels(page, name):
    """A canvas's grey levels, (28, 28)."""
    found = page.locator(f"#live-{name}").evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 0)"
    )
    return np.array(found, np.uint8).reshape(28, 28)


def probabilities(page, table):
    shown = page.locator(f"#live-{table} td").all_inner_texts()
    return np.array([float(text.strip().removesuffix("%")) / 100 for text in shown])


def by_python(network, picture):
    return softmax(logits(network, np.float32(picture)[None, ..., None] / 255)[0].astype(np.float64))


def fooled(page):
    return page.locator("#live-told .badge").inner_text() == "fooled"


def saved(page, press):
    with page.expect_download() as download:
        press.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def opened(page, *picture):
    """Let the page open a file: bytes, or an array of pixels."""
    content = picture[0]
    if not isinstance(content, bytes):
        buffer = io.BytesIO()
        Image.fromarray(content).save(buffer, "PNG")
        content = buffer.getvalue()
    page.locator("#live-open").set_input_files([{"name": "a.png", "mimeType": "image/png", "buffer": content}])


# ------------------------------------------------------------------ how a drawing is centred
@pytest.fixture(scope="module")
def centred(browser):
    """What drawing.js, or a changed copy of it, makes of pictures."""
    page = browser.new_page()

    def centred(pictures, source=None):
        source = source or DRAWING.read_text(encoding="utf-8")
        found = page.evaluate(
            "([source, all]) => { const art = new Function(`${source}; return drawing();`)();"
            " return all.map(one => [...art.centre(Uint8Array.from(one))]); }",
            [source, np.reshape(pictures, (len(pictures), -1)).tolist()],
        )
        return np.array(found, np.uint8).reshape(-1, 28, 28)

    yield centred
    page.close()


def reference(picture):
    """The same by Pillow: a box of 20×20, then whole pixels until the centre of mass lies in the pixel (14, 14)."""
    rows, columns = (np.flatnonzero(picture.any(axis)) for axis in (1, 0))
    cut = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, int(20 * side / max(cut.shape) + 0.5)) for side in cut.shape)
    digit = np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BILINEAR), float)
    out, begin = np.zeros((28, 28)), []
    for axis, size in enumerate((height, width)):
        along = digit.sum(1 - axis) @ (np.arange(size) + 0.5) / digit.sum()
        begin.append(min(max(0, 14 - int(along)), 28 - size))
    out[begin[0] : begin[0] + height, begin[1] : begin[1] + width] = digit
    return out


@pytest.fixture(scope="module")
def pictures():
    """Blots, and a heavy head on a long thin tail in each direction, whose centre of mass is far from its middle."""
    rng, out = np.random.default_rng(0), []
    for _ in range(40):
        top, left = rng.integers(0, 24, 2)
        height, width = rng.integers(1, 29 - top), rng.integers(1, 29 - left)
        picture = np.zeros((28, 28), np.uint8)
        picture[top : top + height, left : left + width] = 17 * rng.integers(0, 16, (height, width))
        picture[top, left] = picture[top + height - 1, left + width - 1] = 255
        out.append(picture)
    head = np.zeros((28, 28), np.uint8)
    head[:4, 6:22], head[4:, 13] = 255, 17
    return np.stack([*out, head, head[::-1], head.T, head[:, ::-1].T])


def test_a_drawing_is_centred_as_mnists_digits_were(centred, pictures):
    expected = np.stack([reference(picture) for picture in pictures])
    assert np.abs(centred(pictures) - expected).max() <= 1.5  # Pillow rounds between its two passes


@pytest.mark.parametrize(
    ("true", "wrong"),
    [
        ("Math.min(Math.max(0, SIDE / 2 - Math.floor(middle)), SIDE - size)", "SIDE / 2 - Math.floor(middle)"),  # wraps
        ("SIDE / 2 - Math.floor(middle)", "SIDE / 2 - Math.ceil(middle)"),
        ("const BOX = 20;", "const BOX = 22;"),
        ("Math.max(1, pace)", "1"),  # not antialiased
    ],
)
def test_a_wrong_centring_would_be_caught(true, wrong, centred, pictures):
    source = DRAWING.read_text(encoding="utf-8")
    assert source.count(true) == 1
    found = centred(pictures, source.replace(true, wrong)).astype(float)
    assert np.abs(found - np.stack([reference(picture) for picture in pictures])).max() > 20


@pytest.mark.skipif(data.find("mnist.npz") is None, reason="MNIST is not on this machine")
def test_a_digit_of_mnists_comes_back_as_it_is_from_wherever_it_was_moved(centred):
    images, _ = data.load("mnist").test
    digits = np.uint8(np.rint(255 * images[:150, ..., 0]))
    assert (centred(digits) == digits).all()
    corner = [[-np.flatnonzero(digit.any(axis))[0] for axis in (1, 0)] for digit in digits]
    moved = [np.roll(digit, by, (0, 1)) for digit, by in zip(digits, corner)]
    assert (centred(moved) == digits).all()


# ------------------------------------------------------------------ draw and read
def test_a_drawing_by_mouse_is_read_and_shown_as_the_network_sees_it(live, network):
    assert draw(live, SEVEN) == "7"
    drawn, seen = levels(live, "board"), levels(live, "seen")
    assert set(drawn.ravel() % 17) == {0}
    assert np.abs(seen - reference(drawn)).max() <= 1.5
    assert np.allclose(probabilities(live, "bars"), by_python(network, seen), atol=1e-4)
    expect(live.locator("#live-said")).to_have_text(re.compile("^The network reads a 7, [0-9.]+ %[.]$"))
    live.get_by_role("button", name="Undo").first.click()
    expect(live.locator("#live-reading")).to_be_empty()
    live.get_by_role("button", name="Redo").click()
    assert read(live) == "7"
    live.get_by_role("button", name="Erase").click()
    draw(live, SEVEN[:3])
    assert (levels(live, "board")[4:7, 9:20] == 0).all()
    live.get_by_role("button", name="Clear").click()
    assert not levels(live, "board").any()


def test_a_finger_draws_on_the_canvas_and_scrolls_beside_it(site, browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = ready(context.new_page(), site)
    cdp = context.new_cdp_session(page)

    def touch(points):
        for kind, (x, y) in zip(["touchStart"] + ["touchMove"] * len(points), points):
            cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
            page.wait_for_timeout(16)
        cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(300)

    page.locator("#live-board").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    touch([at(page, 50, y) for y in range(12, 90, 4)])
    assert read(page) == "1"
    assert page.evaluate("scrollY") == before
    touch([(6, 700 - 20 * k) for k in range(15)])  # in the margin
    assert page.evaluate("scrollY") > before + 100
    context.close()


def test_ours_are_read_as_they_are_meant(live):
    slide(live, "steps", 1)
    for digit in range(10):
        pictures = []
        for _ in range(2):
            assert gallery(live, digit) == str(digit)
            pictures.append(levels(live, "board"))
        assert (pictures[0] != pictures[1]).any()


def test_without_the_centring_a_digit_in_the_corner_is_misread(live):
    assert draw(live, SMALL_SEVEN) == "7"
    live.get_by_role("switch").uncheck()
    assert read(live) != "7"
    assert (levels(live, "seen") == levels(live, "board")).all()
    live.get_by_role("switch").check()
    assert read(live) == "7"


# ------------------------------------------------------------------ attack
@pytest.mark.parametrize("rule", ["the gradient", "its sign"])
def test_the_slider_fools_it_and_every_verdict_is_on_whole_grey_levels(rule, live, network):
    gallery(live, 7)
    live.get_by_label(rule, exact=True).check()
    slide(live, "eps", 2)
    assert not fooled(live)
    slide(live, "eps", 61)
    assert fooled(live)
    expect(live.locator("#live-eps-told")).to_have_text("0.24 (61/255)")
    clean, noisy = levels(live, "clean").astype(int), levels(live, "noisy").astype(int)
    assert 0 < np.abs(noisy - clean).max() <= 61
    p = by_python(network, noisy)
    assert np.allclose(probabilities(live, "noisy-bars"), p, atol=1e-4)
    assert live.locator("#live-after b").inner_text() == str(p.argmax()) != "7"
    rms = np.sqrt(np.mean(((noisy - clean) / 255) ** 2))
    expect(live.locator("#live-strength")).to_have_text(f"RMS {rms:.3f}")
    expect(live.locator("#live-told")).to_contain_text(
        re.compile(rf"At step \d+ it fell: an? {p.argmax()} is read in place of a 7[.]")
    )


def test_towards_a_class(live, network):
    gallery(live, 7)
    slide(live, "eps", 77)
    live.get_by_label("Towards").select_option("3")
    rest(live)
    assert live.locator("#live-after b").inner_text() == "3"
    assert fooled(live)
    assert live.locator("#live-target option[value='7']").is_disabled()
    live.get_by_role("button", name="3, drawn by us").click()
    expect(live.locator("#live-told")).to_contain_text("It is read as a 3 already")
    rest(live)
    assert (levels(live, "noisy") == levels(live, "clean")).all(), "no noise of another digit is left"
    live.get_by_role("button", name="Find the smallest").click()
    expect(live.locator("#live-search")).to_contain_text("It is read as a 3 already")
    assert live.locator("#live-eps").input_value() == "77"


def test_the_smallest_level_is_found_and_the_one_below_does_not_fool(live):
    live.get_by_label("its sign", exact=True).check()
    slide(live, "steps", 5)
    for _ in range(2):
        gallery(live, 7)
    live.get_by_role("button", name="Find the smallest").click()
    expect(live.locator("#live-search")).to_contain_text("Trying every grey level")
    expect(live.locator("#live-search")).to_contain_text("The smallest that fools it", timeout=60_000)
    level = int(live.locator("#live-eps").input_value())
    assert f"({level}/255)" in live.locator("#live-search").inner_text()
    rest(live)
    assert fooled(live)
    live.get_by_role("button", name="ε one grey level less").click()
    rest(live)
    assert not fooled(live)


def test_the_search_can_be_stopped(live):
    gallery(live, 1)
    live.get_by_role("button", name="Find the smallest").click()
    expect(live.locator("#live-search")).to_contain_text("Trying")
    live.get_by_role("button", name="Stop").click()
    expect(live.locator("#live-search")).to_have_text("Stopped.")


# ------------------------------------------------------------------ common noise, and the count
def canvases(page, kind):
    """What a column shows below its noise."""
    found = page.locator(f"#live-{kind}-noise canvas").last.evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 0)"
    )
    return np.array(found, int).reshape(28, 28)


def test_the_common_noise_and_its_two_controls(live, network):
    gallery(live, 5)
    clean = levels(live, "seen").astype(int)
    sums = {kind: canvases(live, kind) for kind in ("common", "random", "shuffled")}
    for kind, picture in sums.items():
        told = live.locator(f"#live-{kind}-noise .verdict")
        p = by_python(network, picture)
        assert told.locator("b").inner_text() == str(p.argmax())
        assert told.locator(".badge").inner_text() == ("not fooled" if p.argmax() == 5 else "fooled")
        assert np.abs(picture - clean).max() <= 61
    moved = sums["random"] - clean
    free = (clean >= 61) & (clean <= 255 - 61)  # nothing is clipped there
    assert set(np.abs(moved[free])) == {61}
    noise = [live.evaluate(f"[...{call}]") for call in ("Net.noise(5, 9)", "drawing().shuffled(Net.noise(5, 9), 1)")]
    assert sorted(noise[0]) == sorted(noise[1])
    assert noise[0] != noise[1]
    expected = np.clip(np.rint(clean.ravel() + 255 * np.array(noise[0])), 0, 255)
    assert np.abs(sums["common"].ravel() - expected).max() <= 1

    live.get_by_role("button", name="Draw the two random ones again").click()
    rest(live)
    assert (canvases(live, "common") == sums["common"]).all()
    assert (canvases(live, "random") != sums["random"]).any()
    assert (canvases(live, "shuffled") != sums["shuffled"]).any()
    live.get_by_label("Learned on", exact=True).select_option("0")
    rest(live)
    assert (canvases(live, "common") != sums["common"]).any()
    slide(live, "size", 0)
    expect(live.locator("#live-size-told")).to_have_text("0.15 (38/255)")


@pytest.mark.parametrize("size", [0, 9, 15])
def test_no_noise_is_larger_than_the_level_that_is_shown(size, live):
    """ε = 0.30 is 76.5 levels; on middle grey nothing is clipped."""
    opened(live, np.full((28, 28), 128, np.uint8))
    slide(live, "size", size)
    told = live.locator("#live-size-told").inner_text()
    rest(live)
    for kind in ("common", "random", "shuffled"):
        assert f"({np.abs(canvases(live, kind) - 128).max()}/255)" in told, kind


def count(page, n):
    """Add the drawing, which is meant as what it is read as."""
    page.get_by_label("I meant a").select_option(page.locator("#live-reading b").inner_text())
    page.get_by_role("button", name="Add this drawing").click()
    expect(page.locator("#live-counts td").first).to_have_text(re.compile(f"of {n}$"), timeout=20_000)


def test_the_readers_own_drawings_are_counted_and_kept(live, site):
    add, told = live.get_by_role("button", name="Add this drawing"), live.locator("#live-counted")
    expect(add).to_be_disabled()
    gallery(live, 7)
    expect(told).to_contain_text("This one is ours")
    expect(add).to_be_disabled()
    live.get_by_role("button", name="Clear").click()
    draw(live, SEVEN)
    expect(told).to_have_text("Which digit did you mean? Choose it, then add the drawing.")
    expect(add).to_be_disabled()
    live.get_by_label("I meant a").select_option("4")
    expect(told).to_contain_text("The network reads a 7, not the 4 that you meant")
    expect(add).to_be_disabled()
    count(live, 1)
    expect(told).to_have_text("This drawing is counted. Draw another one.")
    expect(add).to_be_disabled()
    live.get_by_role("button", name="Clear").click()
    draw(live, ONE)
    count(live, 2)
    expect(live.locator("#live-said")).to_contain_text("Counted: 2 drawings at ε 0.24 (61/255). Fooled by the attack")

    rows = live.locator("#live-counts tbody tr").all()[1:]
    assert len(rows) == 4
    for row in rows:
        k, n = map(int, row.locator("td").first.inner_text().split(" of "))
        low, high = Rate(k, n).interval
        assert row.locator("td").last.inner_text().strip() == f"{100 * k / n:.0f} % [{100 * low:.1f}, {100 * high:.1f}]"

    name, content = saved(live, live.get_by_role("button", name="Save as CSV"))
    found = list(csv.DictReader(io.StringIO(content.decode())))
    assert name == "drawings.csv"
    assert [row["meant"] for row in found] == ["7", "1"]
    assert {row["levels"] for row in found} == {"61"}
    for kind, row in zip(("attack", "common", "random", "shuffled"), rows):
        assert row.locator("td").first.inner_text() == f"{sum(one[kind] != one['meant'] for one in found)} of 2"

    live.reload()
    expect(live.locator("#live-counts td").first).to_have_text(re.compile("of 2$"), timeout=20_000)
    live.get_by_role("button", name="New count").click()
    expect(live.locator("#live-counts")).to_be_hidden()
    live.get_by_role("region", name="Count").get_by_role("button", name="Undo").click()
    expect(live.locator("#live-counts td").first).to_have_text(re.compile("of 2$"))
    live.get_by_role("region", name="Count").get_by_role("button", name="Undo").click()
    expect(live.locator("#live-counts td").first).to_have_text(re.compile("of 1$"))
    live.get_by_role("region", name="Count").get_by_role("button", name="Undo").click()
    expect(live.locator("#live-counts")).to_be_hidden()


def test_a_drawing_is_there_again_after_a_reload(live):
    draw(live, SEVEN)
    slide(live, "eps", 61)
    board = levels(live, "board")
    live.reload()
    expect(live.locator("#live-reading b")).to_have_text("7", timeout=20_000)
    rest(live)
    assert (levels(live, "board") == board).all()
    assert live.locator("#live-eps").input_value() == "61"


def test_what_is_counted_is_what_stood_there_when_it_was_added(live):
    """The attack takes its time, and the reader may go on."""
    draw(live, SEVEN)
    link, probability = copied(live), probabilities(live, "bars").max()
    live.get_by_label("I meant a").select_option("7")
    at_once = [["add", "click"], ["size", "input"], ["again", "click"], ["clear", "click"]]
    live.evaluate("""list => list.forEach(([name, act]) => {
        document.getElementById("live-size").value = 0;
        document.getElementById(`live-${name}`).dispatchEvent(new Event(act));
    })""", at_once)
    expect(live.locator("#live-counts th[scope=rowgroup]")).to_have_text("ε = 0.24 (61/255)", timeout=20_000)
    _, content = saved(live, live.get_by_role("button", name="Save as CSV"))
    (row,) = csv.DictReader(io.StringIO(content.decode()))
    assert (row["meant"], row["levels"], row["seed"]) == ("7", "61", "1")
    assert float(row["probability"]) == pytest.approx(probability, abs=1e-4)
    assert row["drawing"] in link


def test_two_tabs_count_together(live, site):
    draw(live, SEVEN)
    count(live, 1)
    other = live.context.new_page()
    ready(other, site)
    draw(other, ONE)
    count(other, 2)
    expect(live.locator("#live-counts td").first).to_have_text(re.compile("of 2$"))
    live.get_by_role("button", name="New count").click()
    expect(other.locator("#live-counts")).to_be_hidden()
    other.close()


def test_a_search_whose_settings_have_changed_names_no_level(live):
    gallery(live, 1)
    slide(live, "eps", 3)
    live.get_by_role("button", name="Find the smallest").click()
    expect(live.locator("#live-search")).to_contain_text("Trying")
    live.get_by_label("its sign", exact=True).check()
    expect(live.locator("#live-search")).to_have_text("The settings have changed: search again.", timeout=60_000)
    assert live.locator("#live-eps").input_value() == "3"
    live.get_by_role("button", name="Clear").click()
    expect(live.locator("#live-search")).to_be_empty()


@pytest.mark.parametrize("kept", ["{", '{"a": 1}', '[1, null, {"meant": 7, "levels": 61}]'])
def test_a_damaged_count_is_no_count(kept, site, page):
    page.add_init_script(f"localStorage.setItem('common-noise-tally', {json.dumps(kept)})")
    page.goto((site / "live.html").as_uri())
    expect(page.locator("#live-board")).to_be_visible()
    expect(page.locator("#live-counts")).to_be_hidden()


def test_wilsons_interval_is_the_packages(live):
    pairs = [(k, n) for n in (1, 2, 7, 30) for k in range(n + 1)]
    found = live.evaluate("pairs => pairs.map(pair => drawing().wilson(...pair))", pairs)
    assert np.allclose(found, [Rate(*pair).interval for pair in pairs], atol=1e-12)


# ------------------------------------------------------------------ links and files
def copied(page):
    page.evaluate("void (navigator.clipboard.writeText = async text => { window.copied = text; })")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#live-kept")).to_contain_text("The link is copied")
    return page.evaluate("copied")


def test_a_link_holds_the_drawing_and_all_settings(live, site, browser):
    draw(live, SEVEN)
    live.get_by_label("its sign", exact=True).check()
    live.get_by_label("Towards").select_option("3")
    live.get_by_label("Learned on", exact=True).select_option("9")
    for name, value in {"eps": 60, "steps": 13, "size": 4}.items():
        slide(live, name, value)
    live.get_by_role("button", name="Draw the two random ones again").click()
    link = copied(live)
    assert len(link.split("#")[1]) < 600

    other = browser.new_page()
    ready(other, site, "#" + link.split("#")[1])
    for page in (live, other):
        rest(page)
    for name in ("board", "seen", "noisy", "noise"):
        assert (levels(live, name) == levels(other, name)).all(), name
    for name in ("eps", "steps", "size", "target", "class"):
        assert live.locator(f"#live-{name}").input_value() == other.locator(f"#live-{name}").input_value()
    assert other.locator("[name=live-rule]:checked").get_attribute("value") == "sign"
    expect(other.locator("#live-random-noise .verdict")).not_to_be_empty()
    assert (canvases(live, "random") == canvases(other, "random")).all()
    other.close()


def damages(link):
    code = link.split("#d=")[1]
    other = code[:40] + ("A" if code[40] != "A" else "B") + code[41:]
    return [f"#d={code[:-1]}", f"#d={other}", "#d=", "#d=%%%", f"#d={code}A"]


def test_a_damaged_link_says_so_and_opens_an_empty_canvas(live):
    gallery(live, 7)
    for fragment in damages(copied(live)):
        live.evaluate("fragment => { location.hash = fragment; }", fragment)
        expect(live.get_by_role("alert")).to_contain_text("This link is damaged")
        assert not levels(live, "board").any()
        assert gallery(live, 7) == "7"


def test_a_copied_link_is_shown_where_the_browser_does_not_let_the_page_copy(live):
    gallery(live, 7)
    live.evaluate("void (navigator.clipboard.writeText = async () => { throw new Error('no'); })")
    live.get_by_role("button", name="Copy link").click()
    assert "#d=" in live.get_by_label("The link", exact=True).input_value()
    live.get_by_text("Take it to the notebook").click()
    live.get_by_role("button", name="Copy the code").click()
    expect(live.locator("#live-kept")).to_contain_text("the code is selected")
    assert "cnn.load" in live.evaluate("String(getSelection())")


def test_a_saved_picture_comes_back_as_the_same_bytes_with_the_same_probabilities(live):
    gallery(live, 7)
    slide(live, "eps", 61)
    shown = {name: levels(live, name) for name in ("seen", "noisy")}
    p = {"seen": probabilities(live, "bars"), "noisy": probabilities(live, "noisy-bars")}
    files = {
        "seen": saved(live, live.get_by_role("button", name="Save the digit")),
        "noisy": saved(live, live.get_by_role("button", name="Save it with noise")),
    }
    for name, (_, content) in files.items():
        picture = Image.open(io.BytesIO(content))
        assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (28, 28))
        assert (np.asarray(picture) == shown[name]).all()
        opened(live, content)
        expect(live.get_by_text("This is a picture")).to_be_visible()
        rest(live)
        assert (levels(live, "seen") == shown[name]).all()
        assert (probabilities(live, "bars") == p[name]).all()
    assert saved(live, live.get_by_role("button", name="Save the digit"))[1] == files["noisy"][1]
    live.get_by_role("button", name="Copy link").click()
    expect(live.locator("#live-kept")).to_contain_text("A picture cannot be put in a link")
    expect(live.locator("#live-counted")).to_contain_text("A picture is not a drawing")
    live.get_by_role("button", name="Back to the drawing").click()
    rest(live)
    assert (levels(live, "seen") == shown["seen"]).all()


def test_a_file_may_be_dropped_on_the_page(live):
    gallery(live, 4)
    _, content = saved(live, live.get_by_role("button", name="Save the digit"))
    live.locator("#live-board").evaluate(
        """(board, bytes) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([Uint8Array.from(bytes)], "a.png", {type: "image/png"}));
            board.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
        }""",
        list(content),
    )
    expect(live.get_by_text("This is a picture")).to_be_visible()
    assert read(live) == "4"


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (np.zeros((30, 28), np.uint8), "28 × 30 pixels"),
        (np.full((28, 28, 3), (9, 9, 200), np.uint8), "has colours"),
        (b"no picture", "no picture that the browser can read"),
    ],
)
def test_what_is_no_picture_of_28_by_28_greys_is_refused_with_the_reason(picture, why, live):
    gallery(live, 4)
    before = levels(live, "board")
    opened(live, picture)
    expect(live.locator("#live-kept")).to_contain_text(why)
    assert (levels(live, "board") == before).all()


def test_the_code_gives_the_pages_probabilities_in_python(live, tmp_path):
    gallery(live, 7)
    slide(live, "eps", 61)
    for name in ("Save the digit", "Save it with noise"):
        filename, content = saved(live, live.get_by_role("button", name=name))
        (tmp_path / filename).write_bytes(content)
    live.get_by_text("Take it to the notebook").click()
    live.evaluate("void (navigator.clipboard.writeText = async text => { window.copied = text; })")
    live.get_by_role("button", name="Copy the code").click()
    code = live.evaluate("copied")
    printed = io.StringIO()
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(printed):
        exec(code, {})
    far = [float(number) for number in re.findall(r"furthest from the page: (\S+)", printed.getvalue())]
    assert len(far) == 2
    assert max(far) < 1e-4


USE = """
const part = name => document.getElementById(`live-${name}`);
const until = async test => { while (!test()) await new Promise(resolve => setTimeout(resolve, 50)); };
const {dataset} = document.getElementById("live");
const rest = () => until(() => part("provenance").textContent && dataset.busy == "false");
const levels = name => part(name).getContext("2d").getImageData(0, 0, 28, 28).data.filter((_, i) => i % 4 == 0);
await rest();
document.querySelector("[aria-label^='7']").click();
await rest();
part("eps").value = 61;
part("eps").dispatchEvent(new Event("input"));
await rest();
const read = part("before").innerText, noisy = levels("noisy"), after = part("after").innerText;
const dataTransfer = new DataTransfer();
dataTransfer.items.add(new File([drawing().png(noisy)], "a.png", {type: "image/png"}));
part("board").dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
await until(() => !part("picture").hidden);
await rest();
return {
    read, after, again: part("before").innerText, same: levels("seen").every((grey, i) => grey == noisy[i]),
    noisy: [...noisy], told: part("told").innerText, wide: document.documentElement.scrollWidth - innerWidth,
};
"""


def test_firefox_reads_is_fooled_and_takes_its_picture_back(other_site, network):
    firefox = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    if firefox is None:
        pytest.skip("no Firefox on the PATH (apt-get install firefox-esr)")
    page = (other_site / "live.html").read_text(encoding="utf-8")
    with answering.listening() as (address, came):
        asking = f"<script>{answering.ASKING}tell(async () => {{ {USE} }}, '{address}');</script>"
        (other_site / "live.html").write_text(page.replace("</body>", f"{asking}</body>"), encoding="utf-8")
        process = answering.opened(firefox, other_site, other_site / "live.html")
        try:
            heard = came.get(timeout=120)
        finally:
            process.terminate()
            process.wait(30)
    found = heard["found"]
    p = by_python(network, np.reshape(found["noisy"], (28, 28)))
    assert found["read"].split()[0] == "7" != found["after"].split()[0] == str(p.argmax())
    assert found["again"] == found["after"]
    assert found["same"]
    assert found["told"].startswith("fooled")
    assert found["wide"] <= 0


# ------------------------------------------------------------------ when something is missing
def test_of_an_empty_canvas_nothing_is_said(live):
    for table in ("bars", "noisy-bars"):
        assert set(live.locator(f"#live-{table} td").all_inner_texts()) == {"–"}
    expect(live.locator("#live-told")).to_have_text(HINT)
    for name in ("reading", "before", "after", "chip"):
        expect(live.locator(f"#live-{name}")).to_be_empty()
    gallery(live, 7)
    live.get_by_role("button", name="Clear").click()
    expect(live.locator("#live-told")).to_have_text(HINT)
    live.wait_for_timeout(600)
    expect(live.locator("#live-told")).to_have_text(HINT)
    assert set(live.locator("#live-bars td").all_inner_texts()) == {"–"}
    for name in ("Save the digit", "Save it with noise"):
        live.get_by_role("button", name=name).click()
        expect(live.locator("#live-kept")).to_have_text(HINT)


@pytest.fixture
def other_site(site, tmp_path):
    """A copy whose scripts may be spoilt."""
    shutil.copytree(site, tmp_path / "site")
    return tmp_path / "site"


@pytest.mark.parametrize("damage", ["a letter", "half", "gone"])
def test_a_damaged_network_computes_nothing_and_says_so(damage, other_site, browser):
    path = other_site / "_static" / "live" / "weights-03.js"
    text = path.read_text()
    if damage == "gone":
        path.unlink()
    else:
        middle = len(text) // 2
        letter = "A" if text[middle] != "A" else "B"
        path.write_text(text[:middle] + letter + text[middle + 1 :] if damage == "a letter" else text[:middle])
    page = browser.new_page()  # a script of half a line is an error of the page's, and may be
    page.goto((other_site / "live.html").as_uri())
    expect(page.get_by_role("alert")).to_contain_text("damaged or not whole", timeout=30_000)
    expect(page.get_by_role("progressbar")).to_be_hidden()
    page.get_by_role("button", name="7, drawn by us").click()
    page.wait_for_timeout(500)
    expect(page.locator("#live-reading")).to_be_empty()
    page.close()


@pytest.mark.parametrize(
    "how", ["delete window.Worker", "window.Worker = class { constructor() { throw Error('no'); } }"]
)
def test_without_a_worker_it_computes_on_the_pages_own_thread(how, site, page, network):
    page.add_init_script(how)
    ready(page, site)
    expect(page.get_by_role("alert")).to_contain_text("no worker")
    assert gallery(page, 7) == "7"
    slide(page, "eps", 61)
    assert fooled(page)
    assert np.allclose(probabilities(page, "noisy-bars"), by_python(network, levels(page, "noisy")), atol=1e-4)


def test_without_javascript_there_is_an_example(site, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "live.html").as_uri())
    example = page.get_by_role("img", name="A drawn seven")
    expect(example).to_be_visible()
    expect(page.locator("#live")).to_be_hidden()
    path = site / example.get_attribute("src")
    with Image.open(path) as picture:
        assert picture.size == tuple(int(example.get_attribute(side)) for side in ("width", "height"))
    context.close()


# ------------------------------------------------------------------ for everyone
def test_the_whole_journey_by_keyboard(live):
    keys = live.keyboard

    def tab_to(locator):
        for _ in range(80):
            if locator.evaluate("e => e == document.activeElement"):
                return
            keys.press("Tab")
        pytest.fail(f"the Tab key never comes to {locator}")

    tab_to(live.locator("#live-board"))
    keys.press("ArrowUp")
    expect(live.locator("#live-said")).to_have_text("Row 14, column 15, black.")
    for _ in range(9):
        keys.press("ArrowUp")
    for _ in range(19):
        keys.press("Shift+ArrowDown")
    assert read(live) == "1"
    keys.press("Backspace")
    assert levels(live, "board")[23, 14] == 0
    keys.press("Control+z")
    assert levels(live, "board")[23, 14] == 255
    keys.press("Control+z")  # a line drawn with single presses of Shift: its last cell
    keys.press("Control+y")
    keys.down("Shift")
    for _ in range(4):
        keys.press("ArrowLeft")
    keys.up("Shift")
    assert levels(live, "board")[23, 10] == 255
    keys.press("Control+z")  # while Shift is held, the line is one step
    assert not levels(live, "board")[23, :13].any()
    tab_to(live.locator("#live-eps"))
    for _ in range(70):
        keys.press("ArrowRight")
    rest(live)
    assert fooled(live)
    expect(live.locator("#live-said")).to_have_text(re.compile(r"^ε 0[.]31 \(78/255\): fooled[.] At step"))
    tab_to(live.locator("#live-again"))
    keys.press("Enter")
    expect(live.locator("#live-said")).to_have_text(re.compile("^Noise learned on other people’s 1s"))
    tab_to(live.locator("#live-meant"))
    keys.press("1")
    tab_to(live.locator("#live-add"))
    keys.press("Space")
    expect(live.locator("#live-counts td").first).to_have_text(re.compile("of 1$"), timeout=20_000)
    tab_to(live.locator("#live-link"))
    keys.press("Enter")
    expect(live.locator("#live-kept")).to_contain_text("link")


EXPLAINED = IN_DOUBT | {("color-contrast", "bgOverlap"): "the words on the empty canvas, which is black: PALE"}


def used(page):
    """The page after a use in which each of its parts has something to show."""
    draw(page, SEVEN)
    slide(page, "eps", 61)
    count(page, 1)
    page.get_by_text("Take it to the notebook").click()
    rest(page)


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_and_every_text_can_be_read(width, live):
    live.set_viewport_size({"width": width, "height": 900})
    assert not barriers(live, explained=EXPLAINED)
    assert not live.evaluate(PALE)[1]
    used(live)
    for mode in ("light", "dark"):
        live.evaluate("mode => { document.documentElement.dataset.theme = mode; scrollTo(0, 0); }", mode)
        assert not barriers(live, explained=EXPLAINED), mode
        _, pale = live.evaluate(PALE)
        assert not pale, mode
    tables = live.locator("#live table:visible")
    assert tables.count() == 3
    assert all(table.locator("caption").inner_text() for table in tables.all())


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_has_it_all_without_scrolling_sideways_and_each_thing_is_as_large_as_a_finger(width, live):
    live.set_viewport_size({"width": width, "height": 700})
    used(live)
    assert live.evaluate("document.documentElement.scrollWidth") <= width
    outside = live.locator("#live *").evaluate_all(
        "(all, width) => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().right > width + 1"
        " && !e.closest('pre, .unseen')).map(e => e.outerHTML.slice(0, 120))",
        width,
    )
    assert not outside
    for control in live.locator("#live :is(button, select, summary, input, label.button):visible").all():
        box = control.evaluate("e => (e.closest('label') ?? e).getBoundingClientRect().toJSON()")
        assert min(box["width"], box["height"]) >= 44, control.evaluate("e => e.outerHTML")


def test_who_wants_no_motion_sees_none(live):
    motion = "getComputedStyle(document.querySelector('.level'), '::before').transitionDuration"
    assert live.evaluate(motion) != "0s"
    live.emulate_media(reduced_motion="reduce")
    assert live.evaluate(motion) == "0s"
    live.emulate_media(reduced_motion="no-preference")


def test_it_is_first_in_the_menu_after_the_first_lesson(site, page):
    page.goto((site / "index.html").as_uri())
    names = page.locator("#menu ul").first.locator("a").all_text_contents()
    assert names[1] == "Draw a digit, and fool the network"
    assert [name[0] for name in names] == ["0", "D", "1", "2", "4"]
