"""Write what other people's tools read of this course, and have these tools check it.

    .venv/bin/python tools/publish.py           write the files, from the ledger, data/results and CITATION.cff
    .venv/bin/python tools/publish.py check     check them with their own validators, in .venv-publish

``repro.yaml``: where each number of the ledger is stored (claims-cli).  ``codecheck.yml``: what an independent check
has to make anew (codecheck.org.uk).  ``ro-crate-metadata.json``: by what, from what and when each stored result was
made (Process Run Crate).  ``.zenodo.json``: what an archive is to show.
"""

import hashlib
import json
import re
import subprocess
import sys
from functools import cache

import yaml

from advlib import data, ledger, results, signs
from advlib.files import ROOT
from course_setup import INSIDE, alone, configured, log_of, logged, make_room, project_file

PAPER = "data/paper_numbers.json"
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
SOURCE = CITATION["references"][0]  # the paper
VALIDATED_BY = project_file()["project"]["optional-dependencies"]["publish"]  # claims-cli comes first


def sha256(path):
    return hashlib.sha256((ROOT / path).read_bytes()).hexdigest()


def dump(content):
    """YAML with a line for each innermost record."""
    return yaml.dump(content, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=None)


# --------------------------------------------------------------------------------- repro.yaml
FIGURES = (
    ("Figure 2, ε = {:.2f}", "figure_2_and_3", "success", "epsilon", "ε"),
    ("Figure 3, ε = {:.2f}", "figure_2_and_3", "rms", "epsilon", "ε"),
    ("Figure 4, the {}s", "figure_4_and_5", "rms", "class", "class"),
    ("Figure 5, the {}s", "figure_4_and_5", "success", "class", "class"),
)


def places():
    """Each measured number: its name in the ledger, where the paper's is, and the part and the keys of ours."""
    yield "section II, accuracy", "/training/test_accuracy", "accuracy", {}
    yield "section III, success at ε = 0.15", "/per_image_attack/success", "one_image", {}
    yield "section III, mean RMS", "/per_image_attack/mean_rms", "one_image", {}
    paper = results.paper_numbers()
    for name, part, key, axis, field in FIGURES:
        for i, at in enumerate(paper[part][axis]):
            yield name.format(at), f"/{part}/{key}/{i}", part.replace("_and", ""), {field: at}


@cache
def parts():
    return results.load(ledger.STORED)


def stored(part, network, keys):
    """What a network gave: the pointer to its row, and the row."""
    wanted = {"network": network, **keys}
    found = [(f"/{part}/{i}", row) for i, row in enumerate(parts()[part]) if wanted.items() <= row.items()]
    if len(found) != 1:
        sys.exit(f"{ledger.STORED}.json, {part}: {len(found)} rows have {wanted}, where one is expected")
    return found[0]


def claim(row, pointer, part, keys):
    """One number of the ledger: the paper's value, and what each network gave, each where it is stored."""
    evidence = [metric("paper", "the paper", pointer, row.paper)]
    for network, ours in enumerate(row.ours):
        at, kept = stored(part, network, keys)
        said = {"k": ours.k, "n": ours.n} if row.kind == "rate" else {"rms": ours}
        if not said.items() <= kept.items():
            sys.exit(f"{row.claim}, network {network}: the ledger has {said}, {ledger.STORED}.json at {at} {kept}")
        for field, value in said.items():
            printed = value if row.kind == "rate" else f"{value:.4f}"  # as the ledger shows it
            evidence.append(metric(ledger.STORED, f"network {network}, {field}", f"{at}/{field}", printed))
    return {
        "id": re.sub(r"[^a-z0-9.]+", "-", row.claim.lower()),
        "text": f"{row.claim} ({row.protocol}): {row.paper} in the paper, {round(row.mean, 4)} here, the mean of "
        f"{len(row.ours)} networks; {row.verdict}",
        "where": f"notebooks/{row.where[0]}.ipynb, {row.where[1]}",
        "evidence": evidence,
    }


def metric(artifact, name, pointer, reported):
    return {"kind": "metric", "artifact": artifact, "name": name, "pointer": pointer, "reported": str(reported)}


@cache
def claims():
    rows = {row.claim: row for row in ledger.rows() if row.kind != "setting"}
    where = {name: rest for name, *rest in places()}
    if rows.keys() != where.keys():
        sys.exit(f"the ledger and tools/publish.py, places(), differ in {', '.join(rows.keys() ^ where.keys())}")
    return [claim(row, *where[name]) for name, row in rows.items()]


