"""course.py: the set-up that is whole or is made again, and the commands, on a toy project."""

import ast
import errno
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rights import open_to_all, somebody_else

import course
import course_setup
from advlib import data, environment

ROOT = Path(__file__).parents[1]
SOURCES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("course.py", "course_setup.py")}
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


# ------------------------------------------------------------------------------------------------ which Python
@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 13, 9)])
def test_a_suitable_python_is_accepted(version):
    course.refuse(version)


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0), (4, 0, 0)])
def test_another_python_is_refused_with_the_remedy(version):
    with pytest.raises(SystemExit) as refusal:
        course.refuse(version)
    assert f"this is {version[0]}.{version[1]}" in refusal.value.code
    assert "python3.11 course.py run" in refusal.value.code
    assert "py -3.11 course.py run" in refusal.value.code


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_an_old_python_can_read_the_refusal(source):
    ast.parse(source, feature_version=(3, 6))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_standard_library_only(source):
    imported = {
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names])
    }
    assert imported <= sys.stdlib_module_names | {"course_setup"}


# ------------------------------------------------------------------------------------------------ set-up
@pytest.fixture
def project(tmp_path, monkeypatch):
    """course.py on a folder of its own."""
    for module in (course, course_setup):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
        monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / course.INSIDE)
    monkeypatch.setattr(course_setup.shutil, "which", lambda name: None)
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\n")
    return tmp_path


@pytest.fixture
def calls(project, monkeypatch):
    """What the set-up calls; making the environment makes its Python, and the rest does nothing."""
    made = []

    def call(*command):
        made.append([str(part) for part in command])
        if "venv" in command:
            touch(command[-1] / course.INSIDE)
        return 0

    monkeypatch.setattr(course, "call", call)
    monkeypatch.setattr(course_setup, "logged", lambda venv, *command, **more: call(*command))
    monkeypatch.setattr(course_setup, "configured", lambda python: None)
    return made


def touch(file):
    file.parent.mkdir(parents=True)
    file.touch()


def set_up():
    course.set_up(course.VENV)


def imports(command):
    return command[1:3] == ["-I", "-c"] and "tensorflow" in command[3] and "advlib" in command[3]


def test_the_second_call_finds_it_ready(calls):
    set_up()
    assert calls[:2] == [
        [sys._base_executable, "-m", "venv", str(course.VENV)],
        [str(course.PYTHON), "-m", "pip", "install", "-r", "requirements.lock", "-e", "."],
    ]
    assert imports(calls[2])
    set_up()
    assert len(calls) == 3


def test_uv_is_used_where_there_is_one(calls, monkeypatch):
    monkeypatch.setattr(course_setup.shutil, "which", lambda name: name)
    set_up()
    assert [command[0] for command in calls] == ["uv", "uv", str(course.PYTHON)]
    assert calls[1][1:5] == ["pip", "install", "--python", str(course.PYTHON)]
    assert imports(calls[2])


@pytest.mark.parametrize("fault", ["pip", "-I"])  # pip says so; or it does not, and the packages are elsewhere
def test_half_an_environment_is_never_trusted(fault, calls, monkeypatch):
    whole = course_setup.logged
    monkeypatch.setattr(course_setup, "logged", lambda *command, **more: whole(*command) or fault in command)
    course_setup.log_of(course.VENV).write_text("what was said\n")
    with pytest.raises(SystemExit, match="starts it afresh"):
        set_up()
    assert course.PYTHON.exists()
    assert not course.ready(course.VENV)
    (course.VENV / "half a package").touch()
    monkeypatch.setattr(course_setup, "logged", whole)
    calls.clear()
    set_up()
    assert len(calls) == 3
    assert not (course.VENV / "half a package").exists()
    set_up()
    assert len(calls) == 3


def made_anew(calls):
    calls.clear()
    set_up()
    return len(calls) == 3


def test_another_lock_makes_it_anew(calls, project):
    set_up()
    (project / "requirements.lock").write_text("numpy==2.4.7\n")
    assert made_anew(calls)


def test_another_python_makes_it_anew(calls, monkeypatch):
    set_up()
    monkeypatch.setattr(course_setup.sys, "version_info", (3, 12 if sys.version_info[1] == 11 else 11, 0))
    assert made_anew(calls)


def test_another_place_makes_it_anew(calls, project, monkeypatch, tmp_path_factory):
    """Where a checkout was moved or copied, .venv still has the advlib of the old one."""
    set_up()
    moved = tmp_path_factory.mktemp("moved") / "course"
    shutil.copytree(project, moved)
    monkeypatch.setattr(course_setup, "ROOT", moved)
    monkeypatch.setattr(course, "VENV", moved / ".venv")
    assert made_anew(calls)
    assert not made_anew(calls)


