"""README's table and figure, from benchmarks/results.json."""

import json
import re
from pathlib import Path

from advlib import plots
from advlib.data import replacing

HERE = Path(__file__).parent
RESULTS, FIGURE, README = HERE / "results.json", HERE / "speed.png", HERE.parent / "README.md"
BEGIN, END = "<!-- from benchmarks/results.json -->\n", "<!-- end -->"


def load():
    return json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}


def save(results):
    with replacing(RESULTS) as part:
        part.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def table(results):
    """Markdown: the attack against the peers, with the machine and the date."""
    part = results["peers"]
    found = part["measured"]
    rules = {name: {row["rule"]: row for row in found["rows"] if row["name"] == name}
             for name in dict.fromkeys(row["name"] for row in found["rows"])}  # fmt: skip
    lines = [
        f"| {found['images']:,} images, at most {found['steps']} steps | sign rule: success | time | "
        "gradient rule: success | time |",
        "|---|---|---|---|---|",
    ]
    for name, rows in rules.items():
        cells = []
        for rule in ("sign", "gradient"):
            if "failed" in rows[rule]:
                cells += ["did not run", "–"]
            else:
                cells += [f"{rows[rule]['k'] / found['images']:.1%}", f"{rows[rule].get('ratio', 1):.3g}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    versions = ", ".join(f"{name} {number}" for name, number in part["packages"].items())
    where = f"{part['cpu']}, {part['cores']} cores, {part['date']}; {versions}"
    lines += ["", f"Time: in multiples of that of advlib, in the same run. {where}."]
    return "\n".join([*lines, *notes(results)]) + "\n"


def notes(results):
    """A sentence on each other part that has been measured."""
    if "rounding" in results:
        found = results["rounding"]["measured"]
        open_ = [left for left in found["left"] if 0 < left["k"] < found["starts"]]
        yield (
            f"Of the {len(found['left'])} images that advlib's gradient rule leaves, {len(open_)} depend on rounding "
            f"(fooled from {', '.join(str(left['k']) for left in open_) or 'none'} of {found['starts']} starts "
            f"at most {found['moved']:g} away)."
        )
    if "limit" in results:
        rows = {row["batch"]: row for row in results["limit"]["measured"]["rows"]}
        batch = next(batch for batch, row in rows.items() if "attack" in row)
        yield (
            "Of the rate of the network's gradient alone, at the same batch, "
            f"the attack reaches {rows[batch]['attack'] / rows[batch]['bare']:.0%} and "
            f"Algorithm 1 with 26 noises side by side {rows[26]['common'] / rows[26]['bare']:.0%}."
        )
    if "course" in results:
        found = results["course"]["measured"]
        yield (
            f"All notebooks at workshop scale: {sum(row['seconds'] for row in found) / 60:.1f} minutes; "
            f"the largest kernel takes {max(row['peak_bytes'] for row in found) / 1e9:.2f} GB."
        )


def figure(results, path):
    """Gradients a second by batch, bare and inside our loops; and success on unseen 5s against seconds."""
    speed, common = results["limit"]["measured"], results["common"]["measured"]
    fig, (left, right) = plots.figure(1, 2, 9, 3.4)
    rows = speed["rows"]
    for name, label, mark in (
        ("bare", "the network's gradient alone", "k.-"),
        ("common", "noises side by side", "C0s"),
        ("attack", "attack, batch kept full", "C1D"),
    ):
        left.plot(*zip(*[(r["batch"], r[name]) for r in rows if name in r]), mark, label=label)
    left.set(xscale="log", xlabel="images in a batch", ylabel="gradients a second", ylim=(0, None))
    left.legend(frameon=False)
    for run in common["runs"]:
        if "failed" not in run:
            right.plot(run["seconds"], [k / common["n"] for k in run["k"]], ".-", label=run["name"])
    right.set(xscale="log", xlabel="seconds of learning", ylabel="unseen 5s misread", ylim=(0, 1))
    right.legend(frameon=False, fontsize="x-small")
    fig.savefig(path, dpi=150)


def write(results):
    """Put both into README, where the parts they need have been measured."""
    if "peers" in results:
        text = README.read_text("utf-8")
        README.write_text(re.sub(f"(?s){BEGIN}.*?{END}", lambda _: BEGIN + "\n" + table(results) + END, text), "utf-8")
        print(table(results))
    if {"limit", "common"} <= results.keys():
        figure(results, FIGURE)
