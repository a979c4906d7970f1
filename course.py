"""Set up and run the course.  Needs Python 3.11, 3.12 or 3.13, on Linux, macOS or Windows, and nothing else.

    python3 course.py lab        open JupyterLab on your own copies of the notebooks, in _student, without solutions
                                 (lab notebooks: on the notebooks themselves, with solutions; lab FOLDER: on another)
    python3 course.py run        run every notebook and write the pages to site/html
    python3 course.py test       run the tests, and every notebook with its recorded numbers
    python3 course.py paper      run everything at the size the paper did (hours; interrupted, it goes on where it was)
    python3 course.py repeat     measure the paper's numbers once more, and say which hold (ten minutes)
    python3 course.py student    write the copies without solutions to _student; what was worked on is kept
    python3 course.py slides     run every notebook and write a deck of slides from each to _slides
    python3 course.py signs      make the file of traffic signs from its archives (downloads 350 MB)
    python3 course.py check      look whether this machine is ready for the course
    python3 course.py bench      measure the speed against other libraries (1½ hours, several GB for .venv-peers)
    python3 course.py pack       pack all that is needed without a network into _pack (pack FOLDER: there)
    python3 course.py colab      give each notebook its link to Colab (colab https://github.com/OWNER/REPOSITORY)

On Windows: py course.py lab.  What follows lab, test and bench is passed on: course.py test -k data.
The first call makes .venv with the locked packages (2.4 GB, a few minutes); later calls use it again.
"""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from course_setup import INSIDE, PYTHON, ROOT, VENV, call, clean, project_file, ready, set_up, wheels


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
    plain = [*(ROOT / "site").glob("*.md"), *(ROOT / "notebooks").glob("*.md")]
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
    if not failed:
        print("Writing the pages, a minute.", flush=True)
        expected = {path.relative_to(pages).with_suffix(".html") for path in pages.rglob("*")} | {Path("search.html")}
        for page in html.rglob("*.html"):  # Sphinx leaves the pages of notebooks that are no more
            if page.relative_to(html) not in expected:
                page.unlink()
        failed = 1
        try:
            failed = call(PYTHON, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "site", "-b", "html", pages, html)
        finally:
            if failed:  # or interrupted: it takes half a page for a whole one, and a broken link for one it has told of
                shutil.rmtree(str(html / ".doctrees"), ignore_errors=True)
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
    """On the learners' copies; on the notebooks themselves nothing is saved by itself."""
    place = more.pop(0) if more and not more[0].startswith("-") else "_student"
    if place == "_student":
        late = [name for name, told in copies() if told == OUTDATED]
        if late:
            print(f"{', '.join(late)}: {OUTDATED}")
    path = next((path.resolve() for path in (ROOT / place, Path(place)) if path.exists()), None)
    if path is None:
        print(f"course.py lab: there is no folder {place}", file=sys.stderr)
        return 2
    own = ROOT / "notebooks" in (path, *path.parents)
    first = path / "00_start_here.ipynb"
    print(
        f"Opening {path}"
        + (", with the solutions. What you change there is saved when you press Ctrl-S, not before." if own else ".")
        + "\nTo stop JupyterLab: press Ctrl-C here, twice.",
        flush=True,
    )
    return call(
        PYTHON, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", "--log-level=ERROR", "--LabApp.log_level=ERROR",
        "--KernelManager.transport_encryption=auto",  # each kernel would warn that it has none
        *lab_settings(VENV / "lab" / ("own" if own else "copies"), autosave=not own),
        *(["--LabApp.default_url=/lab/tree/" + first.name] if first.exists() else []), *more, path,
    )  # fmt: skip


def lab_settings(folder, autosave):
    """Write JupyterLab's settings for the course into .venv; the user's own stay where they are, and win."""
    settings = {
        "overrides": {
            "@jupyterlab/docmanager-extension:plugin": {"autosave": autosave},
        },
        "page_config": {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}},  # a pop-up
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in settings.items():
        write(folder / f"{name}.json", json.dumps(content))
    return f"--LabApp.app_settings_dir={folder}", f"--LabApp.workspaces_dir={folder / 'workspaces'}"


