"""Set up and run the course.  Needs Python 3.11, 3.12 or 3.13, on Linux, macOS or Windows, and nothing else.

    python3 course.py run        run every notebook and write the pages to site/html
    python3 course.py lab        open the notebooks in JupyterLab (lab FOLDER: another folder)
    python3 course.py test       run the tests, and every notebook with its recorded numbers
    python3 course.py paper      run everything at the size the paper did (hours)
    python3 course.py student    write the notebooks without their solutions to _student
    python3 course.py slides     run every notebook and write a deck of slides from each to _slides
    python3 course.py check      look whether this machine is ready for the course
    python3 course.py bench      measure the speed against other libraries (an hour, and several GB for .venv-peers)
    python3 course.py pack       pack all that is needed without a network into _pack (pack FOLDER: there)
    python3 course.py colab      give each notebook its link to Colab (colab https://github.com/OWNER/REPOSITORY)

On Windows: py course.py run.  What follows a command is passed on: course.py test -k data.
The first call makes .venv with the locked packages (2.4 GB, a few minutes); later calls use it again.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
INSIDE = "Scripts/python.exe" if os.name == "nt" else "bin/python"  # in any environment
PYTHON = VENV / INSIDE
WANTED = "."  # this folder's own package


def suitable(version):
    """Whether TensorFlow 2.21 has packages for this Python."""
    return (3, 11) <= tuple(version[:2]) <= (3, 13)


def refuse(version):
    """End with the remedy where this Python is not suitable."""
    if suitable(version):
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


def logged(log, *command):
    """Like call, but what the program prints goes to a file; on a terminal one line says how far it is."""
    seen = sys.stdout.isatty()
    begin = time.monotonic()
    # pip would keep its lines back where nobody watches, and its bars are no use in a file
    environment = dict(os.environ, PYTHONUNBUFFERED="1", PIP_PROGRESS_BAR="off")
    with open(str(log), "ab") as file:
        child = subprocess.Popen(
            [str(part) for part in command], cwd=str(ROOT), env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    while True:
        try:
            status = child.wait(1 if seen else None)
            break
        except subprocess.TimeoutExpired:
            told = f"{time.monotonic() - begin:4.0f} s  {''.join(end_of(log, 1))}"
            print(f"\r{told[:78]:78}", end="", flush=True)
        except KeyboardInterrupt:
            pass  # Ctrl-C reached the program too: it ends in its own way
    if seen:
        print(f"\r{'':78}\r", end="", flush=True)
    return status


def end_of(log, count):
    """The last lines of a log, in letters that every terminal has."""
    text = log.read_bytes().decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    return [line.strip() for line in text.splitlines() if line.strip()][-count:]


def wheels():
    """Where `pack` puts the packages for this system and this Python; a stick may carry them for several."""
    name = f"{platform.system()}-{platform.machine()}-python{sys.version_info[0]}.{sys.version_info[1]}"
    return ROOT / "wheels" / name


def stamp():
    """What .venv/installed says when all of the lock is in it, and what else is wanted."""
    lock = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    pins = "".join(f"{WANTED}: {line}\n" for line in extras())
    return f"python {sys.version_info[0]}.{sys.version_info[1]}, requirements.lock {lock}\n{pins}"


def extras():
    """What .venv-peers has besides the lock: the packages of an extra in pyproject.toml."""
    if "[" not in WANTED:
        return []
    optional = project_file()["project"]["optional-dependencies"]
    return sorted(optional[WANTED[WANTED.index("[") + 1 : -1]])


def ready():
    """Whether .venv is whole: its stamp is written last."""
    file = VENV / "installed"
    return PYTHON.exists() and file.exists() and file.read_text() == stamp()


def set_up():
    """Make .venv, unless a whole one is there; half a one is never trusted."""
    if ready():
        return
    packed = wheels()
    packages = ["-r", "requirements.lock", "-e", WANTED]
    if (packed / "requirements.lock").exists():  # the last that pack writes there
        packages += ["--no-index", "--find-links", packed]
    elif packed.parent.is_dir():
        others = ", ".join(path.name for path in sorted(packed.parent.iterdir()))
        print(f"wheels/ holds packages for {others}, none for {packed.name}: it goes over the network.")
    log = ROOT / f"{VENV.name}-setup.log"
    print(f"Making {VENV.name}: 2.4 GB of packages, a few minutes, this once (its log: {log.name}).", flush=True)
    try:
        log.write_bytes(b"")
        (VENV / "installed").unlink(missing_ok=True)
        if VENV.exists():
            shutil.rmtree(VENV)
    except OSError as why:
        sys.exit(f"{VENV} cannot be replaced ({why}): close JupyterLab and whatever else uses it, and try again")
    base = sys._base_executable  # not .venv's own Python, where that is the one that runs this
    if shutil.which("uv"):
        failed = logged(log, "uv", "venv", "--python", base, VENV) or logged(
            log, "uv", "pip", "install", "--python", PYTHON, *packages
        )
    else:
        failed = logged(log, base, "-m", "venv", VENV) or logged(log, PYTHON, "-m", "pip", "install", *packages)
    if failed:
        needs = f"the packages in {packed} (without that folder: a network)" if packed in packages else "a network"
        print(*end_of(log, 15), sep="\n", file=sys.stderr)
        sys.exit(
            f"\nThe set-up stopped before its end; the reason stands above, and all that was said in\n{log}\n"
            "The next call starts it afresh.\n"
            f"It needs {needs}, and 5 GB of free disk: see Troubleshooting in README.md."
        )
    (VENV / "installed").write_text(stamp())


def lessons():
    """In reading order."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def in_depth():
    """The notebooks that store what the lessons show."""
    return sorted((ROOT / "notebooks" / "in_depth").glob("*.ipynb"))


