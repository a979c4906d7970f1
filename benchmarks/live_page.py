"""How fast the live page computes, opened from the disk in Chromium and in Firefox.

    python benchmarks/live_page.py [FOLDER]       the pages in site/html, which course.py run writes

A frame is the time between two paintings of the page that show another picture of an attack: a gradient and a step in
the worker, and the page's drawing.
The longest task is the longest time in which the page cannot answer: what Chromium reports as long tasks, and in both
browsers the longest gap between two beats of a timer.  The slider is dragged over 60 values of ε, one a frame.
Slowed, the processor takes six times as long, as Chromium's developer tools do it; they leave workers alone, so there
the page has to do without one, and computes on its own thread.
"""

import contextlib
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SITE = HERE.parent / "site" / "html"
SCRIPTS = HERE.parent / "site" / "live"
SLOWER = 6
sys.path.append(str(HERE.parent / "tests"))

from answering import listening, opened  # noqa: E402

WATCH = HERE / "live_watch.js"


@contextlib.contextmanager
def watched(site, after=""):
    """The page's address in a folder of its own, with the script that watches it, and a drawn digit in its fragment."""
    text = (site / "live.html").read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "live.html"
        shutil.copytree(site / "_static", Path(folder) / "_static")
        page.write_text(text.replace("<head>", f"<head><script>{WATCH.read_text('utf-8')}{after}</script>", 1), "utf-8")
        yield Path(folder), page


def summary(loaded, found):
    """What is kept: milliseconds, and seconds to the first reading."""
    frames = found["frames"]
    return {
        "where": loaded["where"], "first_reading": round(loaded["first"] / 1000, 2),
        "frames": len(frames), "frame": round(statistics.median(frames), 1),
        "frame_p95": round(statistics.quantiles(frames, n=20)[-1], 1),
        "reading": round(statistics.median(found["read"]), 1),
        "load_gap": round(loaded["gap"]), "load_task": round(loaded["task"]),
        "drag_gap": round(found["drag"]["gap"]), "drag_task": round(found["drag"]["task"]),
    }  # fmt: skip


@contextlib.contextmanager
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        where = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=where, args=["--no-sandbox"])
        yield browser
        browser.close()


def in_chromium(site, fragment):
    """As it is, and slowed: with the worker, which is not slowed, and without one."""
    rows = []
    with watched(site) as (_, page), chromium() as browser:
        for name, worker, slower in (
            ("Chromium", True, 1),
            ("slowed", True, SLOWER),
            ("slowed, no worker", False, SLOWER),
        ):
            tab = browser.new_page()
            if not worker:
                tab.add_init_script("delete window.Worker")
            tools = tab.context.new_cdp_session(tab)
            tools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
            tab.goto(f"{page.as_uri()}{fragment}")
            loaded = tab.evaluate("loaded")
            rows.append({"name": name, "slower": slower, **summary(loaded, tab.evaluate("measured()"))})
            print(told(rows[-1]), flush=True)
            tab.close()
    return rows


def in_firefox(site, fragment, where):
    with listening() as (address, came):
        send = f"""
        (async () => [await loaded, await measured()])().catch((why) => ({{ failed: `${{why}}` }})).then((found) =>
          fetch("{address}", {{ method: "POST", mode: "no-cors", body: JSON.stringify(found) }}));"""
        with watched(site, send) as (folder, page):
            process = opened(where, folder, page, fragment)
            try:
                found = came.get(timeout=180)
            finally:
                process.terminate()
                process.wait(30)
    if "failed" in found:
        raise RuntimeError(found["failed"])
    row = {"name": "Firefox", "slower": 1, **summary(*found)}
    print(told(row), flush=True)
    return [row]


def drawn():
    """A link's fragment with a drawn 7: what the page's own script makes of the first 7 in its gallery."""
    with chromium() as browser:
        page = browser.new_page()
        page.add_script_tag(content=(SCRIPTS / "drawing.js").read_text("utf-8"))
        fragment = page.evaluate("""() => {
          const art = drawing(), { grid } = art.gallery.find(({ meant }) => meant === 7);
          const settings = { centred: true, rule: "gradient", levels: 1, steps: 20, target: null, common: null };
          return art.pack({ grid, ...settings, size: 9, seed: 1 });
        }""")
    return fragment


def measure(site=SITE):
    """The page in each browser that is there.

    Parameters
    ----------
    site : pathlib.Path

    Returns
    -------
    dict
        ``bytes`` of the engine and its client, and ``rows``.
    """
    if not (site / "live.html").exists():
        sys.exit(f"there is no live.html in {site}: python3 course.py run writes it")
    fragment = drawn()
    rows = in_chromium(site, fragment)
    where = shutil.which("firefox-esr") or shutil.which("firefox")
    rows += in_firefox(site, fragment, where) if where else []
    return {"bytes": sum((SCRIPTS / name).stat().st_size for name in ("engine.js", "client.js")), "rows": rows}


def told(row):
    return (
        f"{row['name']} ({row['where']}): first reading after {row['first_reading']} s, a frame {row['frame']} ms "
        f"(95th percentile {row['frame_p95']}, {row['frames']} frames), a reading {row['reading']} ms; "
        f"longest task {row['load_task']} ms while loading, {row['drag_task']} ms while dragging "
        f"(gaps {row['load_gap']}, {row['drag_gap']})"
    )


if __name__ == "__main__":
    measure(*map(Path, sys.argv[1:2]))
