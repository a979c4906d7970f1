"""Pages that answer by themselves: a browser opens one from the disk, it computes, and sends what it found to here.

No driver is needed, so that any browser can be asked.
"""

import base64
import contextlib
import json
import queue
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
CHROMIUM = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
PREFERENCES = """user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("app.update.enabled", false);
user_pref("privacy.reduceTimerPrecision", false);
"""
ASKING = """
function tell(ask, address) {
  const send = (found) => fetch(address, { method: "POST", mode: "no-cors", body: JSON.stringify(found) });
  onerror = (text) => void send({ failed: String(text) });
  ask().then((found) => send({ found }), (why) => send({ failed: `${why} ${why.stack}` }));
}
"""


def packed(array):
    """An array as engine_answers.js reads it."""
    kind = {"f4": "Float32Array", "f8": "Float64Array", "u1": "Uint8Array", "i4": "Int32Array"}[array.dtype.str[1:]]
    return {"type": kind, "data": base64.b64encode(np.ascontiguousarray(array)).decode("ascii")}


def unpacked(found, *shape):
    kind = {"Float32Array": "<f4", "Float64Array": "<f8", "Uint8Array": "u1", "Int32Array": "<i4"}[found["type"]]
    return np.frombuffer(base64.b64decode(found["data"]), kind).reshape(shape or -1)


@contextlib.contextmanager
def listening():
    """An address that takes what is sent to it, and the queue that it goes to."""
    came = queue.Queue()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self):
            came.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    host = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{host.server_port}/", came
    finally:
        host.shutdown()
        host.server_close()


def opened(browser, folder, page, fragment=""):
    """The browser without a window, on a page; a profile of its own in the folder."""
    profile = Path(folder) / "profile"
    profile.mkdir(exist_ok=True)
    if "firefox" in Path(browser).name:
        (profile / "user.js").write_text(PREFERENCES)
        command = [browser, "--headless", "--no-remote", "--profile", profile, page.as_uri() + fragment]
    else:
        command = [browser, *CHROMIUM, f"--user-data-dir={profile}", page.as_uri() + fragment]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def answered(browser, folder, scripts, ask, seconds=600):
    """What a page finds.

    Parameters
    ----------
    browser : path
    folder : path
        Where the page is put, beside its scripts.
    scripts : list of str
        Names of files in the folder, in their order.
    ask : str
        JavaScript: an async function's body, whose value is sent.
    """
    with listening() as (address, came):
        tags = "".join(f'<script src="{name}"></script>' for name in scripts)
        page = Path(folder) / "asking.html"
        asking = f"<script>{ASKING}tell(async () => {{ {ask} }}, '{address}');</script>"
        page.write_text(f'<!DOCTYPE html><meta charset="utf-8">{tags}{asking}', "utf-8")
        process = opened(browser, folder, page)
        try:
            heard = came.get(timeout=seconds)
        finally:
            process.terminate()
            process.wait(30)
    if "failed" in heard:
        raise RuntimeError(f"{Path(browser).name}: {heard['failed']}")
    return heard["found"]
