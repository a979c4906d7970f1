"""Every notebook without its solutions, in JupyterLab in a real browser: keyboard and mouse move each slider.

Each test leaves its screenshots in its temporary folder (``pytest --basetemp FOLDER`` says where).
"""

import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import numpy as np
import pytest
from driving import answer, barriers, expect, press
from PIL import Image

import course
from advlib import plots
from advlib.widgets import CODE, Explorer, Quiz

RUN_LIMIT = 1800  # seconds after which a notebook that is still running is taken for one that hangs
SLIDERS = {
    path: count
    for path in course.notebooks()
    if (count := sum(
        len(re.findall(r"\bExplorer\(", cell.source))
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code"
    ))
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """A JupyterLab with settings of its own: the folder it serves, and its address."""
    home, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks")
    settings = {
        # no pop-up that offers news
        "labconfig/page_config.json": {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}},
        # cells that are out of sight stay in the page
        "lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},
    }
    for name, values in settings.items():
        (home / "config" / name).parent.mkdir(parents=True)
        (home / "config" / name).write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=test", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",  # window.jupyterapp: commands by name
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    own = {
        "JUPYTER_CONFIG_DIR": home / "config", "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "run", "IPYTHONDIR": home / "ipython",
    }  # fmt: skip
    environment = os.environ | {key: str(value) for key, value in own.items()}
    address = f"http://127.0.0.1:{port}"
    with open(home / "log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/api/status?token=test", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (home / "log").read_text()
                time.sleep(0.5)
        yield folder, address
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture
def page(browser, tmp_path):
    """A page on which no script may fail."""
    page = browser.new_page(viewport={"width": 1200, "height": 1100})
    page.set_default_timeout(120_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.screenshot(path=tmp_path / "end.png")
    page.close()
    assert not errors


def run_all(page, address, name):
    """Open a notebook, run all its cells, and return it as it is then."""
    page.goto(f"{address}/lab/tree/{name}?reset&token=test", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    # "Idle" is shown before the session is ready, and to run too early opens a dialog that waits for ever
    page.wait_for_function("""() => {
        const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
        return session?.isReady && session.session?.kernel?.status === 'idle';
    }""")
    # in braces, so that evaluate() does not wait for the promise: that wait would have no end
    page.evaluate("""() => {
        window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.allRan = true; });
    }""")
    page.wait_for_function("() => window.allRan", timeout=1000 * RUN_LIMIT)
    return page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.toJSON()")


def picture(explorer):
    """What an explorer shows: the picture's bytes, and the words below it."""
    return explorer.locator("figure").evaluate("f => f.querySelector('img').src + f.textContent")


def moves(explorer, *acts, seconds=15):
    """Do one thing after the other until the picture is another one; fails where it stays the same."""
    before = picture(explorer)
    for act in acts:
        act()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if picture(explorer) != before:
                explorer.page.wait_for_timeout(300)  # what a drag still sends
                return
            explorer.page.wait_for_timeout(50)
    raise AssertionError(f"the picture stays the same: {explorer.locator('figure').inner_text()}")


def drag(slider, share):
    """Take the slider's handle with the mouse to a share of the way."""

    def act():
        mouse, box = slider.page.mouse, slider.bounding_box()
        at = slider.evaluate("s => (s.value - s.min) / (s.max - s.min || 1)")
        x = [box["x"] + 8 + part * (box["width"] - 16) for part in (at, share)]  # the handle is 16 pixels wide
        y = box["y"] + box["height"] / 2
        mouse.move(x[0], y)
        mouse.down()
        mouse.move(x[1], y, steps=5)
        mouse.up()

    return act


def move_everything(explorer, shots):
    """Each control by keyboard and by mouse, then all of them back."""
    explorer.scroll_into_view_if_needed()
    begin = picture(explorer)
    for k, slider in enumerate(explorer.get_by_role("slider").all()):
        assert slider.evaluate("s => s.tabIndex") == 0  # the Tab key finds it
        expect(slider).to_have_accessible_name(re.compile("[a-z]"))
        moves(explorer, press(slider, "ArrowRight"), press(slider, "ArrowLeft"))
        moves(explorer, press(slider, "End"), press(slider, "Home"))
        assert slider.get_attribute("aria-valuetext") == slider.locator("+ span").inner_text()
        explorer.screenshot(path=f"{shots}-slider{k}-keyboard.png")
        moves(explorer, drag(slider, 0.4), drag(slider, 0.0), drag(slider, 1.0))
        explorer.screenshot(path=f"{shots}-slider{k}-mouse.png")
    for k, words in enumerate(explorer.locator("fieldset").all()):
        first, *_, last = words.locator("label").all()
        moves(explorer, press(words.locator(":checked"), "ArrowRight"), press(words.locator(":checked"), "ArrowRight"))
        moves(explorer, first.click, last.click)
        explorer.screenshot(path=f"{shots}-words{k}.png")
    if picture(explorer) != begin:
        moves(explorer, explorer.get_by_role("button", name="start again").click)
    assert picture(explorer) == begin


def printed(cells):
    """What each of the cells printed whose output is recorded."""
    return {
        cell["id"]: "".join("".join(out["text"]) for out in cell["outputs"] if out.get("name") == "stdout")
        for cell in cells
        if "keep_output" in cell["metadata"].get("tags", ())
    }


@pytest.mark.parametrize("path", SLIDERS, ids=lambda path: path.name)
def test_every_slider_of_a_notebook_moves_its_picture(path, lab, page, tmp_path, unlike):
    folder, address = lab
    # as learners get it; with its solutions it runs under nbval
    (folder / path.name).write_text(course.for_learners(path), encoding="utf-8")
    notebook = run_all(page, address, path.name)
    errors = [out["evalue"] for c in notebook["cells"] for out in c.get("outputs", ()) if out["output_type"] == "error"]
    assert not errors
    if not unlike:
        assert printed(notebook["cells"]) == printed(nbformat.read(path, 4).cells)  # the solutions change nothing
    explorers = page.locator(".advlib-explorer:visible").all()
    assert len(explorers) >= SLIDERS[path]
    for k, explorer in enumerate(explorers):
        move_everything(explorer, tmp_path / f"explorer{k}")
    for quiz in page.locator(".advlib-quiz:visible").all():
        answer(quiz)
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")


TINY = """
from advlib import plots, widgets

def render(eps, rule):
    fig, ax = plots.figure()
    ax.set_title(f"{eps} {rule}")
    return fig

def describe(eps, rule):
    return f"drawn at {eps} by {rule}"

widgets.Explorer(render, describe, alt="a title", eps=[0.0, 0.15, 0.3], rule=["g", "s"])
"""


def test_a_notebook_that_is_opened_again_shows_the_last_picture_and_moves(lab, page, tmp_path):
    folder, address = lab
    quiz = "widgets.Quiz('1 < 2?', ['no', 'yes'], answer='yes', because='They were compared.')"
    cells = [nbformat.v4.new_code_cell(source) for source in (TINY, quiz)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "tiny.ipynb")
    run_all(page, address, "tiny.ipynb")
    explorer, asked = page.locator(".advlib-explorer:visible"), page.locator(".advlib-quiz:visible")
    explorer.get_by_role("radio", name="s").check(force=True)
    press(explorer.get_by_role("slider"), "End")()
    page.wait_for_timeout(2000)  # until the twin has followed
    expect(explorer.get_by_role("slider")).to_be_focused()
    asked.get_by_role("button", name="no").click()
    page.keyboard.press("b")  # in the notebook it would insert a cell
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2
    last = picture(explorer)
    assert last.endswith("drawn at 0.3 by s")
    assert not barriers(page, ".advlib-explorer", ".advlib-quiz")
    page.screenshot(path=tmp_path / "before.png")

    page.wait_for_timeout(2000)  # what the last move sends
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.goto(f"{address}/lab/tree/tiny.ipynb?reset&token=test", wait_until="domcontentloaded")
    explorer.wait_for()
    error = page.get_by_text("model not found").first
    error.wait_for(state="attached")  # of the widget nothing is left
    expect(error).to_be_hidden()
    assert picture(explorer) == last
    expect(asked.get_by_role("status")).to_have_text("It is yes, not no. They were compared.")
    moves(explorer, press(explorer.get_by_role("slider"), "Home"))
    assert not barriers(page, ".advlib-explorer", ".advlib-quiz")
    page.screenshot(path=tmp_path / "again.png")


def twin_of(*widgets):
    """A page with these on it."""
    parts = "".join(widget.page(CODE if k == 0 else "") for k, widget in enumerate(widgets))
    return f'<!doctype html><html lang="en"><title>Twins</title><main><h1>Twins</h1>{parts}</main></html>'


@pytest.fixture
def explorer():
    def render(eps, rule):
        fig, ax = plots.figure()
        ax.set_title(f"{eps} {rule}")
        return fig

    def describe(eps, rule):
        return f"</script> {eps} & {rule}"

    return Explorer(render, describe, start={"eps": 0.15}, alt="a title", eps=[0.0, 0.15, 0.3], rule=["g", "s"])


@pytest.fixture
def quiz():
    return Quiz("1 < 2?", ["no", "yes, it is"], answer="yes, it is", because="1 & 2 were compared.")


def test_the_twin_on_a_page_moves_without_a_kernel(page, explorer, quiz):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(twin_of(explorer, explorer, quiz))
    twin, other = page.locator(".advlib-explorer").all()
    slider, img = twin.get_by_role("slider", name="eps"), twin.get_by_role("img", name="a title")
    again = twin.get_by_role("button", name="start again")

    def stands_at(eps, rule):
        expect(twin.locator("figcaption")).to_have_text(f"</script> {eps} & {rule}")
        assert img.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
        assert slider.locator("+ span").inner_text() == slider.get_attribute("aria-valuetext") == f"{eps:g}"
        expect(twin.get_by_role("radio", name=rule)).to_be_checked()

    stands_at(0.15, "g")
    press(slider, "ArrowRight")()
    stands_at(0.3, "g")
    press(slider, "Home")()
    stands_at(0.0, "g")
    press(twin.get_by_role("radio", name="g"), "ArrowDown")()
    stands_at(0.0, "s")
    drag(slider, 1.0)()
    stands_at(0.3, "s")
    twin.get_by_text("g", exact=True).click()
    stands_at(0.3, "g")
    press(again, "Enter")()
    stands_at(0.15, "g")
    expect(again).to_be_focused()
    press(slider, "End")()
    expect(other.locator("figcaption")).to_have_text("</script> 0.15 & g")
    answer(page.locator(".advlib-quiz"))
    assert not [url for url in asked if not url.startswith("data:")]


def test_a_move_is_spoken_once_when_the_slider_rests(page, explorer, quiz):
    page.set_content(twin_of(explorer, quiz))
    page.evaluate("""() => {
        window.spoken = [];
        for (const live of document.querySelectorAll("[aria-live], [role=status], [role=alert], output")) {
            const hear = () => { if (live.textContent) spoken.push(live.textContent); };
            new MutationObserver(hear).observe(live, { childList: true, subtree: true, characterData: true });
        }
    }""")
    slider = page.get_by_role("slider")
    for key in ("Home", "ArrowRight", "ArrowRight"):
        press(slider, key)()
    page.wait_for_timeout(1500)
    assert page.evaluate("spoken") == ["</script> 0.3 & g"]
    page.get_by_role("button", name="no").click()
    page.wait_for_timeout(4000)
    assert page.evaluate("spoken.slice(1)") == ["It is yes, it is, not no. 1 & 2 were compared."]
    # who reads on from the slider finds the caption once
    assert page.locator("body").aria_snapshot().count("</script> 0.3 & g") == 2  # the figure's name, and its caption


def test_nothing_bars_who_uses_other_means_than_eyes_and_mouse(page, explorer, quiz):
    page.set_content(twin_of(explorer, quiz))
    page.get_by_role("button", name="no").click()
    assert not barriers(page)


@pytest.mark.parametrize("width", [422, 211, 150])
def test_the_picture_is_the_one_that_was_drawn_at_every_size(width, page):
    def bars(k):
        fig, ax = plots.figure()
        ax.bar(range(4), [4 - abs(k - i) for i in range(4)])
        ax.set_ylim(0, 5)
        return fig

    def seen(content):
        page.set_content(content)
        size = f"width: {width}px !important; max-width: none !important"
        page.add_style_tag(content=f"img {{ position: fixed; inset: 0; {size} }}")
        if page.get_by_role("slider").count():
            press(page.get_by_role("slider"), "End")()
        page.locator("img").evaluate("img => img.decode()")
        page.wait_for_timeout(100)
        clip = {"x": 0, "y": 0, "width": width, "height": width}
        return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"), int)

    on_page = seen(twin_of(Explorer(bars, lambda k: f"{k}", alt="bars", k=range(4))))
    drawn = seen(plots.img(plots.webp(plots.pixels(bars(3))), "bars", 2.2))
    assert np.abs(on_page - drawn).max() <= 2
