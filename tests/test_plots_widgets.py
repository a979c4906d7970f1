"""Figures carry their words; a slider has a picture for every position, in the notebook and on the page."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import ipywidgets
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from advlib import metrics, plots, widgets


@pytest.fixture
def shown(monkeypatch):
    """What was put on the page, one bundle a call of display()."""
    bundles = []
    for module in (plots, widgets):
        monkeypatch.setattr(module, "display", lambda bundle, raw=False: bundles.append(bundle))
    return bundles


class Tags(HTMLParser):
    """The tags of a piece of HTML, each with its attributes; opened and closed in order, or it is refused."""

    VOID = ("img", "input", "br")

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def pixels(source):
    """The picture behind an <img>'s src."""
    kind, data = re.fullmatch("data:image/(png|webp);base64,(.*)", source).groups()
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.format.lower() == kind
    return np.asarray(picture)


def drawing(text=""):
    fig, ax = plots.figure()
    ax.set_title(text)
    return fig


# --------------------------------------------------------------------------------------------------------- figures
def test_show_gives_picture_alt_text_and_caption(shown):
    alt, caption = 'a 7 & a "3" <small>', "Seven > three & more."
    plots.show(drawing(), alt=alt, caption=caption)
    (bundle,) = shown
    tags = Tags(bundle["text/html"])
    (picture,) = tags.all("img")
    assert picture["alt"] == alt
    assert pixels(picture["src"]).ndim == 3
    assert len(tags.all("figcaption")) == 1
    assert "Seven &gt; three &amp; more." in bundle["text/html"]
    assert bundle["text/plain"] == f"{caption}\n[Figure: {alt}]"


def test_show_without_a_caption(shown):
    plots.show(drawing(), alt="a 7")
    assert not Tags(shown[0]["text/html"]).all("figcaption")
    assert shown[0]["text/plain"] == "[Figure: a 7]"


def test_a_picture_is_as_wide_as_its_figure_with_two_dots_a_pixel(shown):
    fig, _ = plots.figure(width=5, height=2)
    plots.show(fig, alt="nothing")
    (picture,) = Tags(shown[0]["text/html"]).all("img")
    assert picture["style"].startswith("width:480px;")
    assert "max-width:min(480px,100%)" in picture["style"]  # never wider than the page
    assert pixels(picture["src"]).shape == (2 * 192, 2 * 480, 3)


def test_no_colour_of_a_picture_is_changed():
    fig, ax = plots.figure()
    plots.draw_noise(ax, np.random.default_rng(0).normal(0, 0.1, (28, 28, 1)))
    drawn = plots.pixels(fig)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(plots.webp(drawn)))), drawn)


def three_columns(width):
    fig, axes = plots.figure(2, 3, width)
    for k, ax in enumerate(axes.flat):
        ax.plot([0, k])
        ax.set_ylabel(f"the number {k}")
    return fig


def test_a_wide_figure_is_cut_between_its_columns_so_that_a_phone_can_stack_them(shown):
    plots.show(three_columns(9), alt="six lines")
    pictures = Tags(shown[0]["text/html"]).all("img")
    assert [picture["alt"] for picture in pictures] == ["six lines", "", ""]  # read aloud once
    assert [picture.get("aria-hidden") for picture in pictures] == [None, "true", "true"]
    pieces = [pixels(picture["src"]) for picture in pictures]
    assert np.array_equal(np.hstack(pieces), plots.pixels(three_columns(9)))
    assert all((piece[:, [0, -1]] == 255).all() for piece in pieces)  # nothing is cut through


def test_a_figure_is_left_whole_where_it_is_narrow_or_something_spans_its_columns(shown):
    plots.show(three_columns(plots.PHONE), alt="narrow")
    fig = three_columns(9)
    fig.suptitle("a long title that stands above all of the columns of this figure")
    plots.show(fig, alt="spanned")
    assert [len(Tags(bundle["text/html"]).all("img")) for bundle in shown] == [1, 1]


def test_nothing_is_cut_off_at_the_edge():
    fig = plots.attacked(np.zeros((4, 4, 1)), np.ones((4, 4, 1)), np.full(10, 0.1), 3)
    assert fig.get_figwidth() <= plots.PHONE
    drawn = plots.pixels(fig)
    for edge in (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]):
        assert (edge == 255).all()


def test_figure():
    fig, axes = plots.figure(2, 3)
    assert isinstance(fig, Figure)
    assert axes.shape == (2, 3)
    assert fig.get_size_inches() == pytest.approx([6.6, 4.4])
    fig, ax = plots.figure(width=5, height=3)
    assert fig.get_size_inches() == pytest.approx([5, 3])
    assert fig.axes == [ax]


