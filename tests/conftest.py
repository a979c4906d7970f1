"""What tests of several files ask for: a browser, and whether this run's numbers are the recorded ones."""

import importlib.util
import shutil
import signal
import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("answers")  # its tests say what was found, as those of the files do

# a shell's background job ignores Ctrl-C, and so would the programs that it starts
signal.signal(signal.SIGINT, signal.default_int_handler)

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # in a container there is often no other way; only this machine's own pages are opened
    "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium():
    """Where the browser is; without one, the tests that ask for it are skipped, and say what is missing."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser on the PATH: {', '.join(NAMES)} (apt-get install chromium)")
    return found


@pytest.fixture(scope="module")  # no longer: the loop that drives it is in the way of notebooks' kernels
def browser(chromium):
    reason = "playwright drives the browser: pip install playwright"
    with pytest.importorskip("playwright.sync_api", reason=reason).sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def bench():
    """benchmarks/bench.py, which finds its parts beside itself."""
    folder = Path(__file__).resolve().parents[1] / "benchmarks"
    spec = importlib.util.spec_from_file_location("bench", folder / "bench.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def unlike(pytestconfig):
    """Why this run's numbers are not the recorded ones, or ""."""
    above = pytestconfig.pluginmanager.get_plugin(str(Path(__file__).resolve().parents[1] / "conftest.py"))
    return pytestconfig.stash[above.UNLIKE]
