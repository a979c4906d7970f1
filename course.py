"""Set up and run the course.  Needs Python 3.11, 3.12 or 3.13, on Linux, macOS or Windows, and nothing else.

    python3 course.py run        run every notebook and write the pages to site/html
    python3 course.py lab        open the notebooks in JupyterLab (lab FOLDER: another folder)
    python3 course.py test       run the tests, and every notebook with its recorded numbers
    python3 course.py paper      run everything at the size the paper did (hours)
    python3 course.py student    write the notebooks without their solutions to _student

On Windows: py course.py run.  What follows a command is passed on: course.py test -k data.
The first call makes .venv with the locked packages (2.4 GB, a few minutes); later calls use it again.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def refuse(version):
    """End with the remedy where TensorFlow 2.21 has no packages for this Python."""
    if (3, 11) <= tuple(version[:2]) <= (3, 13):
        return
    sys.exit(
        f"This course needs Python 3.11, 3.12 or 3.13; this is {version[0]}.{version[1]} ({sys.executable}).\n"
        "Install Python 3.11 (python.org, or your system's packages) and call it by its number:\n"
        "    python3.11 course.py run          on Windows: py -3.11 course.py run\n"
        "or, where uv is installed: uv run --no-project --python 3.11 course.py run"
    )


def call(*command):
    """Run a program in the project's folder and return its exit status."""
    child = subprocess.Popen([str(part) for part in command], cwd=ROOT)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            pass  # Ctrl-C reached the program too: it ends in its own way


def set_up():
    """Make .venv, unless a whole one is there: its stamp is written last, so half a one is never trusted."""
    stamp = VENV / "installed"
    lock = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    want = f"python {sys.version_info[0]}.{sys.version_info[1]}, requirements.lock {lock}\n"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == want:
        return
    print("Making .venv: 2.4 GB of packages, a few minutes, this once.", flush=True)
    try:
        stamp.unlink(missing_ok=True)
        if VENV.exists():
            shutil.rmtree(VENV)
    except OSError as why:
        sys.exit(f"{VENV} cannot be replaced ({why}): close JupyterLab and whatever else uses it, and try again")
    base = sys._base_executable  # not .venv's own Python, where that is the one that runs this
    packages = ["-r", "requirements.lock", "-e", "."]
    if shutil.which("uv"):
        failed = call("uv", "venv", "--python", base, VENV) or call(
            "uv", "pip", "install", "--python", PYTHON, *packages
        )
    else:
        failed = call(base, "-m", "venv", VENV) or call(PYTHON, "-m", "pip", "install", *packages)
    if failed:
        sys.exit(
            "The set-up stopped before its end; the reason stands above.  The next call starts it afresh.\n"
            "It needs a network, and 5 GB of free disk: see Troubleshooting in README.md."
        )
    stamp.write_text(want)


def notebooks():
    """Every notebook, in reading order."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def run(more):
    pages = ROOT / "site" / "pages"  # what Sphinx reads: the executed copies and the plain pages
    pages.mkdir(exist_ok=True)
    plain = [ROOT / "site" / "index.md", *(ROOT / "notebooks").glob("*.md")]
    names = {path.name for path in [*plain, *notebooks()]}
    for path in pages.iterdir():
        if path.name not in names:
            path.unlink()
    for path in plain:
        shutil.copy(path, pages)
    html = ROOT / "site" / "html"
    failed = call(PYTHON, "site/execute.py", pages, *notebooks()) or call(
        PYTHON, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "site", "-b", "html", *more, pages, html
    )
    if not failed:
        print(f"The pages are written.  Open {(html / 'index.html').as_uri()}")
    return failed


def lab(more):
    folder = more.pop(0) if more and Path(more[0]).is_dir() else "notebooks"
    return call(PYTHON, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", *more, folder)


def test(more):
    return call(PYTHON, "-m", "pytest", *more)


def paper(more):
    os.environ["ADVLIB_SCALE"] = "paper"
    with tempfile.TemporaryDirectory() as scratch:
        return call(PYTHON, "-m", "advlib.cnn") or call(PYTHON, "site/execute.py", scratch, *notebooks())


def student(more):
    folder = ROOT / "_student"
    folder.mkdir(exist_ok=True)
    for path in notebooks():
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"] = [
            cell for cell in notebook["cells"] if "solution" not in cell["metadata"].get("tags", [])
        ]
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        copy = folder / path.name
        if copy.exists() and copy.read_text(encoding="utf-8") != text:
            print(f"{path.name}  kept as it is: it has been worked on; move it away to have it written anew")
        else:
            copy.write_text(text, encoding="utf-8")
            print(f"{path.name}  written to _student")
    print("Open them with: course.py lab _student")
    return 0


COMMANDS = {"run": run, "lab": lab, "test": test, "paper": paper, "student": student}


def main(arguments):
    name, *more = arguments or ["help"]
    if name in ("help", "-h", "--help"):
        print(__doc__)
        return 0
    if name not in COMMANDS:
        print(f"course.py: there is no command {name!r}\n\n{__doc__}", file=sys.stderr)
        return 2
    refuse(sys.version_info)
    if name != "student":  # that one needs no package
        set_up()
    return COMMANDS[name](more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
