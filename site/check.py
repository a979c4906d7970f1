"""Look from inside .venv whether this machine can hold the course: course.py check calls it, and says the verdict."""

import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser

import psutil
from jupyter_client.manager import start_new_kernel

WAIT = 60  # seconds


def memory():
    total = psutil.virtual_memory().total / 2**30
    return total > 3.5, f"{total:.1f} GiB of memory in all", "4 are needed: use another machine, or a JupyterHub"


def browser():
    try:
        webbrowser.get()
        return True, "a browser", ""
    except webbrowser.Error:
        return False, "no browser is found", "open the address that course.py lab prints, in any browser"


def kernel():
    """A kernel starts and answers: a firewall that blocks this machine's own ports shows here."""
    try:
        manager, client = start_new_kernel(startup_timeout=WAIT, extra_arguments=["--log-level=ERROR"])
    except RuntimeError as why:
        return False, f"no kernel answers ({why})", "let your firewall allow Python to talk to 127.0.0.1"
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return True, "a kernel starts and answers", ""


def server():
    """JupyterLab starts and answers, as the browser will ask it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    lab = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + WAIT
    try:
        while lab.poll() is None and time.monotonic() < end:
            try:
                direct.open(f"http://127.0.0.1:{port}/login", timeout=5).close()
                return True, "JupyterLab starts and answers", ""
            except OSError:
                time.sleep(0.3)
    finally:
        lab.terminate()
        lab.wait()
    return False, "JupyterLab does not answer", "course.py lab shows why; let your firewall allow 127.0.0.1"


def packages():
    """TensorFlow is the one that a system may refuse to load."""
    try:
        from advlib.backend import tf  # it keeps TensorFlow's log to itself

        return True, f"TensorFlow {tf.__version__} loads", ""
    except Exception as why:  # packages that do not fit together fail in many ways
        remedy = "on Windows install the Visual C++ Redistributable; elsewhere delete .venv and call course.py lab"
        return False, f"TensorFlow does not load ({why})", remedy


def main():
    failed = 0
    for look in (memory, browser, kernel, server, packages):
        fine, text, remedy = look()
        print(f"[OK] {text}" if fine else f"[FAIL] {text}: {remedy}", flush=True)
        failed += not fine
    try:
        from advlib import environment
    except ImportError:  # said above, of TensorFlow, which needs the same
        return failed
    return failed + environment.told(environment.look())


if __name__ == "__main__":
    try:
        sys.exit(main())  # how many are to be mended: course.py says so at the end
    except KeyboardInterrupt:
        sys.exit(130)
