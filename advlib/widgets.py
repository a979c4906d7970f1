"""Sliders over pictures drawn beforehand: a pure ``render(...) -> Figure``, and the controls around it; quizzes.

Both are ipywidgets, drawn by ``widgets.js``.  The same script with a widget's state is its twin in HTML, which needs no
kernel: on the pages (built with ``ADVLIB_PAGE=1``), and in a notebook that is opened again.
"""

import base64
import html
import io
import itertools
import json
import math
import os
import uuid
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from IPython.display import display, update_display
from PIL import Image
from scipy.ndimage import maximum_filter
from tqdm.auto import tqdm

from . import plots

SCRIPT = Path(__file__).with_name("widgets.js").read_text(encoding="utf-8")
STYLE = Path(__file__).with_name("widgets.css").read_text(encoding="utf-8")
CODE = f"<style>{STYLE}</style>\n<script>{SCRIPT}</script>\n"


class Shown(anywidget.AnyWidget):
    """How a slider or a quiz is shown: as a widget where there is a kernel, and as its twin elsewhere."""

    _esm = f"{SCRIPT}export default advlib;"
    _css = STYLE
    twin = traitlets.Unicode().tag(sync=True)  # the id of its twin in the notebook
    on_page = False  # whether this kernel's page has CODE already

    def open(self):
        if not os.environ.get("ADVLIB_PAGE"):  # a page has nobody to talk to
            super().open()

    def page(self, code=CODE):
        """The twin: HTML and JavaScript, every picture inside, no kernel, no network; a still where no script runs.

        Parameters
        ----------
        code : str
            Style and script; "" on a page that has them already.
        """
        state = json.dumps(self.get_state(self.told)).replace("<", r"\u003c")  # </script> would end the script
        still = f'<div class="advlib-{self.kind}">{self._still()}</div>'
        return f"{code}{still}\n<script>advlib.page({state});</script>"

    def _ipython_display_(self):
        if os.environ.get("ADVLIB_PAGE"):
            page = self.page("" if Shown.on_page else CODE)
            Shown.on_page = True
            display({"text/html": page, "text/plain": self._text()}, raw=True)
            return
        self.twin = self.twin or uuid.uuid4().hex
        bundle, _ = self._repr_mimebundle_()
        display({**bundle, "text/plain": ""}, raw=True)
        display(self._twin(), raw=True, display_id=self.twin)

    def _twin(self):
        """A second output, which the widget hides while it lives; in its place, JupyterLab's error is hidden."""
        error = f'.jp-OutputArea-child:has(+ * [data-twin="{self.twin}"]):not(:has(.advlib-{self.kind}))'
        page = f'<div data-twin="{self.twin}"><style>{error} {{ display: none }}</style>{self.page()}</div>'
        return {"text/html": page, "text/plain": self._text()}

    @traitlets.observe("position", "chosen")
    def _follow(self, _):
        if self.twin:
            update_display(self._twin(), raw=True, display_id=self.twin)


class Explorer(Shown):
    """Controls around a picture.

    Parameters
    ----------
    render : function of the controls' values, by name -> Figure
        Called once for every combination of values, now.
    describe : function of the controls' values, by name -> str
        The line below the picture, with its numbers.
    start : dict, optional
        Values to begin with; the first of each otherwise.
    alt : str
        What there is to see in all the pictures, for who does not see them; ``describe`` has the numbers.
    **controls : dict of label to value, or sequence of values
        Words become buttons; all else becomes a slider.

    Attributes
    ----------
    position : dict
        Name to value.  ``observe`` tells of a move once the slider rests; to set it moves the picture.
    controls : dict
        Name to pairs of a label and a value.
    sheets : list of str
        The first picture of each size: WebP, in base64.
    frames : dict
        Indices into the controls, joined by commas, to a picture: its sheet, what it changes there, its width and
        height in CSS pixels, and its description.
    """

    kind = traitlets.Unicode("explorer").tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    controls = traitlets.Dict().tag(sync=True, to_json=lambda controls, _: _labelled(controls))
    sheets = traitlets.List().tag(sync=True)
    frames = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True, to_json=lambda start, self: _places(self.controls, start))
    position = traitlets.Dict().tag(
        sync=True,
        to_json=lambda position, self: _places(self.controls, position),
        from_json=lambda places, self: {name: self.controls[name][i][1] for name, i in places.items()},
    )
    told = "kind", "alt", "controls", "sheets", "frames", "start", "position"

    def __init__(self, render, describe, start=None, *, alt, **controls):
        controls = {name: _options(values) for name, values in controls.items()}
        for name in [name for name, options in controls.items() if not options]:
            raise ValueError(f"the control {name!r} has no values: give it one at least")
        begin = {name: options[0][1] for name, options in controls.items()} | (start or {})
        _places(controls, begin)  # refused here, before anything is drawn
        grid = list(itertools.product(*(range(len(options)) for options in controls.values())))
        sheets, frames = {}, {}
        for place in tqdm(grid, desc="drawing", unit="picture", disable=len(grid) < 40, leave=False):
            values = {name: options[i][1] for (name, options), i in zip(controls.items(), place)}
            frames[",".join(map(str, place))] = [*_frame(render(**values), sheets), describe(**values)]
        sheets = [_encoded(plots.webp(pixels)) for _, pixels in sheets.values()]
        super().__init__(alt=alt, controls=controls, sheets=sheets, frames=frames, start=begin, position=begin)

    @traitlets.validate("position")
    def _known(self, proposal):
        places = _places(self.controls, self.position | proposal["value"])
        return {name: self.controls[name][i][1] for name, i in places.items()}

    def _at(self, position):
        """The frame of a position."""
        return self.frames[",".join(str(place) for place in _places(self.controls, position).values())]

    def _figure(self, position, alt):
        """The whole picture of a position, with its caption."""
        sheet, change, width, _, text = self._at(position)
        whole = Image.alpha_composite(_decoded(self.sheets[sheet]), _decoded(change))
        data = plots.webp(np.asarray(whole)[..., :3])
        caption = f"<figcaption>{html.escape(text)}</figcaption>"
        return f'<figure style="margin:0">{plots.img(data, alt, width / 96)}{caption}</figure>'

    def _still(self):
        return f"{self._figure(self.position, self.alt)}<p>The slider appears when this cell is run.</p>"

    def _text(self):
        return f"[Slider: {self.alt} {self._at(self.position)[-1]}]"

    def strip(self, **values):
        """The same pictures side by side, for who has no kernel.

        Parameters
        ----------
        **values : sequence of values, for each control that is to vary
            The others stay where they began.
        """
        axes = {name: [value] for name, value in self.start.items()} | values
        figures, lines = [], []
        for place in itertools.product(*axes.values()):
            position = dict(zip(axes, place))
            labels = {name: self.controls[name][i][0] for name, i in _places(self.controls, position).items()}
            alt = ", ".join(f"{name.replace('_', ' ')} {labels[name]}" for name in values)
            figures.append(self._figure(position, alt))
            lines.append(f"[Picture: {self._at(position)[-1]}]")
        style = "display:grid;grid-template-columns:repeat(auto-fill,minmax(min(17rem,45%),1fr));gap:1em"
        told = f'class="advlib-strip" style="{style}" role="group" aria-label="{html.escape(self.alt, quote=True)}"'
        strip = f"<div {told}>{''.join(figures)}</div>"
        display({"text/html": strip, "text/plain": "\n".join(lines)}, raw=True)


