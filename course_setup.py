"""The environment in which course.py runs everything: made whole, or made again.  Standard library only, as course.py.

One file inside it, `installed`, tells how far it is.  It is there from the beginning, so that a folder without it is
known to be somebody else's; it says what was installed only after the packages have been imported.
"""

import ast
import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
INSIDE = "Scripts/python.exe" if os.name == "nt" else "bin/python"  # in any environment
VENV = ROOT / ".venv"
PYTHON = VENV / INSIDE
IMPORTED = (
    "advlib", "anywidget", "ipywidgets", "jupyterlab", "keras", "matplotlib", "nbclient", "numpy", "pandas", "pytest",
    "scipy", "sklearn", "sphinx", "tensorflow", "tqdm",
)  # fmt: skip

# Another project's packages, or other places for these.
FOREIGN = {"PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__"}
# Of the settings of pip and uv only those that say where packages come from, and how.
SOURCES = re.compile(
    "(PIP|UV)_(.*(INDEX|CERT|TLS|HOST|TIMEOUT|RETRIES|CACHE|CONCURRENT|KEYRING).*"
    "|FIND_LINKS|PROXY|CONFIG_FILE|NO_CONFIG|LINK_MODE|OFFLINE)"
)
# Runs a program as Python itself does, except that Ctrl-C, even while it imports, ends it without a traceback.
QUIET = """
import os, runpy, sys
sys.excepthook = lambda kind, *rest: kind is KeyboardInterrupt or sys.__excepthook__(kind, *rest)
del sys.argv[0]
if sys.argv[0] == "-m":
    del sys.argv[0]
    sys.path[0] = os.getcwd()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    program = os.path.abspath(sys.argv[0])
    sys.path[0] = os.path.dirname(program)
    runpy.run_path(program, run_name="__main__")
"""


def clean():
    """The environment variables for every program: without those that lead to other packages."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and (SOURCES.fullmatch(name) or not name.startswith(("PIP_", "UV_")))
    }
    for name in {"ADVLIB_DATA", "ADVLIB_WEIGHTS"} & kept.keys():  # a program and its notebooks run in other folders
        kept[name] = kept[name] and os.path.abspath(kept[name])
    return dict(kept, PYTHONIOENCODING="utf-8")  # Windows writes files and pipes in a code page that has no ε


def configured(python):
    """The same for pip, whose configuration files are read here: of them, too, only the sources count."""
    listed = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], env=clean(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout
    found = re.findall(r"^(?:global|install)\.([\w-]+)=(.*)$", listed.decode(errors="replace"), re.MULTILINE)
    settings = {f"PIP_{key.upper().replace('-', '_')}": ast.literal_eval(value.strip()) for key, value in found}
    sources = {name: value for name, value in settings.items() if SOURCES.fullmatch(name)}
    return dict(sources, **dict(clean(), PIP_CONFIG_FILE=os.devnull))


def call(python, *arguments):
    """Run a Python program in the project's folder and return its exit status."""
    command = [str(part) for part in (python, "-c", QUIET, *arguments)]
    return ended(subprocess.Popen(command, cwd=str(ROOT), env=clean()))


def ended(child, seconds=None, meanwhile=None):
    """Wait for a program, and return its status; in between, call something every so many seconds."""
    interrupted = False
    while True:
        try:
            status = child.wait(seconds)
            break
        except subprocess.TimeoutExpired:
            meanwhile()
        except KeyboardInterrupt:
            interrupted = True  # Ctrl-C reached the program too: it ends in its own way
    if interrupted and status:
        raise KeyboardInterrupt
    return status


