"""Figures carry their words, and are as wide and as sharp as they should be."""

import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from advlib import metrics, plots


@pytest.fixture
def shown(monkeypatch):
    """What was put on the page, one bundle a call of display()."""
    bundles = []
    monkeypatch.setattr(plots, "display", lambda bundle, raw=False: bundles.append(bundle))
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
    picture = Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/webp;base64,"))))
    assert picture.format == "WEBP"
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
    assert "max-width:100%" in picture["style"]  # never wider than the page
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
    assert all((piece[:, [0, -1]] == 255).all() for piece in pieces)  # nothing is cut through
    (wide,) = {piece.shape[1] for piece in pieces}  # stacked, they are one panel
    assert [picture["style"].split(";")[0] for picture in pictures] == [f"width:{wide // 2}px"] * 3
    (panel,) = Tags(shown[0]["text/html"]).all("div")
    assert panel["style"].endswith("background:white")

    def drawn(page):  # without the white columns
        return page[:, (page != 255).any(axis=(0, 2))]

    assert np.array_equal(drawn(np.hstack(pieces)), drawn(plots.pixels(three_columns(9))))


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
    plots.pixels(fig)


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
    plots.pixels(fig)


def test_draw_probabilities_hatches_the_true_class():
    fig, ax = plots.figure()
    plots.draw_probabilities(ax, np.array([0.1, 0.7, 0.2]), 2)
    assert [bar.get_height() for bar in ax.patches] == [0.1, 0.7, 0.2]
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, False, True]
    assert ax.get_ylim() == (0, 1)
    plots.pixels(fig)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2"]


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
    plots.pixels(fig)


def test_draw_matrix_writes_its_numbers_and_leaves_nan_empty():
    fig, ax = plots.figure()
    plots.draw_matrix(ax, np.array([[np.nan, 3.0], [1.0, np.nan]]), "read", "true", names=["a", "b"])
    assert [text.get_text() for text in ax.texts] == ["3", "1"]
    assert {text.get_color() for text in ax.texts} == {"black", "white"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("read", "true")
    plots.pixels(fig)


def test_draw_matrix_of_several_rows_and_columns():
    fig, ax = plots.figure()
    plots.draw_matrix(ax, np.arange(6).reshape(2, 3) + 0.1, "column", "row")
    assert [text.get_text() for text in ax.texts] == ["0", "1", "2", "3", "4", "5"]
    plots.pixels(fig)


@pytest.mark.parametrize(("n", "rows"), [(1, 1), (10, 1), (11, 2)])
def test_image_grid(n, rows):
    fig = plots.image_grid(np.zeros((n, 4, 4, 1)), titles=[str(k) for k in range(n)])
    drawn = [ax for ax in fig.axes if ax.images]
    assert [ax.get_title() for ax in drawn] == [str(k) for k in range(n)]
    assert fig.axes[0].get_gridspec().nrows == rows
    assert drawn[0].images[0].get_clim() == (0, 1)
    assert not any(ax.axison for ax in fig.axes)
    plots.pixels(fig)


def test_image_grid_of_noise():
    fig = plots.image_grid(np.zeros((3, 4, 4, 1)), noise=True)
    assert fig.axes[0].images[0].get_clim() == (-0.3, 0.3)


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