def notebooks():
    return [*lessons(), *in_depth()]


def within(folder, path):
    """A notebook's place in another folder."""
    return folder / path.relative_to(ROOT / "notebooks")


def executed(some):
    """Run notebooks, where anything has changed, and return the folder of their executed copies and the status."""
    pages = ROOT / "site" / "pages"  # what Sphinx reads: the executed copies and the plain pages
    pages.mkdir(exist_ok=True)
    plain = [ROOT / "site" / "index.md", *(ROOT / "notebooks").glob("*.md")]
    expected = {pages / path.name for path in plain} | {within(pages, path) for path in notebooks()}
    for path in pages.rglob("*"):
        if path.is_file() and path not in expected:
            path.unlink()
    for path in plain:
        shutil.copy(path, pages)
    return pages, call(PYTHON, "site/execute.py", pages, *some)


def run(more):
    pages, failed = executed(notebooks())
    html = ROOT / "site" / "html"
    failed = failed or call(
        PYTHON, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "site", "-b", "html", *more, pages, html
    )
    if not failed:
        print(f"The pages are written.  Open {(html / 'index.html').as_uri()}")
    return failed


def slides(more):
    pages, failed = executed(lessons())
    folder = ROOT / "_slides"
    failed = failed or call(PYTHON, "site/slides.py", folder, *(within(pages, path) for path in lessons()))
    if not failed:
        print(f"The slides are written.  Open {(folder / 'index.html').as_uri()}")
    return failed