def repro():
    pinned = [
        {"id": name, "path": path, "digest": {"algorithm": "sha256", "value": sha256(path)}}
        for name, path in (("paper", PAPER), (ledger.STORED, f"data/results/{ledger.STORED}.json"))
    ]
    head = (
        "# Each measured number of notebooks/09_reproduction_ledger.ipynb, the paper's and ours, and where it is\n"
        f"# stored.  To check it: pip install {VALIDATED_BY[0]}, then claims verify --policy strict\n"
        "# The settings of Table I and Algorithm 1 are not here: the code has them, and no stored file.\n"
        "# Written by tools/publish.py.\n"
    )
    return head + dump({"project": CITATION["title"], "artifacts": pinned, "claims": claims()})


# ------------------------------------------------------------------------------- codecheck.yml
BELOW = "# From here on the codechecker writes; tools/publish.py keeps it.\n"
UNSHIPPED = range(3, 10)  # networks of which only the results and the SHA-256 are kept
MANIFEST = {
    ledger.STORED: "each measured number of the paper, for each network; networks 3 to 9 are trained first",
    "02_fool_one_image": "section III, and what its numbers rest on",
    "04_common_noise": "Figures 2 to 5, and what they rest on",
    **{f"training-mnist-cnn-{seed}": "section II, how a network of Table I learns" for seed in UNSHIPPED},
}


def codecheck():
    content = {
        "version": "https://codecheck.org.uk/spec/config/2.0/",
        "paper": {
            "title": SOURCE["title"],
            "authors": [{"name": f"{a['given-names']} {a['family-names']}"} for a in SOURCE["authors"]],
            "reference": SOURCE["repository-code"],
        },
        "manifest": [
            {"file": f"data/results/{name}.json", "comment": f"{told}; made by {', '.join(makers()[name])}"}
            for name, told in MANIFEST.items()
        ],
        "summary": f"The {len(claims())} measured numbers of the paper.  In ten minutes on two cores python3 course.py "
        "repeat measures them once more on networks 0 to 2, the shipped ones, and writes them beside the stored ones "
        "into _repeat/claims.csv.  python3 course.py paper makes the files of the manifest anew, which takes hours, "
        "and the training of each of networks 3 to 9 half an hour of one core.  "
        "notebooks/09_reproduction_ledger.ipynb judges the numbers; repro.yaml points at each.",
    }
    head = (
        "---\n# What an independent check of the reproduction has to make anew.  Written by tools/publish.py.\n"
        "# Not known here, and asked for: the authors' ORCID, and an address of the paper; this is its script's.\n"
    )
    return f"{head}{dump(content)}{BELOW}# codechecker (a list of name and ORCID), certificate, report, check_time\n"


# -------------------------------------------------------------------- ro-crate-metadata.json
SHIPPED = "advlib/shipped.py"
# What a run read below data/, where it is not the three networks of Table I.
READ = {
    "02_autoattack": ("weights/mnist-cnn-*", "results/02_fool_one_image.json"),
    "03_minimal_noise": ("weights/mnist-cnn-0.npz",),
    "04_common_noise": ("weights/mnist-cnn-*", "weights/mnist-dense-0.npz"),
    "05_targets": ("weights/mnist-cnn-*", "weights/mnist-dense-0.npz"),
    "07_resolution": ("weights/signs-*",),
    "08_autoattack": ("weights/mnist-adversarial-*", "weights/mnist-proved-*"),
    "08_defences": ("weights/mnist-[!d]*", "weights/mnist-distilled-*"),
    "08_proof": tuple(f"weights/mnist-{kind}-*" for kind in ("cnn", "strided", "adversarial", "proved")),
    "08_transfer": ("weights/mnist-*",),
    "09_choices": ("weights/mnist-cnn-*", "results/02_fool_one_image.json", "results/04_common_noise.json"),
    "live_noises": ("weights/mnist-cnn-0.npz",),
}
WROTE = {"04_common_noise": ("results/04_noises.npz",), "live_noises": ("results/live_noises.npz",)}  # beside its JSON
HOMES = {
    "python": "https://www.python.org", "tensorflow": "https://www.tensorflow.org", "keras": "https://keras.io",
    "numpy": "https://numpy.org", "torch": "https://pytorch.org", "foolbox": "https://github.com/bethgelab/foolbox",
    "art": "https://github.com/Trusted-AI/adversarial-robustness-toolbox",
    "pyautoattack": "https://github.com/fra31/auto-attack",
}  # fmt: skip


@cache
def makers():
    """The notebooks or modules that made each stored result, by its name."""
    keeps, found = re.compile(r'results\.(?:study|save)\(\s*"([^"]+)"([^)]*)'), {}
    for glob in ("notebooks/in_depth/*.ipynb", "benchmarks/*.py"):
        for path in sorted(ROOT.glob(glob)):
            for name, how in keeps.findall(code(path)):
                if "read_only" not in how:
                    found.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    names = sorted(path.stem for path in ROOT.glob("data/results/*.json"))
    found |= {name: [SHIPPED] for name in names if name.startswith(("training-", "live_"))}
    if unknown := [name for name in names if name not in found]:
        sys.exit(f"data/results has {', '.join(unknown)}, and no notebook or benchmark keeps it: who has made it?")
    return {name: found[name] for name in names}


