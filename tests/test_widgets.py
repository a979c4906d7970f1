"""A slider has a picture for every position, in the notebook and on the page; a quiz knows its answer."""

import base64
import html
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from advlib import plots, widgets

EPS, RULES = [0.0, 0.15, 0.3], ["gradient", "sign"]
ALT = "a 7 & its noise"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """What was shown, one bundle a call of display(), and with "again" what replaces one of them."""
    bundles = []
    monkeypatch.delenv("ADVLIB_PAGE", raising=False)
    monkeypatch.setattr(widgets.Shown, "on_page", False)
    monkeypatch.setattr(widgets, "display", lambda bundle, **how: bundles.append(bundle | how))
    monkeypatch.setattr(widgets, "update_display", lambda bundle, **how: bundles.append(bundle | how | {"again": True}))
    return bundles


@pytest.fixture
def drawn(monkeypatch):
    """What was drawn, as pixels."""
    pictures, honest = [], plots.pixels

    def watching(fig):
        pictures.append(honest(fig))
        return pictures[-1]

    monkeypatch.setattr(plots, "pixels", watching)
    return pictures


def drawing(text=""):
    fig, ax = plots.figure()
    ax.set_title(text)
    return fig


def render(eps, rule):
    return drawing(f"{eps:.2f} {rule}")


def describe(eps, rule):
    return f"ε = {eps:.2f} < 1, {rule}"


def said(**values):
    return f"{values}"


@pytest.fixture
def explorer(drawn):
    return widgets.Explorer(render, describe, start={"rule": "sign"}, alt=ALT, eps=EPS, rule=RULES)


def images(page):
    """The alternative texts of a page's pictures, and the pictures."""
    found = re.findall(r'<img src="data:image/webp;base64,([^"]+)" alt="([^"]*)"', page)
    assert len(found) == page.count("<img")
    return [(html.unescape(alt), np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))) for data, alt in found]


def captions(page):
    return [html.unescape(text) for text in re.findall("<figcaption[^>]*>(.*?)</figcaption>", page)]


def state(page):
    """What a page tells the script."""
    (told,) = re.findall(r"<script>advlib\.page\((.*)\);</script>", page)
    return json.loads(told)


# --------------------------------------------------------------------------------------------------------- sliders
def test_every_position_has_the_picture_that_was_drawn_for_it(explorer, drawn, shown):
    assert len(drawn) == 6
    explorer.strip(eps=EPS, rule=RULES)
    page = shown[0]["text/html"]
    for (_, picture), expected in zip(images(page), drawn, strict=True):
        np.testing.assert_array_equal(picture, expected)
    assert len({picture.tobytes() for picture in drawn}) == 6
    assert captions(page) == [describe(eps, rule) for eps in EPS for rule in RULES]


def test_pictures_of_several_sizes(drawn, shown):
    def some(size):
        fig, _ = plots.figure(1, 1, width=1 + size % 2)
        fig.suptitle(str(size))
        return fig

    explorer = widgets.Explorer(some, said, alt=ALT, size=range(4))
    assert len(explorer.sheets) == 2
    explorer.strip(size=range(4))
    for (_, picture), expected in zip(images(shown[0]["text/html"]), drawn, strict=True):
        np.testing.assert_array_equal(picture, expected)
    assert re.findall(r"width:(\d+)px", shown[0]["text/html"]) == ["96", "192", "96", "192"]


def test_what_stays_the_same_is_stored_once(drawn):
    def noisy(k):
        fig, axes = plots.figure(1, 2)
        plots.draw_image(axes[0], np.random.default_rng(0).random((28, 28, 1)))
        plots.draw_image(axes[1], np.full((28, 28, 1), k / 9))
        return fig

    explorer = widgets.Explorer(noisy, said, alt=ALT, k=range(10))
    whole = sum(len(plots.webp(picture)) for picture in drawn)
    assert len(explorer.page("")) < whole / 2


