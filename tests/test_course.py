"""course.py: the set-up that is whole or is made again, and the commands, on a toy project."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import course

ROOT = Path(__file__).parents[1]
SOURCE = (ROOT / "course.py").read_text(encoding="utf-8")
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


def test_an_old_python_can_read_the_refusal():
    ast.parse(SOURCE, feature_version=(3, 6))


def test_standard_library_only():
    imported = {
        name
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names])
    }
    assert imported <= sys.stdlib_module_names


# ------------------------------------------------------------------------------------------------ set-up
@pytest.fixture
def project(tmp_path, monkeypatch):
    """course.py on a folder of its own."""
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "PYTHON", tmp_path / ".venv" / "python")
    monkeypatch.setattr(course.shutil, "which", lambda name: None)
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\n")
    return tmp_path


@pytest.fixture
def calls(project, monkeypatch):
    """What the set-up calls; making the environment makes its Python, and the rest does nothing."""
    made = []

    def call(*command):
        made.append([str(part) for part in command])
        if "venv" in command:
            assert not course.VENV.exists()
            course.VENV.mkdir()
            course.PYTHON.touch()
        return 0

    monkeypatch.setattr(course, "call", call)
    monkeypatch.setattr(course, "logged", lambda log, *command: call(*command))
    return made


def test_the_second_call_finds_it_ready(calls):
    course.set_up()
    assert calls == [
        [sys._base_executable, "-m", "venv", str(course.VENV)],
        [str(course.PYTHON), "-m", "pip", "install", "-r", "requirements.lock", "-e", "."],
    ]
    course.set_up()
    assert len(calls) == 2


def test_uv_is_used_where_there_is_one(calls, monkeypatch):
    monkeypatch.setattr(course.shutil, "which", lambda name: name)
    course.set_up()
    assert [command[0] for command in calls] == ["uv", "uv"]
    assert calls[1][1:3] == ["pip", "install"]
    assert calls[1][3:5] == ["--python", str(course.PYTHON)]


def test_half_an_environment_is_never_trusted(calls, monkeypatch):
    whole = course.logged
    monkeypatch.setattr(course, "logged", lambda *command: whole(*command) or "pip" in command)
    with pytest.raises(SystemExit, match="starts it afresh"):
        course.set_up()
    assert course.PYTHON.exists()
    (course.VENV / "half a package").touch()
    monkeypatch.setattr(course, "logged", whole)
    course.set_up()
    assert len(calls) == 4
    assert not (course.VENV / "half a package").exists()
    course.set_up()
    assert len(calls) == 4


def test_another_lock_makes_it_anew(calls, project):
    course.set_up()
    (project / "requirements.lock").write_text("numpy==2.4.7\n")
    course.set_up()
    assert len(calls) == 4


def test_another_python_makes_it_anew(calls, monkeypatch):
    course.set_up()
    monkeypatch.setattr(course.sys, "version_info", (3, 12 if sys.version_info[1] == 11 else 11, 0))
    course.set_up()
    assert len(calls) == 4


def test_interrupted_while_it_is_replaced(calls, project, monkeypatch):
    course.set_up()
    lock = (project / "requirements.lock").read_text()
    (project / "requirements.lock").write_text("numpy==2.4.7\n")

    def interrupted(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(course.shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            course.set_up()
    (project / "requirements.lock").write_text(lock)  # the old lock again, and an environment half deleted
    course.set_up()
    assert len(calls) == 4


def test_an_environment_in_use_is_named(calls, project, monkeypatch):
    course.set_up()
    (project / "requirements.lock").write_text("numpy==2.4.7\n")

    def in_use(folder):
        raise PermissionError("python.exe is in use")

    monkeypatch.setattr(course.shutil, "rmtree", in_use)
    with pytest.raises(SystemExit, match="close JupyterLab"):
        course.set_up()


def test_packed_wheels_are_used_and_no_network(calls):
    course.wheels().mkdir(parents=True)  # half a folder, as an interrupted pack leaves it
    course.set_up()
    assert "--no-index" not in calls[1]
    (course.VENV / "installed").unlink()
    calls.clear()
    (course.wheels() / "requirements.lock").touch()
    course.set_up()
    assert calls[1][-3:] == ["--no-index", "--find-links", str(course.wheels())]


def test_wheels_for_another_machine_are_named_and_left_alone(calls, project, capsys):
    (project / "wheels" / "Plan9-mips-python3.11").mkdir(parents=True)
    course.set_up()
    assert "--no-index" not in calls[1]
    assert f"for Plan9-mips-python3.11, none for {course.wheels().name}" in capsys.readouterr().out


CHATTER = "import sys, time; print('Collecting everything é'); time.sleep({seconds}); print('Done'); sys.exit(3)"


def chatter(seconds, folder):
    """Run a program that prints; its status, and what stands in the log afterwards."""
    log = folder / "log"
    log.write_text("before\n")
    status = course.logged(log, sys.executable, "-X", "utf8", "-c", CHATTER.format(seconds=seconds))
    return status, log.read_text(encoding="utf-8")


def test_what_the_set_up_prints_goes_to_its_log(tmp_path, capfd):
    assert chatter(0, tmp_path) == (3, "before\nCollecting everything é\nDone\n")
    assert capfd.readouterr() == ("", "")


def test_on_a_terminal_one_line_says_how_far_the_set_up_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert chatter(2.5, tmp_path)[0] == 3
    said = capsys.readouterr().out
    assert "s  Collecting everything ??" in said
    assert "\n" not in said
    assert said.endswith(f"\r{'':78}\r"), "nothing of it is left"


@pytest.mark.parametrize("uv", [True, False])
def test_a_set_up_that_fails_shows_the_end_of_its_log_and_names_it(uv, project, monkeypatch, capfd):
    failing = "for i in range(700): print('line', i)\nraise SystemExit('No matching distribution')"
    monkeypatch.setattr(course.shutil, "which", lambda name: name if uv else None)
    logged = course.logged

    def fails(log, *command):
        assert command[0] == ("uv" if uv else sys._base_executable)
        return logged(log, sys.executable, "-c", failing)

    monkeypatch.setattr(course, "logged", fails)
    for _ in range(2):  # the second log is not behind the first
        with pytest.raises(SystemExit, match="starts it afresh") as ended:
            course.set_up()
    log = project / ".venv-setup.log"
    assert str(log) in ended.value.code
    assert log.read_text().count("line 0\n") == 1
    said = capfd.readouterr()
    assert f"(its log: {log.name})" in said.out
    assert "line 699\nNo matching distribution\n" in said.err
    assert "line 600\n" not in said.err


# ------------------------------------------------------------------------------------------------ commands
def test_no_argument_says_what_it_can_do(capsys):
    assert course.main([]) == 0
    said = capsys.readouterr().out
    assert all(f"course.py {name}" in said for name in course.COMMANDS)


def test_an_unknown_command_is_an_error(capsys):
    assert course.main(["tset"]) == 2
    assert "no command 'tset'" in capsys.readouterr().err


@pytest.fixture
def toy(project, monkeypatch):
    """A project with this one's pages and three small notebooks, run by the Python that runs this test."""
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(course, "set_up", lambda: None)
    shutil.copytree(ROOT / "site", project / "site", ignore=shutil.ignore_patterns("html", "pages", "__pycache__"))
    (project / "notebooks" / "in_depth").mkdir(parents=True)
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

    assert course.main(["slides"]) == 0
    assert "00_a.ipynb  unchanged" in capfd.readouterr().out
    index = (toy / "_slides" / "index.html").read_text(encoding="utf-8")
    assert 'href="01_b.html">Second?<' in index
    assert "Third?" not in index  # for a room, only the lessons

    write(toy, "01_b", "# Second?\n\n[nowhere](references.md#nobody)", "print(9 * 9)")
    assert course.main(["run"]) == 1
    said = capfd.readouterr()
    assert "00_a.ipynb  unchanged" in said.out
    assert "01_b.ipynb  unchanged" not in said.out
    assert "nobody" in said.err
    assert "pages are written" not in said.out


