"""What it costs to read each notebook: python tools/reading.py [NOTEBOOK...]

200 words a minute, 6 seconds a visible line of code, half a minute a figure, slider or quiz.  What is folded (hints,
solutions, figures' code) and what the reader is to write does not count.
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIGURES = re.compile(r"plots\.show\(|Explorer\(|Quiz\(|\.strip\(")


@dataclass(frozen=True)
class Cost:
    cells: int  # of code, without stubs and solutions
    lines: int  # of visible code
    words: int
    figures: int  # sliders and quizzes among them
    functions: int  # that it defines in the open
    declared: int | None  # minutes by its card

    @property
    def minutes(self):
        return self.words / 200 + self.lines / 10 + self.figures / 2


def cost(notebook):
    """What a notebook costs, given as its JSON."""
    text, code = "", []
    for cell in notebook["cells"]:
        source, tags = "".join(cell["source"]), cell["metadata"].get("tags", [])
        source = re.sub(r"\*\*On Colab\*\* .*", "", source)  # the link that only a published copy has
        if cell["cell_type"] == "markdown":
            text += re.sub(r"<details>.*?</details>", "", source, flags=re.DOTALL) + "\n"
        elif not {"stub", "solution", "colab"} & set(tags):
            code.append((source, "figure" in tags))
    visible = [line for source, folded in code if not folded for line in source.splitlines()]
    told = re.search(r"\*\*Minutes\*\*:? *(\d+)", text)
    everything = "\n".join(source for source, _ in code)
    return Cost(
        cells=len(code),
        lines=sum(bool(line.strip()) and not line.strip().startswith("#") for line in visible),
        words=len(re.findall(r"[\w’'-]+", re.sub(r"\$.*?\$", " x ", text, flags=re.DOTALL))),
        figures=len(FIGURES.findall(everything)),
        functions=len(re.findall(r"^\s*def ", everything, re.MULTILINE)),
        declared=int(told[1]) if told else None,
    )


def main(*paths):
    heads = ("cells", "lines", "words", "figures", "functions", "minutes", "declared")
    print(f"{'':40}", *(f"{head:>9}" for head in heads))
    for path in map(Path, paths or sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))):
        if ".ipynb_checkpoints" not in path.parts:
            found = cost(json.loads(path.read_text(encoding="utf-8")))
            values = (round(getattr(found, head)) if getattr(found, head) is not None else "-" for head in heads)
            print(f"{path.stem:40}", *(f"{value:>9}" for value in values))


if __name__ == "__main__":
    main(*sys.argv[1:])
