"""The tables and README's figure, from benchmarks/results.json; called by itself, it writes them again."""

import json
import re
from pathlib import Path

from advlib import plots, tables
from advlib.files import comes_back, record, replacing

HERE = Path(__file__).parent
RESULTS, FIGURE, README = HERE / "results.json", HERE / "speed.png", HERE.parent / "README.md"
BESIDE = HERE / "README.md"
BEGIN, END = "<!-- from benchmarks/results.json -->\n", "<!-- end -->"
SHARE = 0.95  # of the unseen images: a common noise that has learned


def load():
    return record(RESULTS, comes_back("benchmarks/results.json")) if RESULTS.exists() else {}


def save(results):
    with replacing(RESULTS) as part:
        part.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def table(results):
    """Markdown: the attack against the peers, with the machine and the date."""
    part = results["peers"]
    found = part["measured"]
    rows = [
        {"library": row["name"], "rule": row["rule"], f"fooled of {found['images']:,}": "did not run"}
        if "failed" in row else
        {"library": row["name"], "rule": row["rule"], f"fooled of {found['images']:,}": f"{row['k']:,}",
         "RMS of the noise": f"{row['rms']:.4f}", "gradients": f"{row['gradients']:,}",
         "time": f"{row.get('ratio', 1):.2g}"}
        for row in sorted(found["rows"], key=lambda row: row["rule"], reverse=True)
    ]  # fmt: skip
    versions = ", ".join(f"{name} {number}" for name, number in (part["versions"] | part["packages"]).items())
    lines = [
        tables.markdown(tables.frame(rows)),
        "",
        f"ε = {found['eps']}, at most {found['steps']} steps of {found['alpha'] * 255:g}/255. Time: in multiples "
        f"of that of advlib, in the same run. {where(part)}; {versions}.",
        "",
        *(f"- {text}{'' if where(results[name]) == where(part) else f' ({where(results[name])})'}"
          for name, text in notes(results)),
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def nearness(part):
    """Markdown: each attack's optimality, network by network."""
    found = part["measured"]
    rows = [
        {"network": name, "attack": row["name"], "optimality": f"{row['optimality']:.3f}", "area": f"{row['area']:.4f}",
         "best on": f"{row['best']:.0%}", "median ε": f"{row['median']:.4f}", "gradients": f"{row['gradients']:.0f}",
         "forward passes alone": f"{row['forwards']:.0f}", "time": f"{row['seconds'] / rows[0]['seconds']:.2g}"}
        for name, rows in found["networks"].items() for row in rows
    ]  # fmt: skip
    missed = sum(row["missed"] for rows in found["networks"].values() for row in rows)
    versions = ", ".join(f"{name} {part['packages'][name]}" for name in ("pyautoattack", "torch", "foolbox"))
    return "\n".join([
        tables.markdown(tables.frame(rows)),
        "",
        f"The first {found['images']:,} test images of MNIST, L∞, at most {found['budget']} gradients for an image; "
        f"{missed} not fooled. Best on, median, gradients and forward passes: of the images that are read correctly. A "
        f"forward pass alone costs {found['forward']:.2f} gradients. Time: of the processor, in multiples of that of "
        f"advlib. {where(part)}; {versions}.",
        "",
    ])  # fmt: skip


def where(part):
    return f"{part['cpu']}, {part['cores']} cores, {part['date']}"


def notes(results):
    """A sentence on each other part that has been measured, with the part's name."""
    if "direction" in results:
        found = results["direction"]["measured"]
        shares = by_network(found["first"], lambda row: f"{row['k'] / row['n']:.1%}")
        yield "direction", (
            f"An attack's first direction is more than {found['off']:.0%} away from the one that float64 gives for "
            f"this share of {found['images']:,} test images, network by network: {shares}."
        )
    if "rounding" in results:
        found = results["rounding"]["measured"]
        some = [str(left["k"]) for left in found["left"] if left["k"]]
        yield "rounding", (
            f"Of the {len(found['left'])} images that advlib's gradient rule leaves, {len(some)} depend on rounding: "
            f"fooled from {', '.join(some) or 'none'} of {found['starts']} starts at most {found['moved']:g} away."
        )
    if "optimality" in results:
        found = results["optimality"]["measured"]
        yield "optimality", (
            f"The smallest ε for each of {found['images']:,} test images, with at most {found['budget']} gradients for "
            "each: AttackBench's optimality (1 where no other attack found less for any image), network by network: "
            f"{by_network(found['networks'], lambda row: format(row['optimality'], '.3f'))}."
        )
    if "common" in results:
        found = results["common"]["measured"]
        yield "common", f"Until one noise (ε = {found['eps']}) fools {SHARE:.0%} of the unseen 5s. " + "; ".join(
            f"{run['name']}: {until(run, found['n'])}" for run in ran(found["runs"])
        ) + "."  # fmt: skip
    if "limit" in results:
        found = results["limit"]["measured"]
        rows = {row["batch"]: row for row in found["rows"]}
        full = next(row for row in rows.values() if "attack" in row)
        best = max(row["bare"] for row in rows.values()) * found["flops_per_gradient"] / found["sgemm_flops"]
        yield "limit", (
            f"Of the rate of the network's gradient alone, in batches as large, the attack reaches "
            f"{full['attack'] / full['bare']:.0%} ({full['batch']} images), Algorithm 1 "
            f"{rows[26]['common'] / rows[26]['bare']:.0%} (26 noises side by side). The gradient alone, in its best "
            f"batch, does {best:.0%} of the operations a second of a product of two large matrices."
        )
    if "scaling" in results:
        small, large = results["scaling"]["measured"]["images"][1:]
        yield "scaling", (
            f"{large['images']:,} images instead of {small['images']:,} take "
            f"{large['gradients'] / small['gradients']:.1f} times the gradients and "
            f"{large['seconds'] / small['seconds']:.1f} times the seconds, and {small['peak_bytes'] / 1e9:.2f} GB of "
            f"memory become {large['peak_bytes'] / 1e9:.2f}, where the images themselves are "
            f"{large['images_bytes'] / 1e9:.2f}."
        )
    if "course" in results:
        found = results["course"]["measured"]
        yield "course", (
            f"All notebooks at workshop scale: {sum(row['seconds'] for row in found) / 60:.1f} minutes; "
            f"the largest kernel takes {max(row['peak_bytes'] for row in found) / 1e9:.2f} GB."
        )
    if "paper" in results:
        found = sorted(results["paper"]["measured"], key=lambda row: -row["seconds"])
        hours = sum(row["seconds"] for row in found) / 3600
        longest = ", ".join(f"{row['notebook']} {row['seconds'] / 3600:.1f}" for row in found[:3])
        yield "paper", (
            f"{len(found)} notebooks at the paper's size: {hours:.1f} hours; the longest, in hours: {longest}."
        )
    if "pages" in results:
        found = results["pages"]["measured"]
        yield "pages", (
            f"The heaviest page is {max(row['bytes'] for row in found) / 1e3:.0f} kB, gzipped and with every picture. "
            f"On a slow phone (1.6 Mbit/s, 150 ms, a processor four times slower) a page's title stands there after at "
            f"most {max(row['title'] for row in found):.1f} s, and its first slider answers after at most "
            f"{max(row.get('slider', 0) for row in found):.1f}."
        )
    if "live" in results:
        found = results["live"]["measured"]
        plain = [row for row in found["rows"] if row["slower"] == 1]
        slow = {row["where"]: row for row in found["rows"] if row["slower"] > 1}
        yield "live", (
            f"The network of the live page is {found['bytes'] / 1e3:.0f} kB of JavaScript. A frame of an attack (a "
            f"gradient, a step, the drawing) takes {each(plain, 'frame', '.0f')} ms at the median, and the first "
            f"reading comes {each(plain, 'first_reading', '.1f')} s after the page is opened from the disk. With the "
            f"page's own thread slowed {slow['main']['slower']} times a frame takes {slow['worker']['frame']:.0f} ms, "
            f"and {slow['main']['frame']:.0f} where that thread has to compute as well, for want of a worker."
        )


def by_network(networks, told):
    """What is told of each library, network by network, in words."""
    of = {}
    for rows in networks.values():
        for row in ran(rows):
            of.setdefault(row["name"], []).append(told(row))
    return "; ".join(f"{name} {', '.join(all_)}" for name, all_ in of.items())


def each(rows, what, form):
    """A number of each row, with the row's name."""
    return ", ".join(f"{row[what]:{form}} ({row['name']})" for row in rows)


def ran(rows):
    """Those of the rows that did not fail."""
    return [row for row in rows if "failed" not in row]


def until(run, n):
    """When a run first fools SHARE of n images, in words."""
    for seconds, k in zip(run["seconds"], run["k"]):
        if k >= SHARE * n:
            return f"{seconds:.2g} s"
    return f"never (at most {max(run['k'])} of {n})"


def figure(results, path):
    """Gradients a second by batch, bare and inside our loops; and success on unseen 5s against seconds."""
    speed, common = results["limit"]["measured"], results["common"]["measured"]
    fig, (left, right) = plots.figure(1, 2, 12, 3.4)
    rows = speed["rows"]
    for name, label, mark in (
        ("bare", "the network's gradient alone", "k.-"),
        ("common", "noises side by side", "C0s"),
        ("attack", "attack, batch kept full", "C1D"),
    ):
        left.plot(*zip(*[(r["batch"], r[name]) for r in rows if name in r]), mark, label=label)
    left.set(xlabel="images in a batch", ylabel="gradients a second", ylim=(0, None))
    left.set_xscale("log", base=2)
    left.legend(frameon=False, fontsize="small", loc="lower right")
    for run, mark in zip(ran(common["runs"]), "osD^<vX"):
        right.plot(run["seconds"], [k / common["n"] for k in run["k"]], f"{mark}-", markersize=4, label=run["name"])
    right.set(xscale="log", xlabel="seconds of learning", ylabel="unseen 5s misread", ylim=(0, 1))
    for axis in (left.xaxis, right.xaxis):
        axis.set_major_formatter("{x:g}")
    right.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    fig.savefig(path, dpi=150, bbox_inches="tight")


def put(text, page):
    """Between the page's two marks."""
    whole = page.read_text("utf-8")
    page.write_text(re.sub(f"(?s){BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{text}{END}", whole), "utf-8")
    print(text)


def write(results):
    """Put them where they belong, as far as the parts they need have been measured."""
    if "peers" in results:
        put(table(results), README)
    if "optimality" in results:
        put(nearness(results["optimality"]), BESIDE)
    if {"limit", "common"} <= results.keys():
        figure(results, FIGURE)


if __name__ == "__main__":
    write(load())