def test_every_thing_that_decides_a_notebooks_outputs_makes_it_run_again(toy, monkeypatch):
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
    monkeypatch.setattr(course, "INSIDE", "python")
    monkeypatch.setattr(course, "WANTED", ".")  # put back afterwards
    (project / "pyproject.toml").write_text(PEERS.format(version="3.3.4"))
    return calls


def test_the_peers_get_an_environment_of_their_own(peers, calls, project):
    assert course.main(["bench", "limit"]) == 0
    python = str(project / ".venv-peers" / "python")
    assert calls[1] == [python, "-m", "pip", "install", "-r", "requirements.lock", "-e", ".[peers]"]
    assert calls[2:] == [[python, "benchmarks/bench.py", "limit"]]
    assert not (project / ".venv").exists()


def test_other_peers_make_their_environment_anew(peers, project):
    def again():
        peers.clear()
        course.main(["bench"])
        return len(peers) == 3

    file = project / "pyproject.toml"
    assert again()
    assert not again()
    file.write_text(file.read_text() + "[tool.other]\n")
    assert not again(), "nothing that is installed has changed"
    file.write_text(PEERS.format(version="3.3.5"))
    assert again()
    assert not again()


def test_other_peers_are_nothing_to_the_course(peers, project):
    course.set_up()
    (project / "pyproject.toml").write_text(PEERS.format(version="3.3.5"))
    course.set_up()
    assert len(peers) == 2


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
    assert "98_toy.ipynb  kept as it is" in capsys.readouterr().out
    assert "answer = 6 * 7" in copy.read_text(encoding="utf-8")


