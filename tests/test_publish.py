"""What is written for other people's tools: in step with its sources, and valid by these tools themselves."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

import course
from advlib import ledger, results
from advlib.files import ROOT
from course_setup import NETWORK, said
from tools import publish

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
CRATE = json.loads((ROOT / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
ENTITIES = {entity["@id"]: entity for entity in CRATE}
RUNS = [entity for entity in CRATE if entity["@type"] == "CreateAction"]
CODECHECK = (ROOT / "codecheck.yml").read_text(encoding="utf-8")
DOCKER = re.sub(r"\\\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))


def of(entity, key):
    """The entities that a property refers to."""
    found = entity[key] if isinstance(entity[key], list) else [entity[key]]
    return [ENTITIES[reference["@id"]] for reference in found]


@pytest.mark.parametrize("name", publish.FILES)
def test_the_file_is_in_step(name):
    committed = (ROOT / name).read_text(encoding="utf-8")
    assert publish.written(name) == committed, f"{name} is not up to date: python tools/publish.py writes it"


# --------------------------------------------------------------------------------- repro.yaml
def test_every_measured_number_is_claimed_for_the_paper_and_for_every_network():
    rows = {row.claim: row for row in ledger.rows() if row.kind != "setting"}
    claimed = yaml.safe_load((ROOT / "repro.yaml").read_text(encoding="utf-8"))["claims"]
    assert len(claimed) == len(rows) > 50
    for claim, row in zip(claimed, rows.values(), strict=True):
        assert claim["text"].startswith(row.claim)
        theirs, *ours = [evidence["reported"] for evidence in claim["evidence"]]
        assert theirs == str(row.paper)
        counts = [str(value) for rate in row.ours for value in (rate.k, rate.n)] if row.kind == "rate" else None
        assert ours == (counts or [f"{value:.4f}" for value in row.ours])


def test_a_row_that_is_not_stored_is_told():
    with pytest.raises(SystemExit, match=r"0 rows have .*'ε': 0\.5"):
        publish.stored("figure_2_3", 0, {"ε": 0.5})


def test_a_ledger_that_says_something_else_than_the_stored_file_is_told():
    row = next(row for row in ledger.rows() if row.claim == "Figure 3, ε = 0.15")
    with pytest.raises(SystemExit, match=r"Figure 3, ε = 0\.15, network 0"):
        publish.claim(row, "/figure_2_and_3/rms/0", "figure_2_3", {"ε": 0.16})


# ------------------------------------------------------------------------------- codecheck.yml
def test_what_the_codechecker_has_written_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "ROOT", tmp_path)
    monkeypatch.setitem(publish.FILES, "codecheck.yml", lambda: f"---\nnew\n{publish.BELOW}# what to fill in\n")
    (tmp_path / "codecheck.yml").write_text(f"---\nold\n{publish.BELOW}certificate: 2026-001\n", encoding="utf-8")
    assert publish.written("codecheck.yml") == f"---\nnew\n{publish.BELOW}certificate: 2026-001\n"


def test_codecheck_keeps_the_rules_of_its_specification():
    """Those of rules-2.0.yml that hold before a check: what a codechecker fills in, and an ORCID, are not there."""
    content = yaml.safe_load(CODECHECK)
    assert CODECHECK.startswith("---\n")  # CC-CFG-002
    assert content["version"] == "https://codecheck.org.uk/spec/config/2.0/"  # 014, 015
    for item in content["manifest"]:  # 004 to 007, CC-BUN-001
        assert not Path(item["file"]).is_absolute()
        assert (ROOT / item["file"]).is_file()
        assert item["comment"]
    assert content["paper"]["title"]  # 016 to 019
    assert all(author["name"] for author in content["paper"]["authors"])
    assert re.fullmatch(r"https://\S+(?<!\.pdf)", content["paper"]["reference"])  # 021, 022, 027
    assert content["summary"]  # 024
    assert not re.search("FIXME|TODO|XXX", CODECHECK)  # 023
    assert (ROOT / "LICENSE").exists()  # CC-BUN-005


def test_codecheck_names_commands_that_there_are():
    named = re.findall(r"course\.py (\w+)", CODECHECK)
    assert named
    assert {*named} <= {*course.COMMANDS}


# -------------------------------------------------------------------- ro-crate-metadata.json
def test_every_stored_result_comes_from_one_run():
    wrote = [file["@id"] for run in RUNS for file in of(run, "result") if file["@type"] == "File"]
    stored = {path.relative_to(ROOT).as_posix() for path in (ROOT / "data" / "results").glob("[!.]*")}
    assert len(wrote) == len({*wrote})
    assert stored <= {*wrote}
    assert {*wrote} - stored <= {path.relative_to(ROOT).as_posix() for path in (ROOT / "data" / "weights").iterdir()}


def test_a_network_that_is_not_shipped_is_trained_and_measured_under_its_sha256():
    digests = {row["network"]: row["sha256"] for row in results.load(ledger.STORED)["weights"]}
    ten = next(run for run in RUNS if run["@id"] == f"#run-{ledger.STORED}")
    for seed in publish.UNSHIPPED:
        run = next(run for run in RUNS if run["@id"] == f"#run-training-mnist-cnn-{seed}")
        (network,) = (made for made in of(run, "result") if made["@type"] == "CreativeWork")
        assert network in of(ten, "object")
        assert network["sha256"] == digests[seed]


def test_a_run_tells_what_its_provenance_tells():
    told = 0
    for run in RUNS:
        name = run["@id"].removeprefix("#run-")
        used = {(entity.get("name"), entity.get("softwareVersion")) for entity in of(run, "instrument")}
        commits = {entity["version"] for entity in of(run, "instrument") if entity["@id"].startswith("#commit-")}
        provenance = results.stored(name).get("provenance", {})
        for origin in [provenance] if "commit" in provenance else provenance.values():
            libraries = {**origin["versions"], **origin}
            for known in ("commit", "date", "versions", "machine", "seed", "seeds"):
                libraries.pop(known, None)
            assert {*libraries.items()} <= used, name
            assert origin["commit"] in commits
            assert origin["date"] <= run["endTime"]
            told += 1
    assert told > 100


def test_every_run_names_what_it_read():
    """A pattern that fits no file any more would leave nothing."""
    for name, globs in publish.READ.items():
        reads, _ = publish.files(name)
        for glob in globs:
            assert any(Path(path).match(glob) for path in reads), (name, glob)


# -------------------------------------------------------------------------------- the citation
def test_the_citation_has_the_version_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (CITATION["version"], CITATION["license"]) == (project["version"], project["license"])


# ------------------------------------------------------------------------------ the validators
@pytest.fixture(scope="module")
def validators():
    try:
        publish.set_up()
    except SystemExit as why:
        if not re.search(NETWORK, said(publish.VENV)):
            raise
        pytest.skip(str(why))


@pytest.fixture
def copied(tmp_path, validators):
    """The published files, and all that they speak of, in another folder."""
    names = [*publish.FILES, "CITATION.cff", publish.PAPER, *(file["@id"] for file in of(ENTITIES["./"], "hasPart"))]
    for name in names:
        if "://" not in name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", publish.VALIDATORS)
def test_the_published_validator_passes_it(name, copied):
    status, said = publish.validate(name, copied)
    assert status == 0, said


@pytest.mark.parametrize("renewed", [False, True], ids=["as it was pinned", "pinned anew"])
def test_a_changed_stored_value_fails(copied, renewed):
    repro = copied / "repro.yaml"
    text = repro.read_text(encoding="utf-8")
    claims = {claim["id"]: claim for claim in yaml.safe_load(text)["claims"]}
    evidence = claims["figure-2-0.15"]["evidence"][1]
    path = f"data/results/{evidence['artifact']}.json"
    content = json.loads((copied / path).read_text(encoding="utf-8"))
    part, row, field = evidence["pointer"][1:].split("/")
    content[part][int(row)][field] += 1
    (copied / path).write_text(json.dumps(content), encoding="utf-8")
    if renewed:
        was, now = publish.sha256(path), publish.sha256(copied / path)
        assert was in text
        repro.write_text(text.replace(was, now), encoding="utf-8")
    status, said = publish.validate("claims", copied)
    assert status == 1, said


def test_a_run_without_an_instrument_fails(copied):
    crate = copied / "ro-crate-metadata.json"
    content = json.loads(crate.read_text(encoding="utf-8"))
    del next(entity for entity in content["@graph"] if entity["@type"] == "CreateAction")["instrument"]
    crate.write_text(json.dumps(content), encoding="utf-8")
    status, said = publish.validate("rocrate-validator", copied)
    assert status == 1, said


def test_a_citation_without_a_title_fails(copied):
    path = copied / "CITATION.cff"
    path.write_text(re.sub("^title:.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8")
    status, said = publish.validate("cffconvert", copied)
    assert status == 1, said


def test_the_archive_shows_what_cffconvert_makes_of_the_citation(validators):
    program = (publish.VENV / publish.INSIDE).with_name("cffconvert")
    command = [program, "--format", "zenodo", "--infile", ROOT / "CITATION.cff"]
    made = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout)
    ours = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert made.pop("license") == {"id": ours["license"]}
    assert made.items() <= ours.items()


# -------------------------------------------------------------------------------- the container
def instructions(kind):
    found = re.findall(rf"^{kind} (.*)$", DOCKER, re.MULTILINE)
    assert found, kind
    return found


def test_the_container_calls_course_as_it_can_be_called():
    calls = re.findall(r"python course\.py ([^&]*)", " ".join(instructions("RUN")))
    assert calls
    for name, *more in map(str.split, calls):
        assert name in course.COMMANDS
        assert len(more) <= course.AT_MOST.get(name, 0)


def test_the_container_has_a_python_that_the_course_takes():
    (image,) = instructions("FROM")
    assert course.suitable(tuple(map(int, re.fullmatch(r"python:(\d+)\.(\d+)-slim", image).groups())))


def test_what_git_ignores_stays_outside_the_container_but_for_images():
    def listed(name):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        return {line.removeprefix("**/").rstrip("/") for line in lines if not line.startswith("#")}

    assert listed(".dockerignore") == listed(".gitignore") - {"data/*.npz"} | {".git"}


@pytest.fixture
def container(tmp_path):
    """The container's command, at a free port: the port, and the token that it has told."""
    if os.name == "nt":
        pytest.skip("the container's command is one for Linux")
    (tmp_path / "_student").mkdir()
    (tmp_path / ".venv").symlink_to(sys.prefix)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (command,) = map(json.loads, instructions("CMD"))
    own = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")} | {"HOME": tmp_path}
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(
            [*command, f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"],
            cwd=tmp_path, env=own, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        for _ in range(600):
            told = (tmp_path / "log").read_text(encoding="utf-8")
            token = re.search(rf"http://127\.0\.0\.1:{port}/lab.*token=(\w+)", told)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
                break
            assert server.poll() is None, told
            time.sleep(0.5)
        yield port, token[1]
    finally:
        server.terminate()
        server.wait(60)


def test_the_container_shows_lab_to_the_outside_and_asks_for_its_token(container):
    port, token = container
    beside = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"  # who listens at 127.0.0.1 alone is not there
    address = f"http://{beside}:{port}/api/contents"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address, timeout=60)
    with urllib.request.urlopen(f"{address}?token={token}", timeout=60) as answer:
        assert [item["name"] for item in json.load(answer)["content"]] == []  # the learner's folder