@pytest.mark.parametrize(
    ("eps", "text"), [(0, "0.00 (0/255)"), (0.15, "0.15 (38/255)"), (0.24, "0.24 (61/255)"), (1, "1.00 (255/255)")]
)
def test_eps_is_given_in_both_units(eps, text):
    assert plots.eps_text(eps) == text


def test_draw_image_runs_from_black_to_white():
    fig, ax = plots.figure()
    plots.draw_image(ax, np.full((4, 4, 1), 0.5, np.float32), "grey")
    assert ax.images[0].get_clim() == (0, 1)
    assert ax.get_title() == "grey"
    fig.canvas.draw()
    plots.draw_image(ax, np.zeros((4, 4, 3)))
    assert ax.images[1].get_array().shape == (4, 4, 3)
    plots.png(fig)


def test_draw_noise_is_centred_at_0_with_one_scale():
    fig, ax = plots.figure()
    plots.draw_noise(ax, np.full((4, 4, 3), 0.1), "noise")
    picture = ax.images[0]
    assert picture.get_clim() == (-0.3, 0.3)
    assert picture.get_array().shape == (4, 4)
    zero, brighter, darker = (picture.cmap(picture.norm(v))[:3] for v in (0.0, 0.3, -0.3))
    assert min(zero) > 0.95  # white
    assert brighter[0] > brighter[2]  # red
    assert darker[2] > darker[0]  # blue
    plots.draw_noise(ax, np.zeros((4, 4, 1)), vmin=-1, vmax=1)
    assert ax.images[1].get_clim() == (-1, 1)
    plots.png(fig)


def test_draw_probabilities_hatches_the_true_class():
    fig, ax = plots.figure()
    plots.draw_probabilities(ax, np.array([0.1, 0.7, 0.2]), 2, names=["stop", "go", "slow"])
    assert [bar.get_height() for bar in ax.patches] == [0.1, 0.7, 0.2]
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, False, True]
    assert ax.get_ylim() == (0, 1)
    plots.png(fig)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["stop", "go", "slow"]


def test_draw_rates_has_the_interval_as_a_band():
    fig, ax = plots.figure()
    rates = [metrics.Rate(0, 10), metrics.Rate(5, 10), metrics.Rate(10, 10)]
    plots.draw_rates(ax, [0, 1, 2], rates, "noise", marker="o")
    line, band = ax.lines[0], ax.collections[0].get_paths()[0].vertices
    assert line.get_ydata().tolist() == [0, 0.5, 1]
    assert line.get_label() == "noise"
    low, high = rates[1].interval
    middle = band[band[:, 0] == 1][:, 1]
    assert {low, high} <= set(middle)
    plots.png(fig)


def test_draw_matrix_writes_its_numbers_and_leaves_nan_empty():
    fig, ax = plots.figure()
    plots.draw_matrix(ax, np.array([[np.nan, 3.0], [1.0, np.nan]]), "read", "true", names=["a", "b"])
    assert [text.get_text() for text in ax.texts] == ["3", "1"]
    assert {text.get_color() for text in ax.texts} == {"black", "white"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("read", "true")
    plots.png(fig)


def test_draw_matrix_of_several_rows_and_columns():
    fig, ax = plots.figure()
    plots.draw_matrix(ax, np.arange(6).reshape(2, 3) / 10, "column", "row", form="{:.1f}")
    assert [text.get_text() for text in ax.texts] == ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]
    plots.png(fig)


@pytest.mark.parametrize(("n", "rows"), [(1, 1), (10, 1), (11, 2)])
def test_image_grid(n, rows):
    fig = plots.image_grid(np.zeros((n, 4, 4, 1)), titles=[str(k) for k in range(n)])
    drawn = [ax for ax in fig.axes if ax.images]
    assert [ax.get_title() for ax in drawn] == [str(k) for k in range(n)]
    assert fig.axes[0].get_gridspec().nrows == rows
    assert drawn[0].images[0].get_clim() == (0, 1)
    assert not any(ax.axison for ax in fig.axes)
    plots.png(fig)


def test_image_grid_of_noise():
    fig = plots.image_grid(np.zeros((3, 4, 4, 1)), noise=True)
    assert fig.axes[0].images[0].get_clim() == (-0.3, 0.3)


# --------------------------------------------------------------------------------------------------------- sliders
EPS, RULES = [0.0, 0.15, 0.3], ["gradient", "sign"]


def render(eps, rule):
    return drawing(f"{eps:.2f} {rule}")


def describe(eps, rule):
    return f"ε = {eps:.2f} < 1, {rule}"


@pytest.fixture
def explorer():
    return widgets.Explorer(render, describe, start={"rule": "sign"}, eps=EPS, rule=RULES)


def picture(explorer):
    (found,) = Tags(explorer.picture.value).all("img")
    return found