def test_test_passes_its_arguments_and_pytests_status_on(toy, monkeypatch):
    (toy / "test_toy.py").write_text("def test_a(): pass\n\ndef test_b(): assert False\n")
    assert course.main(["test", "-q", "-k", "test_a"]) == 0
    assert course.main(["test", "-q"]) == 1


def test_lab_keeps_its_token_and_stays_on_this_machine(toy, monkeypatch):
    started = []
    monkeypatch.setattr(course, "call", lambda *command: started.append(command) or 0)
    course.main(["lab", "--no-browser"])
    course.main(["lab", str(toy / "site")])
    python = course.PYTHON, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"
    assert started == [(*python, "--no-browser", "notebooks"), (*python, str(toy / "site"))]


def test_check_says_what_is_missing_and_changes_nothing(project, capsys, monkeypatch):
    monkeypatch.setattr(course.sys, "version_info", (3, 10, 1))
    assert course.main(["check"]) == 1
    said = capsys.readouterr().out
    assert "[FAIL] Python 3.10.1: install Python 3.11" in said
    assert "[FAIL] .venv with the locked packages: not made yet" in said
    assert "GB of disk free" in said
    assert [path.name for path in project.iterdir()] == ["requirements.lock"]


def test_check_names_a_full_disk_and_looks_from_inside(calls, capsys, monkeypatch):
    course.set_up()
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: SimpleNamespace(free=1e8))
    assert course.main(["check"]) == 1
    assert "[FAIL] 0 GB of disk free: 1 GB are needed" in capsys.readouterr().out
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: SimpleNamespace(free=4e9))
    assert course.main(["check"]) == 0
    assert calls[-1] == [str(course.PYTHON), "site/check.py"]
    monkeypatch.setattr(course, "call", lambda *command: 1)
    assert course.main(["check"]) == 1


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
    assert check.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("[FAIL] ") and ": " in line for line in lines)
    assert "2.0 GiB" in lines[0]
    assert "Kernel died" in lines[2]
    assert "Visual C++" in lines[4]


def wheel(folder, name, source):
    """A package of one module, as the index would give it."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", source)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


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
    (toy / "course.py").write_text(SOURCE, encoding="utf-8")
    (toy / "requirements.lock").write_text("tiny==1.0\n")
    (toy / "pyproject.toml").write_text(
        '[project]\nname = "toycourse"\nversion = "1.0"\n'
        '[build-system]\nrequires = ["toybackend==1.0"]\nbuild-backend = "toybackend"\n'
    )
    (toy / "advlib").mkdir()
    (toy / "advlib" / "__init__.py").touch()
    (toy / "advlib" / "data.py").write_text("def find(name):\n    return 'elsewhere.npz'\n")
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
        assert course.main(["pack", str(stick)]) == 0
    said = capfd.readouterr().out
    assert "_slides is not here and is not packed" in said
    assert "site/html is not here" not in said
    assert said.count("Saved ") == 3  # the second time nothing was fetched

    packed = stick / "common-noise"
    assert (packed / "data" / "mnist.npz").read_text() == "MNIST"
    assert (packed / "notebooks" / "00_a.ipynb").exists()
    assert (packed / "site" / "html" / "index.html").read_text() == "a page"
    assert not (packed / "elsewhere.npz").exists()
    without_uv = "import course; course.shutil.which = lambda name: None; course.set_up()"
    without_network = os.environ | {"PIP_INDEX_URL": "http://127.0.0.1:9/"}
    subprocess.run([sys.executable, "-c", without_uv], cwd=packed, env=without_network, check=True)
    inside = packed / ".venv" / course.INSIDE
    command = [inside, "-c", "import course, tiny; print(tiny.answer, course.ready())"]
    assert subprocess.run(command, cwd=stick, stdout=subprocess.PIPE, check=True).stdout.split() == [b"42", b"True"]


def test_pack_without_git_says_so(toy, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="pack needs git"):
        course.main(["pack", str(toy / "stick")])


def test_ctrl_c_is_left_to_the_program(tmp_path):
    program = "import os, signal, sys, course; os.setpgrp(); sys.exit(course.call(sys.executable, '-c', sys.argv[1]))"
    child = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(7))\n"
        "os.killpg(0, signal.SIGINT)\n"
        "signal.pause()\n"
    )
    if os.name == "nt":
        pytest.skip("process groups are POSIX")
    assert subprocess.run([sys.executable, "-c", program, child], cwd=ROOT, check=False).returncode == 7
