"""Sliders over pictures drawn beforehand: a pure ``render(...) -> Figure``, and the controls around it; quizzes.

In a notebook the controls are ipywidgets, and a move swaps the picture.  Where pages are built
(``ADVLIB_PAGE=1``) the same pictures go into a few lines of HTML and JavaScript that need no kernel.
"""

import html
import itertools
import json
import math
import os
import uuid

import ipywidgets
from IPython.display import HTML, display
from tqdm.auto import tqdm

from . import plots


class Explorer:
    """Controls around a picture.

    Parameters
    ----------
    render : function of the controls' values, by name -> Figure
        Called once for every combination of values, now.
    describe : function of the controls' values, by name -> str
        What there is to see, with its numbers: the line below the picture, and its alt text.
    start : dict, optional
        Values to begin with; the first of each otherwise.
    **controls : dict of label to value, or sequence of values
        Words become buttons; all else becomes a slider.

    Attributes
    ----------
    frames : dict
        Tuple of the controls' positions to (PNG bytes, description, width in inches).
    controls : dict
        Name to ipywidget.
    """

    def __init__(self, render, describe, start=None, **controls):
        options = {name: _options(values) for name, values in controls.items()}
        for name in [name for name, known in options.items() if not known]:
            raise ValueError(f"the control {name!r} has no values: give it one at least")
        grid = list(itertools.product(*(range(len(o)) for o in options.values())))
        self.frames, layouts = {}, {}
        for place in tqdm(grid, desc="drawing", unit="picture", disable=len(grid) < 40, leave=False):
            values = {name: o[i][1] for (name, o), i in zip(options.items(), place)}
            fig = render(**values)
            self.frames[place] = _drawn(fig, layouts), describe(**values), fig.get_figwidth()
        self._options = options
        self._start = dict.fromkeys(options, 0) | {
            name: self._place(name, value) for name, value in (start or {}).items()
        }
        self.controls = {name: self._control(name, o) for name, o in options.items()}
        self.picture = ipywidgets.HTML()
        reset = ipywidgets.Button(description="start again", tooltip="all controls back to where they began")
        reset.on_click(self._reset)
        for control in self.controls.values():
            control.observe(self._show, "value")
        self.box = ipywidgets.VBox([*self.controls.values(), reset, self.picture])
        self.box.add_class("advlib-explorer")
        self._show()

    def _control(self, name, options):
        words = all(isinstance(value, str) for _, value in options)
        # no drop-down list: JupyterLab takes its arrow keys away, and its letters for commands
        kind = ipywidgets.ToggleButtons if words else ipywidgets.SelectionSlider
        places = [(label, i) for i, (label, _) in enumerate(options)]
        return kind(
            options=places, value=self._start[name], description=name.replace("_", " "),
            style={"description_width": "7em"}, layout={"width": "auto" if words else "32em", "max_width": "100%"},
        )  # fmt: skip

    def _place(self, name, value):
        """The position of a control's value; a float may differ in its last digits, as those of np.arange do."""
        if name not in self._options:
            raise ValueError(f"there is no control {name!r}; there is {', '.join(self._options)}")
        for i, (_, known) in enumerate(self._options[name]):
            if known == value or (isinstance(known, float) and math.isclose(known, value, abs_tol=1e-9)):
                return i
        known = ", ".join(str(v) for _, v in self._options[name])
        raise ValueError(f"{name} has no position {value!r}; it has {known}")

    def _reset(self, _):
        for name, control in self.controls.items():
            control.value = self._start[name]

    def _show(self, _=None):
        data, text, inches = self.frames[tuple(c.value for c in self.controls.values())]
        self.picture.value = _captioned(data, text, inches)

    def strip(self, **values):
        """The same pictures side by side, for who has no kernel.

        Parameters
        ----------
        **values : sequence of values, for each control that is to vary
            The others stay where they began.
        """
        axes = {name: [start] for name, start in self._start.items()} | {
            name: [self._place(name, value) for value in wanted] for name, wanted in values.items()
        }
        frames = [self.frames[place] for place in itertools.product(*axes.values())]
        cells = "".join(
            f'<div style="max-width:{max(24, 4 * frame[2]):g}em">{_captioned(*frame)}</div>' for frame in frames
        )
        text = "\n".join(f"[Picture: {description}]" for _, description, _ in frames)
        strip = f'<div style="display:flex;flex-wrap:wrap;gap:1em">{cells}</div>'
        display({"text/html": strip, "text/plain": text}, raw=True)

    def _ipython_display_(self):
        if os.environ.get("ADVLIB_PAGE"):
            display(HTML(self.page()))
        else:
            display(self.box)

    def page(self):
        """The same controls in HTML and JavaScript, with every picture inside: no kernel, no network."""
        name = f"explorer-{uuid.uuid4().hex[:8]}"
        rows = []
        for control, options in self._options.items():
            start, title = self._start[control], html.escape(control.replace("_", " "))
            if all(isinstance(value, str) for _, value in options):
                choices = "".join(
                    f'<option value="{i}"{" selected" * (i == start)}>{html.escape(label)}</option>'
                    for i, (label, _) in enumerate(options)
                )
                rows.append(f"<label>{title} <select>{choices}</select></label>")
            else:
                labels = html.escape(json.dumps([label for label, _ in options]), quote=True)
                rows.append(
                    f'<label>{title} <input type="range" min="0" max="{len(options) - 1}" value="{start}"'
                    f' data-labels="{labels}" style="width:16em;vertical-align:middle"></label>'
                    " <output></output>"
                )
        pictures = {",".join(map(str, place)): _captioned(*frame) for place, frame in self.frames.items()}
        return _PAGE.format(
            name=name,
            rows="".join(f"<div>{row}</div>" for row in rows),
            pictures=json.dumps(pictures).replace("</", "<\\/"),
        )