def test_there_is_a_frame_for_every_combination_and_no_two_are_alike(explorer):
    assert set(explorer.frames) == {(i, j) for i in range(3) for j in range(2)}
    assert len({data for data, _, _ in explorer.frames.values()}) == 6
    for (i, j), (data, text, inches) in explorer.frames.items():
        assert data.startswith(b"\x89PNG")
        assert text == describe(EPS[i], RULES[j])
        assert inches == 2.2


def test_a_frame_is_laid_out_as_the_first_one_like_it(monkeypatch):
    drawn, honest = [], plots.png

    def watching(fig, **how):
        data = honest(fig, **how)
        drawn.append([ax.get_position(original=True).bounds for ax in fig.axes])
        return data

    def labelled(size):
        fig, axes = plots.figure(1, size // 10 + 1)
        for ax in np.ravel(axes):
            ax.set_ylabel("wide\n" * (size % 10 + 1))
        return fig

    monkeypatch.setattr(plots, "png", watching)
    widgets.Explorer(labelled, lambda size: str(size), size=[0, 3, 10, 13])
    assert drawn[0] == drawn[1]
    assert drawn[2] == drawn[3]
    assert len(drawn[2]) == 2


def test_numbers_become_a_slider_and_words_buttons(explorer):
    assert isinstance(explorer.controls["eps"], ipywidgets.SelectionSlider)
    assert isinstance(explorer.controls["rule"], ipywidgets.ToggleButtons)
    assert "advlib-explorer" in explorer.box._dom_classes


def test_the_whole_grid_of_controls_moves_the_picture(explorer):
    for (i, j), (data, text, _) in explorer.frames.items():
        explorer.controls["eps"].value, explorer.controls["rule"].value = i, j
        assert picture(explorer)["alt"] == text
        assert picture(explorer)["src"].endswith(base64.b64encode(data).decode())


def test_it_begins_where_it_was_told_and_goes_back_there(explorer):
    begin = explorer.picture.value
    assert picture(explorer)["alt"] == describe(0.0, "sign")
    explorer.controls["eps"].label, explorer.controls["rule"].label = "0.3", "gradient"  # by their words
    assert picture(explorer)["alt"] == describe(0.3, "gradient")
    (reset,) = [child for child in explorer.box.children if isinstance(child, ipywidgets.Button)]
    reset.click()
    assert explorer.picture.value == begin


def test_labels_and_values_may_differ():
    seen = []
    labels = {"0.00 (0/255)": 0, "0.15 (38/255)": 1}
    explorer = widgets.Explorer(lambda eps: drawing(eps), lambda eps: seen.append(eps) or f"no. {eps}", eps=labels)
    assert seen == [0, 1]
    explorer.controls["eps"].label = "0.15 (38/255)"
    assert picture(explorer)["alt"] == "no. 1"


def test_arange_is_written_plainly_and_found_again(shown):
    grid = np.arange(0, 0.31, 0.05)
    explorer = widgets.Explorer(lambda eps: drawing(), lambda eps: f"{eps:.2f}", start={"eps": 0.15}, eps=grid)
    labels = [label for label, _ in explorer.controls["eps"].options]
    assert labels == ["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3"]
    assert picture(explorer)["alt"] == "0.15"
    explorer.strip(eps=[0.15, 0.3])
    assert shown[0]["text/plain"] == "[Picture: 0.15]\n[Picture: 0.30]"


def test_the_strip_shows_what_the_slider_would(explorer, shown):
    explorer.strip(eps=[0.0, 0.3])
    (bundle,) = shown
    pictures = Tags(bundle["text/html"]).all("img")
    assert [p["alt"] for p in pictures] == [describe(0.0, "sign"), describe(0.3, "sign")]
    assert pictures[1]["src"].endswith(base64.b64encode(explorer.frames[2, 1][0]).decode())
    explorer.strip(rule=["gradient", "sign"], eps=[0.15])
    assert shown[1]["text/plain"] == f"[Picture: {describe(0.15, 'gradient')}]\n[Picture: {describe(0.15, 'sign')}]"


def test_a_position_or_a_control_that_is_not_there_is_named(explorer):
    with pytest.raises(ValueError, match=r"eps has no position 0\.2; it has 0\.0, 0\.15, 0\.3"):
        explorer.strip(eps=[0.2])
    with pytest.raises(ValueError, match="there is no control 'epz'; there is eps, rule"):
        explorer.strip(epz=[0.0])
    with pytest.raises(ValueError, match="rule has no position 'sing'"):
        widgets.Explorer(render, describe, start={"rule": "sing"}, eps=EPS, rule=RULES)


def test_a_control_without_values_is_named():
    with pytest.raises(ValueError, match="the control 'rule' has no values"):
        widgets.Explorer(render, describe, eps=[0.0, 0.15], rule=[])


def test_in_a_notebook_the_controls_are_shown_and_on_a_page_the_twin(explorer, shown, monkeypatch):
    monkeypatch.delenv("ADVLIB_PAGE", raising=False)
    explorer._ipython_display_()
    assert shown[0] is explorer.box
    monkeypatch.setenv("ADVLIB_PAGE", "1")
    explorer._ipython_display_()
    assert "<script>" in shown[1].data


def test_the_page_twin_holds_every_frame(explorer):
    page = explorer.page()
    tags = Tags(page)  # what is inside <script> is no tag to the parser
    (slider,) = tags.all("input")
    assert (slider["type"], slider["min"], slider["max"], slider["value"]) == ("range", "0", "2", "0")
    assert json.loads(slider["data-labels"]) == ["0", "0.15", "0.3"]
    options = tags.all("option")
    assert [o["value"] for o in options] == ["0", "1"]
    assert ["selected" in o for o in options] == [False, True]
    (box, *_) = tags.all("div")
    assert f'getElementById("{box["id"]}")' in page

    text = re.search(r"pictures = (\{.*?\});\n", page)[1]
    assert "</" not in text  # it would end the script
    pictures = json.loads(text)
    assert set(pictures) == {f"{i},{j}" for i, j in explorer.frames}
    for (i, j), (data, description, _) in explorer.frames.items():
        (drawn,) = Tags(pictures[f"{i},{j}"]).all("img")
        assert drawn["alt"] == description
        assert drawn["src"].endswith(base64.b64encode(data).decode())


def test_two_twins_on_a_page_do_not_share_an_id(explorer):
    first, second = (Tags(explorer.page()).all("div")[0]["id"] for _ in range(2))
    assert first != second


# ------------------------------------------------------------------------------------------------ quizzes
@pytest.fixture
def quiz():
    return widgets.Quiz("Which is < 2?", ["1", "3"], answer="1", because="Measured: 1 < 2.")


def test_a_quiz_says_nothing_before_and_why_after_an_answer(quiz):
    assert quiz.buttons.value is None
    assert quiz.reply.value == ""
    quiz.buttons.value = "3"
    assert quiz.reply.value == "✗ Not 3: 1. Measured: 1 &lt; 2."
    quiz.buttons.value = "1"
    assert quiz.reply.value == "✓ Yes: 1. Measured: 1 &lt; 2."


def test_a_quiz_has_a_text_for_who_sees_no_buttons(quiz, shown, monkeypatch):
    quiz._ipython_display_()
    assert shown[-1]["text/plain"] == "Which is < 2?  [1 | 3]\nAnswer: 1. Measured: 1 < 2."
    assert "application/vnd.jupyter.widget-view+json" in shown[-1]
    monkeypatch.setenv("ADVLIB_PAGE", "1")
    quiz._ipython_display_()
    page = Tags(shown[-1]["text/html"])
    right, wrong = (b["data-say"] for b in page.all("button"))
    assert right == "✓ Yes: 1. Measured: 1 &lt; 2."
    assert wrong == "✗ Not 3: 1. Measured: 1 &lt; 2."
    assert "application/vnd.jupyter.widget-view+json" not in shown[-1]


def test_a_quiz_whose_answer_is_no_option_is_refused():
    with pytest.raises(ValueError, match="must be one of '1', '3'; found '2'"):
        widgets.Quiz("?", ["1", "3"], answer="2", because="")


def test_a_band_holds_every_networks_interval():
    rows = [{"network": n, "class": c, "k": k, "n": 50} for n, c, k in
            [(0, 1, 10), (0, 1, 20), (1, 1, 40), (0, 0, 50), (1, 0, 50)]]  # fmt: skip
    band = plots.mean_and_band(rows, "class")
    assert list(band.index) == [0, 1]
    lowest, highest = metrics.Rate(30, 100), metrics.Rate(40, 50)
    assert tuple(band.loc[1]) == pytest.approx(((0.3 + 0.8) / 2, lowest.interval[0], highest.interval[1]))
    assert tuple(band.loc[0]) == pytest.approx((1, *metrics.Rate(50, 50).interval))


def test_an_attacked_image_stands_beside_its_noise_and_what_it_is_read_as():
    x, p = np.full((28, 28, 1), 0.5), np.eye(10)[3]
    fig = plots.attacked(x, x + 0.1, p, 7)
    image, noise, bars = fig.axes
    assert [ax.get_title() for ax in fig.axes] == ["read as 3", "the noise", "p(7) = 0.00"]
    np.testing.assert_allclose(image.images[0].get_array(), 0.6)
    np.testing.assert_allclose(noise.images[0].get_array(), 0.1)
    assert [bar.get_height() for bar in bars.patches] == list(p)
