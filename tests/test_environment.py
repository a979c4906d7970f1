"""pyproject.toml, requirements.lock, environment.yml and the hooks say the same; no conda and no uv is needed."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
ASKED = [
    Requirement(line)
    for lines in (PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values())
    for line in lines
]


def locked(**machine):
    """Package to version, of the lock's lines that hold on this machine (or on another, with its markers)."""
    found = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(machine):
            name = canonicalize_name(requirement.name)
            assert name not in found, f"two versions of {name}"
            found[name] = re.fullmatch(r"==([^=,*]+)", str(requirement.specifier))[1]
    return found


def test_conda_gives_python_and_pip_and_hands_on_to_the_lock():
    conda = [line for line in CONDA["dependencies"] if isinstance(line, str)]
    (pip,) = [part["pip"] for part in CONDA["dependencies"] if isinstance(part, dict)]
    assert CONDA["channels"] == ["conda-forge"]
    assert {re.split("[=<>]", line)[0] for line in conda} == {"python", "pip"}
    (python,) = [line.removeprefix("python=") for line in conda if line.startswith("python=")]
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(f"{python}.0")
    assert pip == ["--requirement requirements.lock", "--editable ."]  # this order: repo2docker looks at the first


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_satisfies_pyproject_on_every_machine(python, system):
    names = {
        "python_version": python,
        "python_full_version": f"{python}.6",
        "sys_platform": system,
        "os_name": "nt" if system == "win32" else "posix",
    }
    have = locked(**names)
    for requirement in ASKED:
        assert requirement.specifier.contains(have[canonicalize_name(requirement.name)]), requirement


def test_this_environment_is_the_locked_one():
    assert {name: version(name) for name in locked()} == locked()


def test_the_hooks_run_the_locked_versions():
    for hook in HOOKS:
        (line,) = hook["additional_dependencies"]
        requirement = Requirement(line)
        assert str(requirement.specifier) == f"=={locked()[requirement.name]}"


def test_the_lock_names_no_host():
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")