_PAGE = """<div id="{name}" class="advlib-explorer">{rows}<div class="picture" aria-live="polite"></div></div>
<script>(function () {{
  const box = document.getElementById("{name}"), pictures = {pictures};
  const controls = [...box.querySelectorAll("input, select")];
  function show() {{
    for (const c of controls) if (c.dataset.labels) {{
      const label = JSON.parse(c.dataset.labels)[c.value];
      c.closest("div").querySelector("output").textContent = label;
      c.setAttribute("aria-valuetext", label);
    }}
    box.querySelector(".picture").innerHTML = pictures[controls.map(c => c.value).join(",")];
  }}
  for (const c of controls) {{
    c.addEventListener("input", show);
    c.addEventListener("keydown", e => e.stopPropagation());
  }}
  show();
}})();</script>"""


class Quiz:
    """A question with buttons for its answers; which one is right comes from the results of this run.

    Parameters
    ----------
    question : str
    options : sequence of str
    answer : str
        One of the options: compute it, so that it cannot go stale.
    because : str
        What was measured; shown after any choice.
    """

    def __init__(self, question, options, answer, because):
        if list(options).count(answer) != 1:
            raise ValueError(f"the answer must be one of {', '.join(map(repr, options))}; found {answer!r}")
        self.question, self.options, self.answer, self.because = question, list(options), answer, because
        self.buttons = ipywidgets.ToggleButtons(
            options=self.options, value=None, layout={"width": "auto"},
            style={"button_width": "auto"}, tooltips=[question] * len(options),
        )  # fmt: skip
        self.reply = ipywidgets.HTML()
        asked = ipywidgets.HTML(f"<b>{html.escape(question)}</b>")
        self.buttons.observe(lambda change: setattr(self.reply, "value", self._say(change["new"])), "value")
        self.box = ipywidgets.VBox([asked, self.buttons, self.reply])
        self.box.add_class("advlib-quiz")

    def _say(self, chosen):
        verdict = f"✓ Yes: {chosen}." if chosen == self.answer else f"✗ Not {chosen}: {self.answer}."
        return html.escape(f"{verdict} {self.because}")

    def _ipython_display_(self):
        text = f"{self.question}  [{' | '.join(self.options)}]\nAnswer: {self.answer}. {self.because}"
        page = os.environ.get("ADVLIB_PAGE")
        bundle = {"text/html": self.page()} if page else self.box._repr_mimebundle_()
        display({**bundle, "text/plain": text}, raw=True)

    def page(self):
        """The same in HTML and a line of JavaScript a button."""
        buttons = "".join(
            f'<button type="button" onclick="this.parentNode.querySelector(\'output\').innerHTML=this.dataset.say"'
            f' data-say="{html.escape(self._say(option), quote=True)}">{html.escape(option)}</button> '
            for option in self.options
        )
        question = f"<p><b>{html.escape(self.question)}</b></p>"
        return f'<div class="advlib-quiz">{question}{buttons}<p><output aria-live="polite"></output></p></div>'


def _drawn(fig, layouts):
    """The figure as PNG, its axes where the first one like it had them: nothing jumps as the slider moves."""
    like = (*fig.get_size_inches(), len(fig.axes))
    if like in layouts:  # and the layout, a third of the drawing, is worked out once
        fig.set_layout_engine("none")
        for ax, place in zip(fig.axes, layouts[like]):
            ax.set_position(place)
    data = plots.png(fig, dpi=90)
    layouts.setdefault(like, [ax.get_position(original=True) for ax in fig.axes])
    return data


def _options(values):
    if isinstance(values, dict):
        return list(values.items())
    return [(f"{v:g}" if isinstance(v, float) else str(v), v) for v in values]


def _captioned(data, text, inches):
    picture = plots.img(data, text, inches)
    return f'<figure style="margin:0">{picture}<figcaption>{html.escape(text)}</figcaption></figure>'
