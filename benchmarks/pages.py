"""What the pages weigh, and how long a slow phone takes until they can be used.

    python benchmarks/pages.py [FOLDER] [PAGE...]       the pages in site/html, which course.py run writes

The phone: 390 x 844, 1.6 Mbit/s, 150 ms, a processor four times slower than this one.  A page is served gzipped, as any
host serves it.  Seconds, from the click on: until the title stands there, and until the first slider answers.
"""

import contextlib
import gzip
import re
import shutil
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
SITE = HERE.parent / "site" / "html"
PHONE = {"width": 390, "height": 844}
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
SLOWER = 4
PACKED = (".html", ".css", ".js", ".svg", ".ipynb")  # pictures and fonts are small already
# each frame the page is asked, until it has both: the title in its place, and a slider that changes its picture's words
WATCH = """(() => {
  const seen = window.seen = {};
  function look() {
    const title = document.querySelector("article h1");
    const slider = document.querySelector(".advlib-explorer input[type=range]");
    if (!seen.title && title && title.getBoundingClientRect().height) seen.title = performance.now() / 1000;
    if (!seen.slider && slider) {
      const words = () => slider.closest(".advlib-explorer").querySelector("figcaption")?.textContent, before = words();
      slider.value = slider.value == slider.max ? slider.min : slider.max;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      if (words() != before) seen.slider = performance.now() / 1000;
    }
    requestAnimationFrame(look);
  }
  requestAnimationFrame(look);
})()"""


class Host(SimpleHTTPRequestHandler):
    """Serves a folder, gzipped."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in PACKED:
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def hosted(site):
    """Serve a folder; the address."""
    host = ThreadingHTTPServer(("127.0.0.1", 0), lambda *request: Host(*request, directory=site))
    threading.Thread(target=host.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{host.server_port}"
    host.shutdown()


def weight(page):
    """Bytes of a page with all that it can ask for, gzipped.

    Parameters
    ----------
    page : pathlib.Path
        An HTML file of the built pages.

    Returns
    -------
    int
    """
    text = page.read_text(encoding="utf-8")
    named = re.findall(r'<(?:script|img|link rel="(?:stylesheet|icon)")[^>]* (?:src|href)="([^":?]+)["?]', text)
    files = {page, *((page.parent / name).resolve() for name in named)}
    if "<math" in text:
        files |= {fonts for path in files for fonts in path.parent.glob("*.woff2")}
    sizes = (len(gzip.compress(path.read_bytes())) if path.suffix in PACKED else path.stat().st_size for path in files)
    return sum(sizes)


def on_a_phone(browser, address):
    """One page, opened by a phone that has never seen it, and read to its end."""
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    page.add_init_script(WATCH)
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", NETWORK)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    came = []
    tools.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
    page.goto(address, wait_until="load", timeout=120_000)
    page.wait_for_function(
        "seen.title && (seen.slider || !document.querySelector('.advlib-explorer'))", timeout=120_000
    )
    seen = page.evaluate("seen")
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    # as a reader who comes near each of them
    page.evaluate("Promise.all([...document.images].map(img => { img.loading = 'eager'; return img.decode(); }))")
    context.close()
    return {"bytes": int(sum(came)), "requests": len(came), **{part: round(at, 1) for part, at in seen.items()}}


def measure(site=SITE, *names):
    """Each page on the phone.

    Parameters
    ----------
    site : pathlib.Path
    *names : str
        Of pages, as ``in_depth/02_all_images``; all, where none is given.

    Returns
    -------
    list of dict
        ``page``, ``bytes`` and ``requests`` in all, seconds to ``title`` and, where there is one, to ``slider``.
    """
    from playwright.sync_api import sync_playwright

    found = sorted(path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("[!_]*.html"))
    if not found:
        sys.exit(f"there are no pages in {site}: python3 course.py run writes them")
    rows = []
    with sync_playwright() as playwright, hosted(site) as address:
        where = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=where, args=["--no-sandbox"])
        for name in names or found:
            rows.append({"page": name, **on_a_phone(browser, f"{address}/{name}.html")})
            print(told(rows[-1]), flush=True)
        browser.close()
    return rows


def told(row):
    slider = f", a slider answers after {row['slider']} s" if "slider" in row else ""
    return (
        f"{row['page']}: {row['bytes'] / 1e3:.0f} kB, {row['requests']} requests, title after {row['title']} s{slider}"
    )


if __name__ == "__main__":
    folder, *asked = sys.argv[1:] or [SITE]
    measure(Path(folder), *asked)
