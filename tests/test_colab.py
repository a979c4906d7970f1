"""Each notebook's link to Colab and the cell that installs the course there."""

import copy
import importlib.util
import sys

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from test_notebooks import CLAUSES, NOTEBOOKS, ROOT, read

spec = importlib.util.spec_from_file_location("colab", ROOT / "site" / "colab.py")
colab = importlib.util.module_from_spec(spec)
spec.loader.exec_module(colab)
HERE = "https://github.com/someone/some.course"


def added(notebook, file="notebooks/00_a.ipynb", address=HERE):
    notebook = copy.deepcopy(notebook)
    colab.add(notebook, file, address)
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_with_its_link_keeps_the_contract_and_is_otherwise_the_same(path):
    file = path.relative_to(ROOT).as_posix()
    plain = read(path)
    linked = added(plain, file)
    assert not [complaint for clause in CLAUSES for complaint in clause(linked)]
    assert f"/github/someone/some.course/blob/colab/{file})." in linked.cells[1].source
    assert [cell for cell in linked.cells if "colab" not in cell.metadata.get("tags", [])][2:] == plain.cells[2:]
    assert added(linked, file) == linked
    assert added(added(plain, file, "https://github.com/an/other"), file) == linked


class Shell:
    """Notes what a cell asks of IPython."""

    def __init__(self, name):
        self.name, self.system_calls, self.magics = name, [], []

    def __str__(self):
        return f"<{self.name} object at 0x0>"

    def system(self, line):
        self.system_calls.append(line)

    def run_line_magic(self, name, line):
        self.magics.append(f"{name} {line}")


def test_the_cell_installs_the_course_on_colab_and_does_nothing_elsewhere(monkeypatch):
    source = TransformerManager().transform_cell(added(read(NOTEBOOKS[0])).cells[2].source)
    monkeypatch.setattr("sys.path", ["there"])
    elsewhere, on_colab = Shell("ipykernel.zmqshell.ZMQInteractiveShell"), Shell("google.colab._shell.Shell")
    exec(source, {"get_ipython": lambda: elsewhere})
    assert (elsewhere.system_calls, elsewhere.magics, sys.path) == ([], [], ["there"])
    exec(source, {"get_ipython": lambda: on_colab})
    assert on_colab.system_calls == [f"git clone -q --depth 1 {HERE} /content/course"]
    assert on_colab.magics == ["pip install -q -e /content/course"]
    assert sys.path == ["there", "/content/course"]


@pytest.mark.parametrize("address", ["someone/course", "https://github.com/someone", "https://example.org/a/b"])
def test_what_is_no_address_is_refused(address):
    notebook = read(NOTEBOOKS[0])
    with pytest.raises(ValueError, match="OWNER/REPOSITORY; found"):
        colab.add(notebook, "notebooks/00_a.ipynb", address)
    assert notebook == read(NOTEBOOKS[0])