def test(more):
    return call(PYTHON, "-m", "pytest", *more)


def paper(more):
    os.environ["ADVLIB_SCALE"] = "paper"
    ordered = [*in_depth(), *lessons()]  # the lessons show what the others have stored
    folder = ROOT / "data" / "cache" / "paper"  # its executed copies are what is done
    return (
        call(PYTHON, "site/execute.py", "forecast", folder, *ordered)
        or call(PYTHON, "-m", "advlib.shipped")
        or call(PYTHON, "site/execute.py", folder, *ordered)
    )


def repeat(more):
    return call(PYTHON, "tools/repeat.py")


def for_learners(path):
    """A notebook's text without its solutions, and without the numbers that the reader is to predict."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as why:
        back = "git checkout notebooks brings it back; without git, copy the course again"
        sys.exit(f"{path} is damaged ({why}): {back}")
    notebook["cells"] = [cell for cell in notebook["cells"] if "solution" not in cell["metadata"].get("tags", [])]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


WRITTEN = "written to _student"
THERE = "is in _student already"
KEPT = "kept as it is: it has been worked on; move it away to have it written anew"
OUTDATED = "kept as you left it, but the course has a new version: move yours away to get that one"


def copies():
    """Write the learners' copies where they have not been worked on; each one's name and what became of it."""
    folder = ROOT / "_student"
    folder.mkdir(exist_ok=True)
    record = folder / ".written.json"  # what stood in the copies when they were written
    known, done = recorded(record), []
    for path in notebooks():
        text, copy = for_learners(path), within(folder, path)
        name, new = copy.relative_to(folder).as_posix(), typed(text)
        found = typed(copy.read_text(encoding="utf-8", errors="replace")) if copy.exists() else None
        if found is None or (new != known.get(name) and found in (new, known.get(name))):
            copy.parent.mkdir(exist_ok=True)
            write(copy, text)
            known[name] = new
            done.append((name, WRITTEN))
        elif new == known.get(name):
            done.append((name, THERE if found == new else KEPT))
        else:
            done.append((name, OUTDATED))
    write(record, json.dumps(known, indent=1))
    for name in ("glossary.md", "references.md"):
        shutil.copy(str(ROOT / "notebooks" / name), str(folder))
    return done


def recorded(path):
    """What was noted of written files; nothing where the record is damaged, as by a power cut."""
    with suppress(OSError, ValueError, TypeError):
        return dict(json.loads(path.read_bytes()))
    return {}


def typed(text):
    """A SHA-256 of what somebody may have typed into a notebook; to open it, and to run it, changes other things."""
    try:
        cells = [[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(text)["cells"]]
    except (ValueError, KeyError, TypeError):
        cells = text  # no notebook any more
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def write(path, text):
    """A whole file, or none."""
    part = path.with_name(f".part-{path.name}")
    part.write_bytes(text.encode())
    os.replace(str(part), str(path))


def student(more):
    for name, told in copies():
        print(f"{name}  {told}")
    print("Open them with: python3 course.py lab      (their solutions: course.py lab notebooks)")
    return 0


def check(more):
    """What can be told without .venv, and then what site/check.py tells from inside."""
    version = ".".join(map(str, sys.version_info[:3]))
    free = shutil.disk_usage(ROOT).free / 1e9
    whole = ready(VENV)
    needed = 1 if whole else 5
    lines = [
        (suitable(sys.version_info), f"Python {version}", "install Python 3.11 and call python3.11"),
        (free > needed, f"{free:.0f} GB of disk free", f"{needed} GB are needed here, in {ROOT}"),
        (whole, ".venv with the locked packages", "not made yet, or not for this lock: python3 course.py lab makes it"),
    ]
    for fine, text, remedy in lines:
        print(f"[OK] {text}" if fine else f"[FAIL] {text}: {remedy}", flush=True)
    inside = call(PYTHON, "site/check.py") if whole else 0  # how many it has found; where a package crashes, no count
    failed = sum(not fine for fine, _, _ in lines) + (inside if 0 <= inside < 128 else 1)
    print(f"{failed} to mend: README.md, Troubleshooting, helps." if failed else "This machine is ready.")
    return int(failed > 0)


IMAGES = {"mnist.npz": "MNIST is", "gtsrb12_64px.npz": "The traffic signs are"}


def pack(more):
    """The files that git knows, MNIST, the signs, what was written to site/html and _slides, and the packages."""
    folder = Path(more[0] if more else ROOT / "_pack").resolve() / "common-noise"
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        found = subprocess.run(
            [PYTHON, "-c", f"from advlib import data; [print(data.find(name) or '') for name in {[*IMAGES]}]"],
            cwd=ROOT, env=clean(), stdout=subprocess.PIPE, check=True,
        ).stdout.decode().splitlines()  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as why:
        sys.exit(f"{why}\npack needs git, a folder made by git clone, and a data folder that can be read")
    copies = {name: ROOT / name for name in listed.decode().split("\0") if (ROOT / name).is_file()}
    own = dict.fromkeys(copies)
    for (name, what), path in zip(IMAGES.items(), found):
        if path:
            copies[f"data/{name}"] = ROOT / path
        else:
            print(f"{what} not here and not packed: README.md says what to do")
    for name, command in (("site/html", "run"), ("_slides", "slides")):
        if not (ROOT / name).is_dir():
            print(f"{name} is not here and is not packed: course.py {command} writes it")
        copies.update({path.relative_to(ROOT).as_posix(): path for path in (ROOT / name).rglob("*") if path.is_file()})
    record = folder / ".packed.json"
    for name in set(recorded(record)) - set(own):  # a notebook that is no more would be taken for one of the course
        (folder / name).unlink(missing_ok=True)
    for name, path in copies.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)
    write(record, json.dumps(own))
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


def signs(more):
    return call(PYTHON, "-m", "advlib.signs")


def colab(more):
    return call(PYTHON, "site/colab.py", *more, *notebooks())


def bench(more):
    """In an environment of its own: what the peers need is nothing of the course's."""
    peers = ROOT / ".venv-peers"
    set_up(peers, ".[peers]")
    return call(peers / INSIDE, "benchmarks/bench.py", *more)