class Quiz(Shown):
    """A question with buttons for its answers; which one is right comes from the results of this run.

    Parameters
    ----------
    question : str
    options : sequence of str
    answer : str
        One of the options: compute it, so that it cannot go stale.
    because : str
        What was measured; shown after any choice.

    Attributes
    ----------
    chosen : str or None
    replies : list of pairs
        Each option, and what is said to it.
    """

    kind = traitlets.Unicode("quiz").tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)
    replies = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    told = "kind", "question", "replies", "chosen"

    def __init__(self, question, options, answer, because):
        if list(options).count(answer) != 1:
            raise ValueError(f"the answer must be one of {', '.join(map(repr, options))}; found {answer!r}")
        verdicts = {o: f"Yes: {o}." if o == answer else f"It is {answer}, not {o}." for o in options}
        self.solution = f"{answer}. {because}"
        super().__init__(question=question, replies=[[o, f"{told} {because}"] for o, told in verdicts.items()])

    def _still(self):
        options = "".join(f"<li>{html.escape(option)}</li>" for option, _ in self.replies)
        answer = f"<details><summary>Answer</summary>{html.escape(self.solution)}</details>"
        return f"<p><b>{html.escape(self.question)}</b></p><ul>{options}</ul>{answer}"

    def _text(self):
        options = " | ".join(option for option, _ in self.replies)
        return f"{self.question}  [{options}]\nAnswer: {self.solution}"


def _options(values):
    if isinstance(values, dict):
        return list(values.items())
    return [(f"{v:g}" if isinstance(v, float) else str(v), v) for v in values]


def _labelled(controls):
    """The controls as the script takes them: name, labels, and whether they are words."""
    return [
        [name, [label for label, _ in options], all(isinstance(value, str) for _, value in options)]
        for name, options in controls.items()
    ]


def _places(controls, values):
    """Each value's index in its control, in the controls' order."""
    for name in [name for name in values if name not in controls]:
        raise ValueError(f"there is no control {name!r}; there is {', '.join(controls)}")
    return {name: _place(name, controls[name], values[name]) for name in controls}


def _place(name, options, value):
    """A value's index; a float may differ in its last digits, as those of np.arange do."""
    for i, (_, known) in enumerate(options):
        if known == value or (isinstance(known, float) and math.isclose(known, value, abs_tol=1e-9)):
            return i
    raise ValueError(f"{name} has no position {value!r}; it has {', '.join(str(v) for _, v in options)}")


def _frame(fig, sheets):
    """The number of a figure's sheet, what the figure changes on it, and its width and height in CSS pixels.

    Its axes stand where the first figure like it had them: nothing jumps as the slider moves, what stays the same is
    stored once, and the layout, a third of the drawing, is worked out once.
    """
    like = (*fig.get_size_inches(), len(fig.axes))
    if like in sheets:
        fig.set_layout_engine("none")
        for ax, place in zip(fig.axes, sheets[like][0]):
            ax.set_position(place)
    pixels = plots.pixels(fig)
    _, sheet = sheets.setdefault(like, ([ax.get_position(original=True) for ax in fig.axes], pixels))
    changed = maximum_filter((pixels != sheet).any(axis=-1), 25)  # with a seam: scaled down, no edge shows
    height, width = changed.shape
    change = _encoded(plots.webp(np.dstack([pixels, 255 * changed.astype(np.uint8)])))
    return list(sheets).index(like), change, 96 * width / fig.dpi, 96 * height / fig.dpi


def _encoded(data):
    return base64.b64encode(data).decode()


def _decoded(text):
    return Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA")