def logged(venv, *command, environment=None, doing=None):
    """Like call, of any program, but what it prints goes to a log; a line says how far it is, or what it does."""
    log = log_of(venv)
    watched = sys.stdout.isatty()
    begin = time.monotonic()
    # pip would keep its lines back where nobody watches, and its bars are no use in a file
    environment = dict(environment or clean(), PYTHONUNBUFFERED="1", PIP_PROGRESS_BAR="off")
    with open(str(log), "ab") as file:
        child = subprocess.Popen(
            [str(part) for part in command], cwd=str(ROOT), env=environment, stdout=file, stderr=subprocess.STDOUT
        )

    def tell():
        told = f"{time.monotonic() - begin:4.0f} s  {doing or progress(venv)}"
        print(f"\r{told:60}" if watched else told, end="" if watched else "\n", flush=True)

    status = ended(child, 1 if watched else 30, tell)
    if watched:
        print(f"\r{'':60}\r", end="", flush=True)
    return status


def progress(venv):
    """How far the packages are: pip names the lock's lines one by one, and then each gets a folder."""
    total = len((ROOT / "requirements.lock").read_text().splitlines())
    fetched = re.findall(r"requirements\.lock \(line (\d+)\)", said(venv))
    folders = [*venv.glob("lib/python*/site-packages/*.dist-info"), *venv.glob("Lib/site-packages/*.dist-info")]
    if len(folders) > 3:  # those that are there from the beginning
        return f"{min(len(folders), total)} of {total} packages installed"
    if fetched:
        return f"{max(map(int, fetched))} of {total} packages fetched"
    return "getting ready"


def log_of(venv):
    return ROOT / f"{venv.name}-setup.log"


def said(venv):
    """The log of a set-up, in letters that every terminal has."""
    return log_of(venv).read_bytes().decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")


def wheels():
    """Where `pack` puts the packages for this system and this Python; a stick may carry them for several."""
    name = f"{platform.system()}-{platform.machine()}-python{sys.version_info[0]}.{sys.version_info[1]}"
    return ROOT / "wheels" / name


def stamp(wanted="."):
    """What `installed` says when all of the lock is there, and this folder's package, with an extra or without."""
    lock = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    pins = "".join(f"{wanted}: {line}\n" for line in extras(wanted))
    return f"python {sys.version_info[0]}.{sys.version_info[1]}, requirements.lock {lock}\nin {ROOT}\n{pins}"


def extras(wanted):
    """What .venv-peers has besides the lock: the packages of an extra in pyproject.toml."""
    if "[" not in wanted:
        return []
    optional = project_file()["project"]["optional-dependencies"]
    return sorted(optional[wanted[wanted.index("[") + 1 : -1]])


def project_file():
    import tomllib  # Python 3.11 has it; the refusal must be readable for older ones

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def ready(venv, wanted="."):
    """Whether an environment is whole, and made for this folder."""
    mark = venv / "installed"
    return (venv / INSIDE).exists() and mark.exists() and mark.read_text(encoding="utf-8") == stamp(wanted)


def set_up(venv, wanted="."):
    """Make an environment, unless a whole one is there; half a one is never trusted."""
    if ready(venv, wanted):
        return
    with alone(venv):
        if not ready(venv, wanted):  # another call may have made it meanwhile
            make(venv, wanted)


@contextlib.contextmanager
def alone(venv):
    """Hold a lock, which ends with this program however that ends; wait where another holds it."""
    with open(str(ROOT / f"{venv.name}-setup.lock"), "a") as file:
        if not locked(file):
            print(f"Another call is making {venv.name}: this one waits for it.", flush=True)
            while not locked(file):
                time.sleep(0.5)
        yield


def locked(file):
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a network's disk that knows no locks
        pass
    return True