def built_with():
    """What pip needs to install this folder itself, editable."""
    return [*project_file()["build-system"]["requires"], "editables"]


COMMANDS = {
    "run": run, "lab": lab, "test": test, "paper": paper, "repeat": repeat, "student": student,
    "slides": slides, "signs": signs, "check": check, "pack": pack, "colab": colab, "bench": bench,
}  # fmt: skip


AT_MOST = {"lab": 99, "test": 99, "bench": 99, "pack": 1, "colab": 1}  # arguments; the other commands take none


def main(arguments):
    """Do what the arguments say, and return the exit status."""
    name, *more = arguments or ["help"]
    if name in ("help", "-h", "--help") or {"-h", "--help"}.intersection(more):
        print(__doc__)
        return 0
    if name not in COMMANDS:
        print(f"course.py: there is no command {name!r}\n\n{__doc__}", file=sys.stderr)
        return 2
    most = AT_MOST.get(name, 0)
    if len(more) > most or (most == 1 and more and more[0].startswith("-")):
        print(f"course.py {name} does not take {' '.join(more)}: course.py --help tells", file=sys.stderr)
        return 2
    try:
        if name != "check":  # that one says it in its own way, and changes nothing
            refuse(sys.version_info)
        if name not in ("check", "student", "bench"):  # these need none of its packages
            set_up(VENV)
        return COMMANDS[name](more)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except OSError as why:
        print(f"course.py {name}: {told(why)}", file=sys.stderr)
        return 1


def told(why):
    """An error of the system, and what helps."""
    if why.errno == errno.ENOSPC:
        return f"the disk is full ({why.filename or ROOT}): make room, and call this again"
    if why.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{why.filename} cannot be used ({why.strerror}): give yourself the right to read and write there, "
            "or copy the course to a folder of your own"
        )
    return str(why)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