def test_interrupted_while_it_is_replaced(calls, project, monkeypatch):
    set_up()
    lock = (project / "requirements.lock").read_text()
    (project / "requirements.lock").write_text("numpy==2.4.7\n")

    def interrupted(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(course_setup.shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            set_up()
    (project / "requirements.lock").write_text(lock)  # the old lock again, and an environment half deleted
    assert made_anew(calls)
    assert not (project / ".venv-old").exists()


def test_an_environment_in_use_is_named(calls, project, monkeypatch):
    set_up()
    (project / "requirements.lock").write_text("numpy==2.4.7\n")

    def in_use(folder):
        raise PermissionError("python.exe is in use")

    monkeypatch.setattr(course_setup.shutil, "rmtree", in_use)
    with pytest.raises(SystemExit, match="close JupyterLab"):
        set_up()


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few make links")
def test_a_link_into_another_checkout_is_left_alone(calls, project, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / ".venv"
    touch(other / course.INSIDE)
    text = course_setup.stamp().replace(str(project), str(other.parent))
    (other / "installed").write_text(text)
    course.VENV.symlink_to(other)
    with pytest.raises(SystemExit, match=rf"(?s)is a link to {re.escape(str(other))}.*Remove the link"):
        set_up()
    assert calls == []
    assert (other / "installed").read_text() == text
    course.VENV.unlink()
    set_up()
    assert course.ready(course.VENV)


@pytest.mark.parametrize("name", ["pyvenv.cfg", "thesis.tex"])
def test_an_environment_of_the_users_own_is_left_alone(name, calls):
    course.VENV.mkdir()
    (course.VENV / name).write_text("mine")
    with pytest.raises(SystemExit, match=r"(?s)was not made by course\.py.*rename it"):
        set_up()
    assert calls == []
    assert (course.VENV / name).read_text() == "mine"
    course.VENV.rename(course.VENV.with_name("mine"))
    set_up()
    assert course.ready(course.VENV)


def test_an_interrupted_set_up_is_known_as_the_courses_own(calls, monkeypatch):
    def interrupted(venv, *command):
        (venv / "half a package").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(course_setup, "logged", interrupted)
        with pytest.raises(KeyboardInterrupt):
            set_up()
    assert made_anew(calls)
    assert not (course.VENV / "half a package").exists()


SECOND = """
import sys
import course_setup
from pathlib import Path
course_setup.ROOT = Path(sys.argv[1])
venv = course_setup.ROOT / ".venv"
course_setup.ready = lambda *_: (venv / "whole").exists()
course_setup.make = lambda *_: print("made twice")
course_setup.set_up(venv)
print("went on")
"""


def test_of_two_first_set_ups_at_once_the_second_waits_for_the_first(project):
    (project / ".venv").mkdir()
    with course_setup.alone(project / ".venv"):
        second = subprocess.Popen(
            [sys.executable, "-u", "-c", SECOND, project], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert second.stdout.readline() == "Another call is making .venv: this one waits for it.\n"
        (project / ".venv" / "whole").touch()
    assert second.communicate(timeout=60)[0] == "went on\n"


def test_a_set_up_that_was_killed_holds_nobody_up(project):
    holding = "with course_setup.alone(venv): print('held'); sys.stdin.read()"
    first = subprocess.Popen(
        [sys.executable, "-u", "-c", SECOND.split("course_setup.ready")[0] + holding, project],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdout.readline() == "held\n"
    first.kill()
    first.wait()
    with course_setup.alone(project / ".venv"):
        pass


def test_packed_wheels_are_used_and_no_network(calls):
    course.wheels().mkdir(parents=True)  # half a folder, as an interrupted pack leaves it
    set_up()
    assert "--no-index" not in calls[1]
    (course.VENV / "installed").write_text("")
    calls.clear()
    (course.wheels() / "requirements.lock").touch()
    set_up()
    assert calls[1][-3:] == ["--no-index", "--find-links", str(course.wheels())]


def test_wheels_for_another_machine_are_named_and_left_alone(calls, project, capsys):
    (project / "wheels" / "Plan9-mips-python3.11").mkdir(parents=True)
    set_up()
    assert "--no-index" not in calls[1]
    assert f"for Plan9-mips-python3.11, none for {course.wheels().name}" in capsys.readouterr().out


CHATTER = """
import sys, time
print('Collecting everything é')
print('Collecting numpy==2.4.6 (from -r requirements.lock (line 1))')
time.sleep({seconds})
print('Done')
sys.exit(3)
"""


def chatter(seconds, project):
    """Run a program that prints as pip does; its status, and what stands in the log afterwards."""
    log = course_setup.log_of(course.VENV)
    log.write_text("before\n")
    status = course_setup.logged(course.VENV, sys.executable, "-X", "utf8", "-c", CHATTER.format(seconds=seconds))
    return status, log.read_text(encoding="utf-8")


def test_what_the_set_up_prints_goes_to_its_log(project, capfd):
    status, said = chatter(0, project)
    assert status == 3
    assert said.startswith("before\nCollecting everything é\n")
    assert said.endswith("\nDone\n")
    assert capfd.readouterr() == ("", "")


def test_on_a_terminal_one_line_says_how_far_the_set_up_is(project, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert chatter(2.5, project)[0] == 3
    said = capsys.readouterr().out
    assert " s  1 of 1 packages fetched" in said
    assert "Collecting" not in said
    assert "\n" not in said
    assert said.endswith(f"\r{'':60}\r"), "nothing of it is left"


def test_where_nobody_watches_the_set_up_tells_in_a_few_lines_how_far_it_is(project, capsys, monkeypatch):
    monkeypatch.setattr(course_setup, "ended", lambda child, seconds, tell: (child.wait(), tell(), seconds)[2])
    assert chatter(0, project)[0] == 30
    assert re.fullmatch(r" +\d s  1 of 1 packages fetched\n", capsys.readouterr().out)


def test_how_far_is_told_by_the_folders_too(project):
    (project / "requirements.lock").write_text("\n".join("abcdefgh"))
    course_setup.log_of(course.VENV).write_text("Collecting c (from -r requirements.lock (line 3))\n")
    assert course_setup.progress(course.VENV) == "3 of 8 packages fetched"
    for name in "abcde":
        (course.VENV / "lib" / "python3.11" / "site-packages" / f"{name}-1.dist-info").mkdir(parents=True)
    assert course_setup.progress(course.VENV) == "5 of 8 packages installed"


@pytest.mark.parametrize("uv", [True, False])
def test_a_set_up_that_fails_shows_the_end_of_its_log_and_names_it(uv, project, monkeypatch, capfd):
    failing = "for i in range(700): print('line', i)\nraise SystemExit('No matching distribution')"
    monkeypatch.setattr(course_setup.shutil, "which", lambda name: name if uv else None)
    logged = course_setup.logged

    def fails(venv, *command):
        assert command[0] == ("uv" if uv else sys._base_executable)
        return logged(venv, sys.executable, "-c", failing)

    monkeypatch.setattr(course_setup, "logged", fails)
    for _ in range(2):  # the second log is not behind the first
        with pytest.raises(SystemExit, match="starts it afresh") as ended:
            set_up()
    log = project / ".venv-setup.log"
    assert str(log) in ended.value.code
    assert log.read_text().count("line 0\n") == 1
    said = capfd.readouterr()
    assert f"(its log: {log.name})" in said.out
    assert "line 699\nNo matching distribution\n" in said.err
    assert "line 600\n" not in said.err


OFFLINE = "WARNING: Retrying (Retry(total=0)) after NewConnectionError('Failed to establish a new connection')\n"
NONE = (
    "ERROR: Could not find a version that satisfies x==1 (from versions: {})\nERROR: No matching distribution for x==1"
)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("error: failed to copy file\n  cause: No space left on device (os error 28)", "the disk is full"),
        (OFFLINE + NONE.format("none"), "the network, or the package index, cannot be reached"),
        ("error: Request failed\n  cause: dns error", "the network, or the package index, cannot be reached"),
        (OFFLINE + NONE.format("2, 3"), "the version that is named above is not to be had"),
        ("cause: Because there is no version of x==2 and you require it", "the version that is named above is not"),
        ("ERROR: [Errno 13] Permission denied: '/x/.venv/lib'", "cannot be written"),
        ("The virtual environment was not created: ensurepip is not available.", "apt install python3-venv"),
        ("ImportError: DLL load failed while importing _pywrap", "Visual C++"),
        ("ModuleNotFoundError: No module named 'numpy'", "installed elsewhere, or not at all"),
        ("Killed", "the reason stands above"),
    ],
)
def test_the_reason_that_a_set_up_failed_for_is_named_and_no_other(log, reason, project):
    told = course_setup.reason(f"Collecting x\n{log}\n", packed=None)
    assert reason in told
    assert ("network" in told) == ("network" in reason)


def test_a_full_disk_is_the_reason_even_where_the_log_had_no_room_for_it(project, monkeypatch):
    monkeypatch.setattr(course_setup.shutil, "disk_usage", lambda path: SimpleNamespace(free=4096))
    assert "the disk is full" in course_setup.reason("", packed=None)


def test_a_package_that_the_stick_lacks_is_not_blamed_on_the_network(project):
    told = course_setup.reason(NONE.format("none"), packed=project / "wheels")
    assert f"a package is missing in {project / 'wheels'}" in told


# ------------------------------------------------------------------------------------------------ a set-up for real
@pytest.fixture
def small(project, monkeypatch):
    """A course of one small package, with its index, set up by pip."""
    monkeypatch.setattr(course_setup, "IMPORTED", ("tiny", "toycourse"))
    (project / "index").mkdir()
    for name, source in {"tiny": "answer = 42", "toybackend": BACKEND, "editables": ""}.items():
        wheel(project / "index", name, source)
    (project / "toycourse.py").touch()
    (project / "requirements.lock").write_text("tiny==1.0\n")
    (project / "pyproject.toml").write_text(TOY)
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    return project


def configure(small, monkeypatch, more):
    """The user's pip finds packages in a folder of theirs, and does more."""
    file = small / "pip.conf"
    file.write_text(f"[global]\nno-index = true\nfind-links = {small / 'index'}\n{more}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))


@pytest.mark.parametrize("where", ["environment variables", "a configuration file"])
def test_packages_are_put_into_the_environment_wherever_the_user_has_others(where, small, monkeypatch):
    """And they come from where the user's pip finds them."""
    elsewhere, more = small / "elsewhere", ""
    with zipfile.ZipFile(small / "index" / "tiny-1.0-py3-none-any.whl") as file:
        file.extractall(elsewhere)  # "Requirement already satisfied", where pip sees it
    monkeypatch.setenv("PYTHONUSERBASE", str(small / "user"))
    if where == "environment variables":
        settings = {"PIP_USER": 1, "PIP_PREFIX": elsewhere, "PIP_TARGET": elsewhere, "PYTHONPATH": elsewhere}
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
    else:
        more = f"target = {elsewhere}\n[install]\nuser = true\nprefix = {elsewhere}\nroot = {elsewhere}"
    configure(small, monkeypatch, more)
    set_up()
    found = subprocess.run(
        [course.PYTHON, "-I", "-c", "import tiny; print(tiny.__file__)"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    assert Path(found.strip()).is_relative_to(small / ".venv")
    assert not (small / "user").exists()
    assert course.ready(course.VENV)


def test_what_pip_calls_installed_and_cannot_be_imported_is_not_trusted(small, monkeypatch, capfd):
    configure(small, monkeypatch, "")
    monkeypatch.setattr(course_setup, "IMPORTED", ("tiny", "elsewhere"))
    with pytest.raises(SystemExit, match="installed elsewhere, or not at all"):
        set_up()
    assert not course.ready(course.VENV)
    said = capfd.readouterr().err
    assert "Successfully installed" in said
    assert "No module named 'elsewhere'" in said


def test_programs_do_not_see_other_packages(tmp_path, monkeypatch, capfd):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "program.py").write_text("import numpy; print(numpy.pi)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "sub").mkdir()
    (tmp_path / "program.py").rename(tmp_path / "sub" / "program.py")
    assert course.call(sys.executable, tmp_path / "sub" / "program.py") == 0
    assert "3.14" in capfd.readouterr().out


def test_what_says_where_packages_come_from_stays(monkeypatch):
    kept = {
        "PIP_INDEX_URL": "https://a.b/", "PIP_PROXY": "http://c.d", "PIP_CERT": "/e", "PIP_TRUSTED_HOST": "f",
        "UV_DEFAULT_INDEX": "https://a.b/", "UV_INDEX_OURS_PASSWORD": "g", "HTTPS_PROXY": "http://c.d",
        "ADVLIB_SCALE": "workshop", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    lost = {
        "PIP_USER": "1", "PIP_PREFIX": "/h", "PIP_TARGET": "/h", "PIP_ROOT": "/h", "PIP_NO_DEPS": "1",
        "UV_PYTHON": "/h", "UV_SYSTEM_PYTHON": "1", "PYTHONPATH": "/h", "PYTHONHOME": "/h", "PYTHONUSERBASE": "/h",
    }  # fmt: skip
    for name, value in (kept | lost).items():
        monkeypatch.setenv(name, value)
    clean = course_setup.clean()
    assert kept.items() <= clean.items()
    assert clean["PYTHONIOENCODING"] == "utf-8"  # Windows' own has no ε
    assert not lost.keys() & clean.keys()


def test_a_folder_means_what_it_meant_where_it_was_set(monkeypatch, tmp_path):
    """Programs run in the course's folder and kernels in notebooks/."""
    monkeypatch.chdir(tmp_path)
    for asked, meant in (("mine", tmp_path / "mine"), (str(tmp_path), tmp_path), ("", None)):
        monkeypatch.setenv("ADVLIB_DATA", asked)
        monkeypatch.setenv("ADVLIB_WEIGHTS", asked)
        clean = course_setup.clean()
        assert clean["ADVLIB_DATA"] == clean["ADVLIB_WEIGHTS"] == (str(meant) if meant else "")


# ------------------------------------------------------------------------------------------------ commands
def test_no_argument_says_what_it_can_do(capsys):
    assert course.main([]) == 0
    said = capsys.readouterr().out
    assert all(f"course.py {name}" in said for name in course.COMMANDS)


def test_an_unknown_command_is_an_error(capsys):
    assert course.main(["tset"]) == 2
    assert "no command 'tset'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["run", "--help"], ["lab", "-h"], ["test", "--help"], ["--help"]])
def test_help_runs_nothing(arguments, calls, capsys):
    assert course.main(arguments) == 0
    assert calls == []
    assert "course.py run" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["run", "--fast"], ["slides", "03"], ["student", "-x"], ["check", "all"], ["paper", "1"], ["pack", "--x"],
     ["pack", "a", "b"]],
)  # fmt: skip
def test_what_a_command_does_not_know_is_refused(arguments, calls, capsys):
    assert course.main(arguments) == 2
    assert calls == []
    assert f"{arguments[0]} does not take {' '.join(arguments[1:])}" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["lab"], ["run"], ["student"], ["test"]])
def test_a_folder_that_cannot_be_written_is_named(arguments, monkeypatch, capsys):
    with open_to_all() as folder:
        for module in (course, course_setup):
            monkeypatch.setattr(module, "ROOT", folder)
        monkeypatch.setattr(course, "VENV", folder / ".venv")
        (folder / "requirements.lock").touch()
        (folder / "site").mkdir()
        (folder / "notebooks").mkdir()
        if arguments in (["run"], ["student"]):
            monkeypatch.setattr(course, "set_up", lambda venv: None)
        folder.chmod(0o555)
        (folder / "site").chmod(0o555)
        with somebody_else():
            assert course.main(arguments) == 1
        said = capsys.readouterr().err
        assert re.match(rf"course\.py {arguments[0]}: {folder}/\S+ cannot be used \(Permission denied\): give", said)


def test_a_full_disk_is_named(project, monkeypatch, capsys):
    def full(venv):
        raise OSError(errno.ENOSPC, "No space left on device", str(project / "file"))

    monkeypatch.setattr(course, "set_up", full)
    assert course.main(["lab"]) == 1
    assert (
        capsys.readouterr().err
        == f"course.py lab: the disk is full ({project / 'file'}): make room, and call this again\n"
    )


@pytest.fixture
def toy(project, monkeypatch):
    """A project with this one's pages and three small notebooks, run by the Python that runs this test."""
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(course, "set_up", lambda venv: None)
    left = shutil.ignore_patterns("html", "pages", "__pycache__", "live.md")
    shutil.copytree(ROOT / "site", project / "site", ignore=left)
    index = (ROOT / "site" / "index.md").read_text(encoding="utf-8")
    (project / "site" / "index.md").write_text("# A toy\n\n" + index[index.index("```{toctree}") :], encoding="utf-8")
    (project / "notebooks" / "in_depth").mkdir(parents=True)
    (project / "data" / "results").mkdir(parents=True)
    (project / "data" / "results" / "run.json").write_text('{"date": "2026-11-25"}')  # the front page tells the last
    for name in ("glossary.md", "references.md"):
        shutil.copy(ROOT / "notebooks" / name, project / "notebooks")
    write(project, "00_a", "# First?\n\nThen [the second](01_b.ipynb).", "print(6 * 7)")
    write(project, "01_b", "# Second?\n\nSee [Goodfellow](references.md#goodfellow-2015).", "import os", "print(8 * 8)")
    write(
        project,
        "in_depth/01_proof",
        "# Third?\n\nFor [the second](../01_b.ipynb), a [seed](../glossary.md#seed).",
        "print(9 * 9)",
    )
    return project


def write(project, name, text, *sources):
    cells = [new_markdown_cell(text), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), project / "notebooks" / f"{name}.ipynb")


def test_run_writes_the_pages_runs_again_only_what_changed_and_refuses_a_broken_link(toy, capfd):
    assert course.main(["run"]) == 0
    html = toy / "site" / "html"
    assert f"Open {(html / 'index.html').as_uri()}" in capfd.readouterr().out
    assert ">42\n" in (html / "00_a.html").read_text(encoding="utf-8")
    assert ">64\n" in (html / "01_b.html").read_text(encoding="utf-8")
    assert ">81\n" in (html / "in_depth" / "01_proof.html").read_text(encoding="utf-8")

    gone, searched = html / "in_depth" / "00_gone.html", html / "search.html"
    gone.write_text("the page of a notebook that is no more", encoding="utf-8")
    assert course.main(["run"]) == 0
    assert searched.exists()
    assert not gone.exists()
    capfd.readouterr()

    assert course.main(["slides"]) == 0
    assert "00_a.ipynb  unchanged" in capfd.readouterr().out
    index = (toy / "_slides" / "index.html").read_text(encoding="utf-8")
    assert 'href="01_b.html">1 · Second?<' in index
    assert "Third?" not in index  # for a room, only the lessons

    write(toy, "01_b", "# Second?\n\n[nowhere](references.md#nobody)", "print(9 * 9)")
    assert course.main(["run"]) == 1
    said = capfd.readouterr()
    assert "00_a.ipynb  unchanged" in said.out
    assert "01_b.ipynb  unchanged" not in said.out
    assert "nobody" in said.err
    assert "pages are written" not in said.out

    assert course.main(["run"]) == 1
    assert "nobody" in capfd.readouterr().err, "it is no better the second time"


def test_every_thing_that_decides_a_notebooks_outputs_makes_it_run_again(toy, monkeypatch):
    monkeypatch.syspath_prepend(toy / "site")  # where its neighbours are
    spec = importlib.util.spec_from_file_location("execute", toy / "site" / "execute.py")
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    for name in ("ADVLIB_DATASET", "ADVLIB_SCALE"):
        monkeypatch.delenv(name, raising=False)
    notebook = toy / "notebooks" / "00_a.ipynb"
    keys = [execute.came_from(notebook)]
    assert execute.came_from(notebook) == keys[0]
    for path in ("advlib/data.py", "data/weights/a.npz", "data/results/a.json", "requirements.lock"):
        (toy / path).parent.mkdir(parents=True, exist_ok=True)
        (toy / path).write_text("new")
        keys.append(execute.came_from(notebook))
    for name, value in (("ADVLIB_DATASET", "digits"), ("ADVLIB_SCALE", "paper")):
        monkeypatch.setenv(name, value)
        keys.append(execute.came_from(notebook))
    write(toy, "00_a", "# First?", "print(1)")
    keys.append(execute.came_from(notebook))
    assert len(set(keys)) == len(keys) == 8


def test_a_failing_notebook_stops_the_run_with_its_name_and_cell(toy, capfd, monkeypatch):
    monkeypatch.setenv("ADVLIB_DATASET", "digits")
    write(toy, "01_b", "# Second?", "x = 1", "# here\nprint(undefined)")
    write(toy, "02_c", "# Third?", "open('ran', 'w')")
    assert course.main(["run"]) == 1
    said = capfd.readouterr()
    assert "01_b.ipynb failed in its code cell [2]:\n\n# here\nprint(undefined)" in said.err
    assert "NameError" in said.err
    assert not (toy / "notebooks" / "ran").exists()
    assert "pages are written" not in said.out
    assert "On the offline digits, not on MNIST" in said.out


def test_a_notebook_that_takes_longer_than_it_tells_is_named(toy, capfd):
    for name, told in (("00_a", 0), ("01_b", 9)):
        path = toy / "notebooks" / f"{name}.ipynb"
        nb = nbformat.read(path, 4)
        nb.cells.insert(1, new_markdown_cell(f"**Minutes** 1 to read, {told} to run, 0 for the exercises."))
        nbformat.write(nb, path)
    assert course.main(["run"]) == 0
    told = [line for line in capfd.readouterr().out.splitlines() if "longer than" in line]
    assert len(told) == 1
    assert told[0].startswith("00_a.ipynb")
    assert told[0].endswith("longer than the 0 min its card tells")


PEERS = '[project.optional-dependencies]\npeers = ["foolbox=={version}", "cleverhans==4.0.0"]\n'


@pytest.fixture
def peers(calls, project, monkeypatch):
    (project / "pyproject.toml").write_text(PEERS.format(version="3.3.4"))
    return calls


def test_the_peers_get_an_environment_of_their_own(peers, calls, project):
    assert course.main(["bench", "limit"]) == 0
    python = str(project / ".venv-peers" / course.INSIDE)
    assert calls[1][:4] == [python, "-m", "pip", "install"]
    assert calls[1][-4:] == ["-r", "requirements.lock", "-e", ".[peers]"]
    assert calls[3:] == [[python, "benchmarks/bench.py", "limit"]]
    assert not (project / ".venv").exists()


def test_other_peers_make_their_environment_anew(peers, project):
    def again():
        peers.clear()
        course.main(["bench"])
        return len(peers) == 4

    file = project / "pyproject.toml"
    assert again()
    assert not again()
    file.write_text(file.read_text() + "[tool.other]\n")
    assert not again(), "nothing that is installed has changed"
    file.write_text(PEERS.format(version="3.3.5"))
    assert again()
    assert not again()


def test_other_peers_are_nothing_to_the_course(peers, project):
    set_up()
    (project / "pyproject.toml").write_text(PEERS.format(version="3.3.5"))
    set_up()
    assert len(peers) == 3


def test_colab_gives_every_notebook_its_link(toy, capfd):
    shutil.rmtree(toy / "notebooks")
    shutil.copytree(ROOT / "notebooks", toy / "notebooks")
    assert course.main(["colab", "somewhere"]) == 1
    assert "found 'somewhere'" in capfd.readouterr().err
    assert course.main(["colab", "https://github.com/someone/course"]) == 0
    for path in course.notebooks():
        cells = nbformat.read(path, 4).cells
        place = path.relative_to(toy).as_posix()
        assert f"/github/someone/course/blob/colab/{place})" in cells[1].source
        assert cells[2].metadata["tags"] == ["colab", "remove-cell"]


def test_a_kernel_that_dies_stops_the_run_with_name_and_cell(toy, capfd):
    (toy / "notebooks" / "00_a.ipynb").unlink()
    write(toy, "01_b", "# Second?", "import os\nos._exit(1)")
    assert course.main(["run"]) == 1
    assert "01_b.ipynb failed in its code cell [1]" in capfd.readouterr().err


def test_paper_trains_and_then_runs_everything_at_that_scale(toy, capfd, monkeypatch):
    monkeypatch.setenv("ADVLIB_SCALE", "workshop")  # put back afterwards
    (toy / "advlib").mkdir()
    (toy / "advlib" / "__init__.py").touch()
    (toy / "advlib" / "shipped.py").write_text("print('trained')\n")
    write(toy, "01_b", "# Second?", "import os\nopen('scale', 'w').write(os.environ['ADVLIB_SCALE'])")
    assert course.main(["paper"]) == 0
    said = capfd.readouterr().out
    order = [said.find(word) for word in ("trained", "01_proof.ipynb  ", "00_a.ipynb  ", "01_b.ipynb  ")]
    assert order == sorted(order)
    assert "trained" in said
    assert (toy / "notebooks" / "scale").read_text() == "paper"
    assert not (toy / "site" / "pages").exists()

    times = toy / "benchmarks" / "results.json"
    assert times.exists() == data.load("mnist").published
    if times.exists():
        told = json.loads(times.read_text())["paper"]
        assert [row["notebook"] for row in told["measured"]] == ["01_proof", "00_a", "01_b"]
        assert {"cpu", "cores", "date"} <= told.keys()
        times.write_text("{}")
    assert course.main(["paper"]) == 0
    assert capfd.readouterr().out.count("  unchanged") == 3
    assert not times.exists() or times.read_text() == "{}", "nothing was timed"


def test_student_leaves_solutions_and_answers_out_and_keeps_what_was_worked_on(project, capsys):
    shutil.copytree(ROOT / "notebooks", project / "notebooks", dirs_exist_ok=True)
    write(project, "98_toy", "# Toy?", "answer = 42")
    toy = project / "notebooks" / "98_toy.ipynb"
    nb = json.loads(toy.read_text(encoding="utf-8"))
    nb["cells"][1]["metadata"]["tags"] = ["hide-cell", "solution"]
    nb["cells"].append(dict(nb["cells"][1], id="stub", source="answer = ...", metadata={"tags": ["stub"]}))
    toy.write_text(json.dumps(nb), encoding="utf-8")

    assert course.main(["student"]) == 0
    assert course.notebooks()
    for path in course.notebooks():
        full = nbformat.read(path, 4).cells
        left = nbformat.read(course.within(project / "_student", path), 4).cells
        full = [cell for cell in full if "solution" not in cell.metadata.get("tags", [])]
        assert [(cell.id, cell.source, cell.metadata) for cell in left] == [
            (cell.id, cell.source, cell.metadata) for cell in full
        ]
        assert not any(cell.get("outputs") for cell in left)
    copy = project / "_student" / "98_toy.ipynb"
    assert "answer = 42" not in copy.read_text(encoding="utf-8")

    copy.write_text(copy.read_text(encoding="utf-8").replace("answer = ...", "answer = 6 * 7"), encoding="utf-8")
    capsys.readouterr()
    assert course.main(["student"]) == 0
    said = capsys.readouterr().out
    assert "98_toy.ipynb  kept as it is" in said
    assert said.count("kept") == 1
    assert "answer = 6 * 7" in copy.read_text(encoding="utf-8")

    toy.write_text("<<<<<<< HEAD", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"98_toy\.ipynb is damaged"):
        course.main(["student"])


@pytest.mark.parametrize("lost", [Path.unlink, Path.touch, lambda path: path.write_bytes(bytes(99))])
def test_a_copy_without_a_whole_record_counts_as_worked_on(lost, toy, capsys):
    """From before it was kept, or as a power cut leaves it."""
    course.main(["student"])
    record = toy / "_student" / ".written.json"
    record.write_bytes(b"")
    lost(record)
    write(toy, "01_b", "# Second?", "print('the new version')")
    old = (toy / "_student" / "01_b.ipynb").read_text()
    capsys.readouterr()
    course.main(["student"])
    assert "01_b.ipynb  kept as you left it" in capsys.readouterr().out
    assert (toy / "_student" / "01_b.ipynb").read_text() == old


def test_test_passes_its_arguments_and_pytests_status_on(toy, monkeypatch):
    (toy / "test_toy.py").write_text("def test_a(): pass\n\ndef test_b(): assert False\n")
    assert course.main(["test", "-q", "-k", "test_a"]) == 0
    assert course.main(["test", "-q"]) == 1


@pytest.fixture
def started(toy, monkeypatch):
    """What lab starts, of a toy whose first notebook has the name of the course's."""
    (toy / "notebooks" / "00_a.ipynb").rename(toy / "notebooks" / "00_start_here.ipynb")
    started = []
    monkeypatch.setattr(course, "call", lambda *command: started.append([str(part) for part in command]) or 0)
    return started


def test_lab_opens_the_first_of_the_learners_copies_unless_another_folder_is_named(started, toy, capsys):
    (toy / "other").mkdir()
    for arguments, opened, first in (
        ([], "_student", True),
        (["--no-browser"], "_student", True),
        (["notebooks"], "notebooks", True),
        (["_student/in_depth/01_proof.ipynb"], "_student/in_depth/01_proof.ipynb", False),
        (["other", "--port", "9999"], "other", False),
    ):
        assert course.main(["lab", *arguments]) == 0
        assert started[-1][-1] == str(toy / opened)
        assert ("--LabApp.default_url=/lab/tree/00_start_here.ipynb" in started[-1]) == first
        assert started[-1][1:4] == ["-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
        said = capsys.readouterr().out
        assert "Ctrl-C" in said
        assert ("with the solutions" in said) == (arguments == ["notebooks"])
    assert started[1][-2] == "--no-browser"
    assert started[-1][-3:-1] == ["--port", "9999"]
    assert not any("token" in part.lower() for command in started for part in command)


def test_lab_names_a_folder_that_is_not_there(started, capsys):
    assert course.main(["lab", "nosuchfolder"]) == 2
    assert capsys.readouterr().err == "course.py lab: there is no folder nosuchfolder\n"
    assert started == []


def test_lab_tells_in_one_line_of_copies_that_the_course_has_outrun(started, toy, capsys):
    course.main(["lab"])
    copy = toy / "_student" / "01_b.ipynb"
    copy.write_text(mine := copy.read_text().replace("8 * 8", "8 * 9"))
    capsys.readouterr()
    course.main(["lab"])
    assert "01_b" not in capsys.readouterr().out, "there is nothing new to have"
    opened = toy / "_student" / "00_start_here.ipynb"
    nb = nbformat.read(opened, 4)
    nb.cells[1].outputs, nb.metadata["language_info"] = [new_output("stream", text="42\n")], {"version": "3.11.7"}
    nbformat.write(nb, opened)  # and run, and nothing typed into it
    course.main(["lab"])
    assert nbformat.read(opened, 4).cells[1].outputs, "what was run stays"
    write(toy, "01_b", "# Second?", "print('the new version')")
    write(toy, "00_start_here", "# First?", "print('the new version')")
    capsys.readouterr()
    course.main(["lab"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "new version" in line]
    assert line.startswith("01_b.ipynb: kept as you left it")
    assert copy.read_text() == mine
    assert "the new version" in opened.read_text(), "nobody had worked on it"


LAB = """
import sys
from pathlib import Path
import course
course.ROOT, course.VENV, course.PYTHON = Path(sys.argv[1]), Path(sys.argv[1]) / ".venv", Path(sys.executable)
course.set_up = lambda venv: None
sys.exit(course.main(["lab", *sys.argv[2:], "--no-browser", "--allow-root"]))
"""


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
@pytest.mark.parametrize("folder", [[], ["notebooks"]], ids=["copies", "notebooks"])
def test_jupyterlab_gets_the_courses_settings_and_says_its_address_and_no_more(folder, toy, monkeypatch):
    """And it writes nothing to the user's own configuration."""
    (toy / "notebooks" / "00_a.ipynb").rename(toy / "notebooks" / "00_start_here.ipynb")
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(toy / "user" / name))
    server = subprocess.Popen(
        [sys.executable, "-u", "-c", LAB, toy, *folder],
        cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = []
    try:
        for line in server.stdout:
            said.append(line.strip())
            if said[-1].startswith("http"):
                break
        address, token = said[-1].split("?")
        page = asked(f"{address}?{token}")
        plugin = f"{address.split('/lab/')[0]}/lab/api/settings/@jupyterlab/docmanager-extension:plugin?{token}"
        saves = json.loads(asked(plugin))["schema"]["properties"]["autosave"]["default"]
    finally:
        os.killpg(server.pid, signal.SIGINT)
        said += server.communicate(timeout=60)[0].split()
    assert address.endswith("/lab/tree/00_start_here.ipynb")
    assert "@jupyterlab/apputils-extension:announcements" in re.search(r'"disabledExtensions": \[[^]]*\]', page)[0]
    assert saves is (folder == [])
    assert [line for line in said if line.startswith("[")] == [said[2]], "one message"
    assert len([line for line in said if line]) <= 8
    assert not (toy / "user" / "CONFIG").exists() or not list((toy / "user" / "CONFIG").rglob("*setting*"))


def asked(address):
    """What a server answers that has said its address, and is about to listen."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 60
    while True:
        try:
            return direct.open(address, timeout=60).read().decode()
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.2)


def test_check_says_what_is_missing_and_changes_nothing(project, capsys, monkeypatch):
    monkeypatch.setattr(course.sys, "version_info", (3, 10, 1))
    assert course.main(["check"]) == 1
    said = capsys.readouterr().out
    assert "[FAIL] Python 3.10.1: install Python 3.11" in said
    assert "[FAIL] .venv with the locked packages: not made yet" in said
    assert "GB of disk free" in said
    assert [path.name for path in project.iterdir()] == ["requirements.lock"]


@pytest.mark.parametrize("inside", [0, 2, -4, 3221225477])
@pytest.mark.parametrize("free", [4e9, 1e8])
def test_check_looks_from_inside_too_and_ends_in_one_verdict(free, inside, calls, capsys, monkeypatch):
    set_up()
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    monkeypatch.setattr(course, "call", lambda *command: calls.append(command) or inside)
    failed = (free < 1e9) + {0: 0, 2: 2}.get(inside, 1)  # the others: it crashed, on Linux and on Windows
    assert course.main(["check"]) == (failed > 0)
    assert calls[-1] == (course.PYTHON, "site/check.py")
    lines = capsys.readouterr().out.splitlines()
    assert ("[FAIL] 0 GB of disk free: 1 GB are needed" in "\n".join(lines)) == (free < 1e9)
    assert lines[-1].startswith(f"{failed} to mend" if failed else "This machine is ready")
    assert all(line.startswith(("[OK] ", "[FAIL] ")) for line in lines[-4:-1])


@pytest.fixture
def check():
    """The part of it that runs inside .venv."""
    spec = importlib.util.spec_from_file_location("check", ROOT / "site" / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_check_starts_a_kernel(check):
    assert check.kernel()[0]


def test_check_gives_a_remedy_for_each_thing_that_fails(check, capsys, monkeypatch):
    def fails(*arguments, **options):
        raise RuntimeError("Kernel died")

    def blocked():
        raise check.webbrowser.Error

    monkeypatch.setattr(check, "start_new_kernel", fails)
    monkeypatch.setattr(check.webbrowser, "get", blocked)
    monkeypatch.setattr(check.sys, "executable", shutil.which("false") or "where")  # a JupyterLab that ends at once
    monkeypatch.setattr(check.psutil, "virtual_memory", lambda: SimpleNamespace(total=2**31))
    monkeypatch.setitem(sys.modules, "advlib.backend", None)
    monkeypatch.setattr(environment, "look", lambda: [(True, "numpy 2.4.6"), (False, "scipy is missing: mend it")])
    assert check.main() == 6
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("[FAIL] ") and ": " in line for line in lines[:5])
    assert "2.0 GiB" in lines[0]
    assert "Kernel died" in lines[2]
    assert "Visual C++" in lines[4]
    assert lines[5:] == ["[OK] numpy 2.4.6", "[FAIL] scipy is missing: mend it"], "it goes on: there may be the reason"


def wheel(folder, name, source):
    """A package of one module, as the index would give it."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", source)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


TOY = """
[project]
name = "toycourse"
version = "1.0"
[build-system]
requires = ["toybackend==1.0"]
build-backend = "toybackend"
"""
BACKEND = """
import os, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    import editables
    with zipfile.ZipFile(os.path.join(folder, "toycourse-1.0-py3-none-any.whl"), "w") as file:
        info = "toycourse-1.0.dist-info/"
        file.writestr("toycourse.pth", os.getcwd())
        file.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: toycourse\\nVersion: 1.0\\n")
        file.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr(info + "RECORD", "")
    return "toycourse-1.0-py3-none-any.whl"
def get_requires_for_build_editable(config_settings=None):
    return ["editables"]
"""


def test_what_pack_writes_sets_another_machine_up_without_a_network(toy, tmp_path_factory, monkeypatch, capfd):
    index, stick = tmp_path_factory.mktemp("index"), tmp_path_factory.mktemp("stick")
    for name, source in {"tiny": "answer = 42", "toybackend": BACKEND, "editables": ""}.items():
        wheel(index, name, source)
    for name, source in SOURCES.items():
        (toy / name).write_text(source, encoding="utf-8")
    (toy / "requirements.lock").write_text("tiny==1.0\n")
    (toy / "pyproject.toml").write_text(TOY)
    (toy / "advlib").mkdir()
    (toy / "advlib" / "__init__.py").touch()
    (toy / "advlib" / "data.py").write_text("find = {'mnist.npz': 'elsewhere.npz'}.get\n")
    (toy / "elsewhere.npz").write_text("MNIST")
    (toy / ".gitignore").write_text("elsewhere.npz\n.venv\nsite/html\n")
    (toy / "site" / "html").mkdir()
    (toy / "site" / "html" / "index.html").write_text("a page")
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=toy, check=True)
    with monkeypatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(index))
        assert course.main(["pack", str(stick)]) == 0
        (toy / "notebooks" / "01_b.ipynb").rename(toy / "notebooks" / "01_c.ipynb")
        subprocess.run(["git", "add", "-A"], cwd=toy, check=True)
        (stick / "common-noise" / "notebooks" / "mine.ipynb").touch()
        assert course.main(["pack", str(stick)]) == 0
    said = capfd.readouterr().out
    assert "_slides is not here and is not packed" in said
    assert "The traffic signs are not here and not packed" in said
    assert "site/html is not here" not in said
    assert said.count("Saved ") == 3  # the second time nothing was fetched

    packed = stick / "common-noise"
    assert (packed / "data" / "mnist.npz").read_text() == "MNIST"
    assert {path.name for path in (packed / "notebooks").glob("*.ipynb")} == {
        *(path.name for path in (toy / "notebooks").glob("*.ipynb")), "mine.ipynb"
    }  # fmt: skip
    assert (packed / "site" / "html" / "index.html").read_text() == "a page"
    assert not (packed / "elsewhere.npz").exists()
    without_uv = "import course_setup as s; s.shutil.which = lambda name: None; s.IMPORTED = ['tiny']; s.set_up(s.VENV)"
    without_network = os.environ | {"PIP_INDEX_URL": "http://127.0.0.1:9/"}
    subprocess.run([sys.executable, "-c", without_uv], cwd=packed, env=without_network, check=True)
    inside = packed / ".venv" / course.INSIDE
    command = [inside, "-c", "import course, tiny; print(tiny.answer, course.ready(course.VENV))"]
    assert subprocess.run(command, cwd=stick, stdout=subprocess.PIPE, check=True).stdout.split() == [b"42", b"True"]


def test_pack_without_git_says_so(toy, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="pack needs git"):
        course.main(["pack", str(toy / "stick")])


CTRL_C = """
import os, signal, sys
import course
os.setpgrp()
course.refuse = lambda version: None
course.set_up = lambda venv: None
course.COMMANDS["test"] = lambda more: course.call(sys.executable, sys.argv[1])
sys.exit(course.main(["test"]))
"""
ENDS_IN_ITS_OWN_WAY = """
signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.5), print("tidied up", flush=True), sys.exit({status})))
os.killpg(0, signal.SIGINT)
time.sleep(60)
"""
DOES_NOT_THINK_OF_IT = """
os.killpg(0, signal.SIGINT)
time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
@pytest.mark.parametrize(
    ("program", "status"),
    [
        (ENDS_IN_ITS_OWN_WAY.format(status=7), 130),
        (ENDS_IN_ITS_OWN_WAY.format(status=0), 0),
        (DOES_NOT_THINK_OF_IT, 130),
    ],
)
def test_ctrl_c_is_left_to_the_program_and_then_ends_this_one_without_a_traceback(program, status, tmp_path):
    file = tmp_path / "program.py"
    file.write_text("import os, signal, sys, time\n" + program)
    done = subprocess.run([sys.executable, "-c", CTRL_C, file], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stdout == ("tidied up\n" if "tidied" in program else "")
    assert done.stderr == ("\ninterrupted\n" if status else "")


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_ctrl_c_in_a_notebook_ends_it_without_a_traceback(toy):
    """And leaves no kernel behind, and no page."""
    write(toy, "01_b", "# Second?", "import os, time\nopen('kernel', 'w').write(str(os.getpid()))\ntime.sleep(600)")
    running = subprocess.Popen(
        [sys.executable, "-c", course_setup.QUIET, "site/execute.py", "out", *map(str, course.lessons())],
        cwd=toy, env=os.environ | {"ADVLIB_DATASET": "digits"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    file = toy / "notebooks" / "kernel"
    until(lambda: file.exists() and file.read_text())
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, "")
    assert out.endswith("\n01_b.ipynb  \n")
    assert not alive(int(file.read_text()))
    assert [path.name for path in (toy / "out").iterdir()] == ["00_a.ipynb"]


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