def code(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


def origins(name):
    """The provenances of a stored result that differ, each with the parts that it is of."""
    provenance = results.stored(name).get("provenance", {})
    found = {}
    for part, origin in ({"all of it": provenance} if "commit" in provenance else provenance).items():
        found.setdefault(json.dumps(origin), (origin, []))[1].append(part)
    return list(found.values())


def files(name):
    """What the run of a result read and wrote in this folder."""
    reads, wrote = READ.get(name, ("weights/mnist-cnn-*",)), WROTE.get(name, ())
    if name.startswith("training-"):
        reads, wrote = (), (f"weights/{name[9:]}.npz", f"results/filters-{name[9:]}.npz")
    return (
        [path.relative_to(ROOT).as_posix() for glob in globs for path in sorted((ROOT / "data").glob(glob))]
        for globs in (reads, (f"results/{name}.json", *wrote))
    )


def crate():
    entities = {}

    def add(at, kind, **properties):
        entities.setdefault(at, {"@id": at, "@type": kind, **properties})
        return {"@id": at}

    def file(path):
        kind = "application/json" if path.endswith(".json") else "application/zip"
        return add(path, "File", name=path.rpartition("/")[2], encodingFormat=kind, sha256=sha256(path))

    def program(path):
        kind = "application/x-ipynb+json" if path.endswith(".ipynb") else "text/x-python"
        return add(path, ["File", "SoftwareSourceCode"], name=path, encodingFormat=kind, version=CITATION["version"])

    def network(seed):
        """A network that is not shipped: the SHA-256 that its file had."""
        digest = next(row["sha256"] for row in parts()["weights"] if row["network"] == seed)
        told = "It is not shipped; python -m advlib.shipped trains it anew."
        return add(f"#mnist-cnn-{seed}", "CreativeWork", name=f"mnist-cnn-{seed}.npz", description=told, sha256=digest)

    def environment(origin):
        commit, versions = origin["commit"], {**origin["versions"], **origin}
        state = commit.replace("-dirty", ", with changes that were not committed")
        yield add(f"#commit-{commit}", "SoftwareSourceCode", name=f"the course at commit {state}", version=commit)
        for name in HOMES:
            if name in versions:
                told = {"name": name, "softwareVersion": versions[name], "url": HOMES[name]}
                yield add(f"#{name}-{versions[name]}", "SoftwareApplication", **told)

    def seeds(origin):
        some = origin.get("seeds", [origin.get("seed")])
        return add(f"#seeds-{'-'.join(map(str, some))}", "PropertyValue", name="seeds", value=", ".join(map(str, some)))

    def images(name):
        if name == "07_resolution":
            told = f"Its archives, from which python3 course.py signs makes {data.SIGNS_NPZ}.  Stallkamp et al., 2011."
            return add(signs.ADDRESS, "Dataset", name="German Traffic Sign Recognition Benchmark", description=told)
        told = "Handwritten digits: Y. LeCun, C. Cortes and C. J. C. Burges.  CC BY-SA 3.0."
        kind = {"encodingFormat": "application/zip", "sha256": data.MNIST_FILE}
        return add(data.MNIST_URL, "File", name="MNIST", description=told, **kind)

    def run(name):
        found, (reads, wrote) = origins(name), files(name)
        instrument, used = [program(path) for path in makers()[name]], [images(name), *map(file, reads)]
        used += map(network, UNSHIPPED if name == ledger.STORED else ())
        made = map(network, [seed for seed in UNSHIPPED if name == f"training-mnist-cnn-{seed}"])
        for origin, _ in found:
            instrument += environment(origin)
            used.append(seeds(origin))
        told = [f"{', '.join(parts)}: {o['commit']}, {o['date']}, {o['machine']}" for o, parts in found]
        return add(
            f"#run-{name}", "CreateAction", name=f"The run that made {name}", agent=authors,
            endTime=max(origin["date"] for origin, _ in found), description="; ".join(told),
            instrument=plain(instrument), object=plain(used), result=plain([*map(file, wrote), *made]),
        )  # fmt: skip

    authors = add("#authors", "Organization", name=CITATION["authors"][0]["name"])
    profile = add("https://w3id.org/ro/wfrun/process/0.5", "CreativeWork", name="Process Run Crate", version="0.5")
    licence = add(f"https://spdx.org/licenses/{CITATION['license']}", "CreativeWork", name=CITATION["license"])
    runs = [run(name) for name in makers()]
    inside = [{"@id": at} for at, entity in entities.items() if re.search("File|Dataset", str(entity["@type"]))]
    about = {
        "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }  # fmt: skip
    root = {
        "@id": "./", "@type": "Dataset", "name": CITATION["title"], "description": CITATION["abstract"],
        "datePublished": max(entity.get("endTime", "") for entity in entities.values()),  # of the newest result
        "license": licence, "author": authors, "publisher": authors, "conformsTo": profile,
        "hasPart": inside, "mentions": runs,
    }  # fmt: skip
    context = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://schema.org/sha256"}]
    return as_json({"@context": context, "@graph": [about, root, *entities.values()]})


def plain(some):
    """Each once; one alone stands without a list, as the specification wants it."""
    some = [entity for i, entity in enumerate(some) if entity not in some[:i]]
    return some if len(some) > 1 else some[0]


def as_json(content):
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


# -------------------------------------------------------------------------------- .zenodo.json
def zenodo():
    script = {"identifier": SOURCE["repository-code"], "relation": "references", "resource_type": "software"}
    return as_json({
        "title": CITATION["title"], "upload_type": "software", "description": CITATION["abstract"],
        "creators": [{"name": author["name"]} for author in CITATION["authors"]], "version": CITATION["version"],
        "license": CITATION["license"], "keywords": CITATION["keywords"], "related_identifiers": [script],
    })  # fmt: skip


FILES = {"repro.yaml": repro, "codecheck.yml": codecheck, "ro-crate-metadata.json": crate, ".zenodo.json": zenodo}


def written(name):
    """What a file should hold, with what the codechecker has written below the line."""
    text, path = FILES[name](), ROOT / name
    kept = path.read_text(encoding="utf-8").partition(BELOW)[2] if path.exists() else ""
    return text.partition(BELOW)[0] + BELOW + kept if kept else text


# ------------------------------------------------------------------------------ the validators
VENV = ROOT / ".venv-publish"
CONTEXTS = VENV / "contexts"
VALIDATORS = {
    "claims": ("verify", "--policy", "strict", "repro.yaml"),
    "rocrate-validator": (
        "--no-interactive", "validate", ".", "--profile-identifier", "process-run-crate", "--verbose", "--no-paging",
        "--offline", "--cache-path", CONTEXTS,
    ),
    "cffconvert": ("--validate", "--infile", "CITATION.cff"),
}  # fmt: skip
# The validator would fetch the crate's context; this puts the copy that rocrate ships into its cache.
FILL = """
import io, sys
from importlib.resources import files
import requests, urllib3
from requests_cache import CachedSession

class Shipped(requests.adapters.HTTPAdapter):
    def send(self, request, **how):
        body = io.BytesIO(files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes())
        kind = {"Content-Type": "application/ld+json"}
        return self.build_response(request, urllib3.HTTPResponse(body, kind, 200, preload_content=False))

with CachedSession(sys.argv[1], expire_after=-1) as session:
    session.mount("https://", Shipped())
    session.get("https://w3id.org/ro/crate/1.1/context")
"""


def set_up():
    """Make .venv-publish, unless it is there, with the extra alone: cffconvert needs an older jsonschema than Lab."""
    mark, python, told = VENV / "installed", VENV / INSIDE, {"doing": "making .venv-publish"}
    with alone(VENV):
        if mark.exists() and mark.read_text(encoding="utf-8") == "\n".join(VALIDATED_BY):
            return
        make_room(VENV)
        log_of(VENV).write_bytes(b"")
        failed = (
            logged(VENV, sys._base_executable, "-m", "venv", VENV, **told)
            or logged(VENV, python, "-m", "pip", "install", *VALIDATED_BY, environment=configured(python), **told)
            or logged(VENV, python, "-c", FILL, CONTEXTS, **told)
        )
        if failed:
            sys.exit(
                f".venv-publish could not be made, and {log_of(VENV).name} says why.  With a network, call "
                "python tools/publish.py check"
            )
        mark.write_text("\n".join(VALIDATED_BY), encoding="utf-8")


def validate(name, folder=ROOT):
    """Call a validator on the files in a folder.

    Returns
    -------
    (int, str)
        Its exit status, 0 where all is well, and what it said.
    """
    command = [str(part) for part in ((VENV / INSIDE).with_name(name), *VALIDATORS[name])]
    run = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    return run.returncode, run.stdout


def main(*arguments):
    if arguments not in ((), ("check",)):
        sys.exit(f"tools/publish.py takes nothing, or check; found {' '.join(arguments)}")
    if not arguments:
        for name in FILES:
            (ROOT / name).write_bytes(written(name).encode())
        return print(f"Written: {', '.join(FILES)}")
    set_up()
    failed = 0
    for name in VALIDATORS:
        status, said = validate(name)
        print(f"{name}: passed" if status == 0 else f"{name}: failed\n{said}", flush=True)
        failed += status != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