def lab(more):
    folder = more.pop(0) if more and Path(more[0]).is_dir() else "notebooks"
    return call(PYTHON, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", *more, folder)


def test(more):
    return call(PYTHON, "-m", "pytest", *more)


def paper(more):
    os.environ["ADVLIB_SCALE"] = "paper"
    with tempfile.TemporaryDirectory() as scratch:
        ordered = [*in_depth(), *lessons()]  # the lessons show what the others have stored
        return call(PYTHON, "-m", "advlib.shipped") or call(PYTHON, "site/execute.py", scratch, *ordered)


def for_learners(path):
    """A notebook's text without its solutions, and without the numbers that the reader is to predict."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"] = [cell for cell in notebook["cells"] if "solution" not in cell["metadata"].get("tags", [])]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def student(more):
    folder = ROOT / "_student"
    for path in notebooks():
        text = for_learners(path)
        copy = within(folder, path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if copy.exists() and copy.read_text(encoding="utf-8") != text:
            print(f"{path.name}  kept as it is: it has been worked on; move it away to have it written anew")
        else:
            copy.write_text(text, encoding="utf-8")
            print(f"{path.name}  written to _student")
    for name in ("glossary.md", "references.md"):
        shutil.copy(ROOT / "notebooks" / name, folder)
    print("Open them with: python3 course.py lab _student      (their solutions: notebooks/, folded)")
    return 0


def check(more):
    """What can be told without .venv, and then what site/check.py tells from inside."""
    version = ".".join(map(str, sys.version_info[:3]))
    free = shutil.disk_usage(ROOT).free / 1e9
    needed = 1 if ready() else 5
    lines = [
        (suitable(sys.version_info), f"Python {version}", "install Python 3.11 and call python3.11"),
        (free > needed, f"{free:.0f} GB of disk free", f"{needed} GB are needed here, in {ROOT}"),
        (ready(), ".venv with the locked packages", "not made yet, or another: python3 course.py lab makes it"),
    ]
    for fine, text, remedy in lines:
        print(f"[OK] {text}" if fine else f"[FAIL] {text}: {remedy}", flush=True)
    inside = call(PYTHON, "site/check.py") if ready() else 1
    return int(inside or not all(fine for fine, _, _ in lines))


def pack(more):
    """The files that git knows, MNIST, what was written to site/html and _slides, and the packages."""
    folder = Path(more[0] if more else ROOT / "_pack").resolve() / "common-noise"
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        found = subprocess.run(
            [PYTHON, "-c", "from advlib import data; print(data.find('mnist.npz') or '')"],
            cwd=ROOT, stdout=subprocess.PIPE, check=True,
        ).stdout.decode().strip()  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as why:
        sys.exit(f"{why}\npack needs git, a folder made by git clone, and a data folder that can be read")
    copies = {name: ROOT / name for name in listed.decode().split("\0") if (ROOT / name).is_file()}
    if found:
        copies["data/mnist.npz"] = ROOT / found
    else:
        print("MNIST is not here and is not packed: README.md says how to get it")
    for name, command in (("site/html", "run"), ("_slides", "slides")):
        if not (ROOT / name).is_dir():
            print(f"{name} is not here and is not packed: course.py {command} writes it")
        copies.update({path.relative_to(ROOT): path for path in (ROOT / name).rglob("*") if path.is_file()})
    for name, path in copies.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)
    packed = folder / wheels().relative_to(ROOT)
    lock = (ROOT / "requirements.lock").read_bytes()
    if not (packed / "requirements.lock").exists() or (packed / "requirements.lock").read_bytes() != lock:
        shutil.rmtree(packed, ignore_errors=True)
        with tempfile.TemporaryDirectory() as scratch:  # where uv has made .venv, there is no pip in it
            failed = call(sys._base_executable, "-m", "venv", scratch) or call(
                Path(scratch) / INSIDE, "-m", "pip", "wheel", "-w", packed, "-r", "requirements.lock", *built_with()
            )
        if failed:
            shutil.rmtree(packed, ignore_errors=True)
            return failed
        (packed / "requirements.lock").write_bytes(lock)
    print(
        f"Packed: {folder}\nOn a machine with the same system and the same Python, copy it to the disk and call there"
        "\n    python3 course.py lab      and, before the day: python3 course.py check"
    )
    return 0


def colab(more):
    return call(PYTHON, "site/colab.py", *more, *notebooks())


def bench(more):
    """In an environment of its own: what the peers need is nothing of the course's."""
    global VENV, PYTHON, WANTED
    VENV, WANTED = ROOT / ".venv-peers", ".[peers]"
    PYTHON = VENV / INSIDE
    set_up()
    return call(PYTHON, "benchmarks/bench.py", *more)


def built_with():
    """What pip needs to install this folder itself, editable."""
    return [*project_file()["build-system"]["requires"], "editables"]


def project_file():
    import tomllib  # Python 3.11 has it; the refusal must be readable for older ones

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


COMMANDS = {
    "run": run, "lab": lab, "test": test, "paper": paper, "student": student,
    "slides": slides, "check": check, "pack": pack, "colab": colab, "bench": bench,
}  # fmt: skip


def main(arguments):
    name, *more = arguments or ["help"]
    if name in ("help", "-h", "--help"):
        print(__doc__)
        return 0
    if name not in COMMANDS:
        print(f"course.py: there is no command {name!r}\n\n{__doc__}", file=sys.stderr)
        return 2
    if name != "check":  # that one says it in its own way, and changes nothing
        refuse(sys.version_info)
    if name not in ("check", "student", "bench"):  # these need none of its packages
        set_up()
    return COMMANDS[name](more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