def test_a_frame_is_laid_out_as_the_first_one_like_it(monkeypatch):
    places, honest = [], plots.pixels

    def watching(fig):
        picture = honest(fig)
        places.append([ax.get_position(original=True).bounds for ax in fig.axes])
        return picture

    def labelled(size):
        fig, axes = plots.figure(1, size // 10 + 1)
        for ax in np.ravel(axes):
            ax.set_ylabel("wide\n" * (size % 10 + 1))
        return fig

    monkeypatch.setattr(plots, "pixels", watching)
    widgets.Explorer(labelled, said, alt=ALT, size=[0, 3, 10, 13])
    assert places[0] == places[1]
    assert places[2] == places[3]
    assert len(places[2]) == 2


def test_numbers_become_a_slider_and_words_buttons(explorer):
    assert explorer.get_state("controls")["controls"] == [
        ["eps", ["0", "0.15", "0.3"], False],
        ["rule", ["gradient", "sign"], True],
    ]


def test_python_moves_the_picture_and_hears_of_a_move(explorer):
    heard = []
    explorer.observe(lambda change: heard.append(change["new"]), "position")
    assert explorer.position == {"eps": 0.0, "rule": "sign"}
    explorer.position = {"eps": 0.3}  # the others stay
    assert explorer.position == {"eps": 0.3, "rule": "sign"}
    assert explorer.get_state("position") == {"position": {"eps": 2, "rule": 1}}
    explorer.set_state({"position": {"eps": 1, "rule": 0}})  # what the browser sends
    assert explorer.position == {"eps": 0.15, "rule": "gradient"}
    assert heard == [{"eps": 0.3, "rule": "sign"}, {"eps": 0.15, "rule": "gradient"}]
    assert explorer.get_state("start") == {"start": {"eps": 0, "rule": 1}}


def test_labels_and_values_may_differ():
    seen = []
    labels = {"0.00 (0/255)": 0, "0.15 (38/255)": 1}
    explorer = widgets.Explorer(lambda eps: drawing(), lambda eps: seen.append(eps) or f"no. {eps}", alt="", eps=labels)
    assert seen == [0, 1]
    assert explorer.get_state("controls")["controls"] == [["eps", list(labels), False]]
    explorer.set_state({"position": {"eps": 1}})
    assert explorer.position == {"eps": 1}


def test_arange_is_written_plainly_and_found_again(shown):
    grid = np.arange(0, 0.31, 0.05)
    explorer = widgets.Explorer(lambda eps: drawing(), lambda eps: f"{eps:.2f}", {"eps": 0.15}, alt=ALT, eps=grid)
    ((_, labels, _),) = explorer.get_state("controls")["controls"]
    assert labels == ["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3"]
    assert explorer.get_state("position") == {"position": {"eps": 3}}
    explorer.strip(eps=[0.15, 0.3])
    assert shown[0]["text/plain"] == "[Picture: 0.15]\n[Picture: 0.30]"


def test_a_strip_varies_what_it_is_told_and_names_its_pictures(explorer, drawn, shown):
    explorer.strip(eps=[0.0, 0.3])
    page = shown[0]["text/html"]
    assert [alt for alt, _ in images(page)] == ["eps 0", "eps 0.3"]
    assert 'aria-label="a 7 &amp; its noise"' in page
    assert captions(page) == [describe(0.0, "sign"), describe(0.3, "sign")]
    np.testing.assert_array_equal(images(page)[1][1], drawn[5])
    explorer.position = {"eps": 0.3, "rule": "gradient"}
    explorer.strip(rule=["gradient", "sign"], eps=[0.15])  # the start, not the position
    assert shown[-1]["text/plain"] == f"[Picture: {describe(0.15, 'gradient')}]\n[Picture: {describe(0.15, 'sign')}]"
    explorer.strip(rule=["gradient"])
    assert shown[-1]["text/plain"] == f"[Picture: {describe(0.0, 'gradient')}]"


def test_a_position_or_a_control_that_is_not_there_is_named(explorer):
    with pytest.raises(ValueError, match=r"eps has no position 0\.2; it has 0\.0, 0\.15, 0\.3"):
        explorer.strip(eps=[0.2])
    with pytest.raises(ValueError, match="there is no control 'epz'; there is eps, rule"):
        explorer.strip(epz=[0.0])
    with pytest.raises(ValueError, match="eps has no position 7"):
        explorer.position = {"eps": 7}
    assert explorer.position == {"eps": 0.0, "rule": "sign"}

    def never(eps, rule):
        raise AssertionError("drawn before the start was read")

    with pytest.raises(ValueError, match="rule has no position 'sing'"):
        widgets.Explorer(never, describe, start={"rule": "sing"}, alt=ALT, eps=EPS, rule=RULES)


def test_a_control_without_values_is_named():
    with pytest.raises(ValueError, match="the control 'rule' has no values"):
        widgets.Explorer(render, describe, alt=ALT, eps=[0.0, 0.15], rule=[])


# ------------------------------------------------------------------------------- where sliders and quizzes are shown
@pytest.fixture
def quiz():
    return widgets.Quiz("Which is < 2?", ["1", "3"], answer="1", because="Measured: 1 < 2.")


def test_in_a_notebook_a_twin_follows_the_slider(explorer, drawn, shown):
    explorer._ipython_display_()
    alive, still = shown
    assert alive[VIEW]["model_id"] == explorer.model_id
    assert "text/html" not in alive  # one picture, not two, where only HTML is shown
    assert f'data-twin="{explorer.twin}"' in still["text/html"]  # by which the widget hides it
    ((alt, picture),) = images(still["text/html"])
    assert alt == ALT
    np.testing.assert_array_equal(picture, drawn[1])
    assert captions(still["text/html"]) == [describe(0.0, "sign")]
    assert still["text/plain"] == f"[Slider: {ALT} {describe(0.0, 'sign')}]"
    explorer.set_state({"position": {"eps": 2, "rule": 0}})
    moved = shown[-1]
    assert (moved["again"], moved["display_id"]) == (True, still["display_id"])
    np.testing.assert_array_equal(images(moved["text/html"])[0][1], drawn[4])
    assert state(moved["text/html"])["position"] == {"eps": 2, "rule": 0}


def test_an_explorer_that_was_never_shown_replaces_nothing(explorer, shown):
    explorer.position = {"eps": 0.3}
    assert not shown


def test_in_a_notebook_a_twin_follows_the_quiz_and_is_a_list_where_no_script_runs(quiz, shown):
    quiz._ipython_display_()
    alive, still = shown
    assert alive[VIEW]["model_id"] == quiz.model_id
    assert re.findall("<li>(.*?)</li>", still["text/html"]) == ["1", "3"]
    assert "Which is &lt; 2?" in still["text/html"]
    assert "<details><summary>Answer</summary>1. Measured: 1 &lt; 2.</details>" in still["text/html"]
    assert still["text/plain"] == "Which is < 2?  [1 | 3]\nAnswer: 1. Measured: 1 < 2."
    quiz.set_state({"chosen": "3"})
    assert state(shown[-1]["text/html"])["chosen"] == "3"


def test_a_page_has_the_script_once_and_no_kernel_is_spoken_to(monkeypatch, shown):
    monkeypatch.setenv("ADVLIB_PAGE", "1")
    explorer = widgets.Explorer(render, describe, alt=ALT, eps=EPS, rule=RULES)
    quiz = widgets.Quiz("?", ["1", "3"], answer="1", because="")
    for widget in (explorer, quiz, explorer):
        widget._ipython_display_()
        assert widget.comm is None  # a comm would leave its state, every picture, in the executed notebook
    assert [bundle["text/html"].count(widgets.CODE) for bundle in shown] == [1, 0, 0]
    assert not any(VIEW in bundle for bundle in shown)
    assert widgets.CODE in explorer.page()  # alone it is whole


def test_a_page_holds_every_frame_and_nothing_that_ends_its_script(explorer):
    page = explorer.page("")
    assert page.count("</script") == 1
    assert 'class="advlib-explorer"' in page
    told = state(page)
    assert set(told["frames"]) == {f"{i},{j}" for i in range(3) for j in range(2)}
    for (i, j), (sheet, change, width, height, text) in (
        (map(int, key.split(",")), frame) for key, frame in told["frames"].items()
    ):
        assert text == describe(EPS[i], RULES[j])
        assert (width, height) == (211, 211)
        layers = told["sheets"][sheet], change
        sizes = [Image.open(io.BytesIO(base64.b64decode(data))).size for data in layers]
        assert sizes == [(422, 422)] * 2
    assert told["alt"] == ALT
    assert told["start"] == told["position"] == {"eps": 0, "rule": 1}


def test_a_quiz_says_what_is_right_and_why(quiz):
    assert state(quiz.page("")) == {
        "kind": "quiz",
        "question": "Which is < 2?",
        "replies": [["1", "Yes: 1. Measured: 1 < 2."], ["3", "It is 1, not 3. Measured: 1 < 2."]],
        "chosen": None,
    }


def test_a_quiz_whose_answer_is_no_option_is_refused():
    with pytest.raises(ValueError, match="must be one of '1', '3'; found '2'"):
        widgets.Quiz("?", ["1", "3"], answer="2", because="")