def make(venv, wanted):
    packed = wheels()
    packages = ["-r", "requirements.lock", "-e", wanted]
    if (packed / "requirements.lock").exists():  # the last that pack writes there
        packages += ["--no-index", "--find-links", packed]
    elif packed.parent.is_dir():
        others = ", ".join(path.name for path in sorted(packed.parent.iterdir()))
        print(f"wheels/ holds packages for {others}, none for {packed.name}: it goes over the network.")
    make_room(venv)
    log_of(venv).write_bytes(b"")
    print(
        f"Making {venv.name}: 2.4 GB of packages, a few minutes, this once (its log: {log_of(venv).name}).", flush=True
    )
    python = venv / INSIDE
    base = sys._base_executable  # not .venv's own Python, where that is the one that runs this
    if shutil.which("uv"):
        failed = logged(venv, "uv", "venv", "--allow-existing", "--python", base, venv) or logged(
            venv, "uv", "pip", "install", "--python", python, *packages
        )
    else:
        failed = logged(venv, base, "-m", "venv", venv) or logged(
            venv, python, "-m", "pip", "install", *packages, environment=configured(python)
        )
    if not failed:  # -I: from inside the environment alone, whatever pip has said
        imported = f"import {', '.join(IMPORTED)}"
        failed = logged(venv, python, "-I", "-c", imported, doing="importing them, the first time")
    if failed:
        lines = [line[:200] for line in said(venv).splitlines() if line.strip() and not line.startswith("[notice]")]
        print(*lines[-8:], sep="\n", file=sys.stderr)
        sys.exit(
            f"\n{venv.name} could not be made: {reason(said(venv), packed if packed in packages else None)}\n"
            f"All that was said is in {log_of(venv)}; the next call starts it afresh."
        )
    (venv / "installed").write_text(stamp(wanted), encoding="utf-8")


def make_room(venv):
    """An empty folder with this program's mark; what was there before goes, if it is the course's own."""
    if venv.is_symlink():
        sys.exit(
            f"{venv} is a link to {os.path.realpath(str(venv))}, which was not made for this folder.\n"
            "The course does not touch it. Remove the link (what is behind it stays), and call this again."
        )
    if venv.is_dir() and any(venv.iterdir()) and not (venv / "installed").exists():
        sys.exit(
            f"{venv} was not made by course.py, or by an early version of it.\nThe course does not touch it. If you "
            "need what is in it, rename it; if not, delete it; and call this again."
        )
    old = venv.with_name(venv.name + "-old")
    try:
        if old.exists():
            shutil.rmtree(str(old))
        if venv.exists():
            venv.rename(old)  # at once: what is deleted bit by bit, and interrupted, is half a one
            shutil.rmtree(str(old))
    except OSError as why:
        sys.exit(f"{venv} cannot be replaced ({why}): close JupyterLab and whatever else uses it, and try again")
    venv.mkdir()
    (venv / "installed").touch()


NETWORK = (
    "Failed to establish|NewConnectionError|[Nn]ame resolution|nodename nor servname|ProxyError|SSLError|[Cc]ertificate"
    "|timed out|Connection (refused|reset|aborted)|[Nn]etwork is unreachable|dns error|error sending request"
)
REASONS = (
    ("No space left|Errno 28|os error 28|not enough space on", "the disk is full; 5 GB are needed."),
    ("ensurepip is not available|No module named '?(ensurepip|venv)", "this Python cannot make environments.\n"
     "On Debian and Ubuntu: sudo apt install python3-venv; or install uv."),
    ("Permission denied|os error 13|WinError 5\\]|Read-only file system",
     "the place that is named above cannot be written."),
    ("from versions: (?!none)|there is no version of",
     "the version that is named above is not to be had where pip looks for it.\n"
     "TensorFlow has packages for 64-bit Linux, Windows and Apple silicon, and none for Intel Macs."),
    (NETWORK, "the network, or the package index, cannot be reached.\nBehind a proxy, set HTTPS_PROXY."),
    ("No matching distribution", "pip finds none of the packages that are named above."),
    ("DLL load failed", "a package does not load.\nInstall the Visual C++ Redistributable of Microsoft."),
    ("No module named", "packages were installed elsewhere, or not at all.\n"
     "uv's settings (uv.toml) can do that: set UV_NO_CONFIG=1 to call this without them."),
)  # fmt: skip


def reason(log, packed):
    """Why a set-up has failed, and what helps, from the end of its log."""
    if shutil.disk_usage(str(ROOT)).free < 2e8:
        return REASONS[0][1]
    end = "\n".join(log.splitlines()[-40:])
    found = next((text for pattern, text in REASONS if re.search(pattern, end)), "the reason stands above.")
    if packed and re.search("No matching distribution|No solution found|from versions", end):
        return f"a package is missing in {packed}\n(without that folder, it goes over the network)."
    return found
