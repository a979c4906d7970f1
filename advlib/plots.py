"""Every figure's look: digits in grey, noise on one map centred at 0, colours that everyone can tell apart.

A figure is a plain ``matplotlib.figure.Figure``; :func:`show` puts it on the page with its caption and its
alt text.  Nothing here touches pyplot, so nothing has to be closed and nothing is drawn twice.
"""

import base64
import html
import io
import itertools
from pathlib import Path

import matplotlib.style
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from .metrics import Rate

STYLE = Path(__file__).with_name("adv.mplstyle")
PHONE = 5.5  # inches: in a wider figure the text is too small there
NOISE = {"cmap": "RdBu_r", "vmin": -0.3, "vmax": 0.3}  # one scale throughout: red is brighter, blue darker
BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
matplotlib.style.use(STYLE)


def figure(rows=1, columns=1, width=None, height=None, **subplots):
    """A figure and its axes.

    Parameters
    ----------
    rows, columns : int
    width, height : float, optional
        Inches; by default 2.2 a column and 2.2 a row.
    **subplots
        Passed on to ``Figure.subplots``.

    Returns
    -------
    matplotlib.figure.Figure
    axes, or array of axes
    """
    fig = Figure(figsize=(width or 2.2 * columns, height or 2.2 * rows))
    return fig, fig.subplots(rows, columns, **subplots)


def pair_and_plot():
    """A figure with two pictures side by side and a plot below them: on a phone, three in a row are too small.

    Returns
    -------
    matplotlib.figure.Figure
    list of axes
        Left, right, below.
    """
    fig = Figure(figsize=(4.6, 4.2))
    return fig, [*fig.subplot_mosaic("AB;CC", height_ratios=(4, 3)).values()]


def show(fig, alt, caption=""):
    """Put a figure on the page, with what it shows in words for those who do not see it.

    The columns of a wide figure stand side by side where there is room, and below each other on a phone.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What there is to see: shapes, colours, what rises and falls.
    caption : str
        The line below the figure.  It has the numbers; a screen reader reads it after ``alt``.
    """
    text = f"{caption}\n[Figure: {alt}]" if caption else f"[Figure: {alt}]"
    line = f'<figcaption style="max-width:46em">{html.escape(caption)}</figcaption>' if caption else ""
    drawn = pixels(fig)
    cuts = [0, *(gaps(fig) if fig.get_figwidth() > PHONE else ()), drawn.shape[1]]
    wide = max(right - left for left, right in itertools.pairwise(cuts))
    wide += wide % 2  # whole pixels of the page, which has half as many
    pieces = [widened(drawn[:, left:right], wide) for left, right in itertools.pairwise(cuts)]
    pictures = "".join(img(webp(piece), alt * (i == 0), wide / fig.dpi) for i, piece in enumerate(pieces))
    if pieces[1:]:  # on one white panel, as many beside each other as can be read
        column = wide // 2
        style = (
            f"display:grid;grid-template-columns:repeat(auto-fit,minmax(min({0.76 * column:.0f}px,100%),1fr));"
            f"justify-items:center;max-width:{column * len(pieces)}px;background:white"
        )
        pictures = f'<div style="{style}">{pictures}</div>'
    display({"text/html": f"<figure>{pictures}{line}</figure>", "text/plain": text}, raw=True)


def pixels(fig):
    """The figure as it is drawn: array of bytes, (height, width, 3)."""
    canvas = FigureCanvasAgg(fig)
    fig.get_layout_engine().execute(fig)  # and once more in draw: tick labels change with the room they find
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def gaps(fig):
    """Where a drawn figure may be cut: pixels from its left edge, midway between two columns of its axes."""
    boxes = [part.get_tightbbox() for part in (*fig.axes, *fig.legends, *fig.texts)]
    spans = sorted((box.x0, box.x1) for box in boxes)
    ends = itertools.accumulate((end for _, end in spans), max)
    return [round((end + begin) / 2) for end, (begin, _) in zip(ends, spans[1:]) if end <= begin]


def widened(pixels, wide):
    """A picture with so much white at its right that it is so wide."""
    return np.pad(pixels, ((0, 0), (0, wide - pixels.shape[1]), (0, 0)), constant_values=255)


def webp(pixels):
    """A drawn figure as the bytes of a WebP file, which changes no colour and is smaller than PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=50, method=2)
    return buffer.getvalue()


def img(data, alt, inches):
    """An HTML image that carries its WebP file and its alt text; without a text it is no concern of a screen reader."""
    source = base64.b64encode(data).decode()
    told = f'alt="{html.escape(alt, quote=True)}"' if alt else 'alt="" aria-hidden="true"'
    return f'<img src="data:image/webp;base64,{source}" {told} style="width:{96 * inches:.0f}px;max-width:100%">'


def eps_text(eps):
    """ε in both units: ``0.15 (38/255)``."""
    return f"{eps:.2f} ({eps * 255:.0f}/255)"


# ------------------------------------------------------------------------------ what goes into axes
def draw_image(ax, image, title=""):
    """A grey or colour image, black at 0 and white at 1.

    Parameters
    ----------
    ax : matplotlib axes
    image : array, (height, width, channels)
    title : str
    """
    ax.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=1)
    ax.set_title(title)
    ax.set_axis_off()


def draw_noise(ax, noise, title="", **scale):
    """A noise: red where it makes the image brighter, blue where darker, white where it does nothing.

    Parameters
    ----------
    ax : matplotlib axes
    noise : array, (height, width, channels)
        With several channels, their mean is shown.
    title : str
    **scale : cmap, vmin, vmax
        For what is no noise in [-0.3, 0.3], such as a gradient.
    """
    ax.imshow(np.mean(noise, axis=-1), **{**NOISE, **scale})
    ax.set_title(title)
    ax.set_axis_off()


def draw_probabilities(ax, probabilities, y, title=""):
    """The network's opinion: a bar a class, the true one hatched.

    Parameters
    ----------
    ax : matplotlib axes
    probabilities : array, (classes,)
    y : int
        The true class.
    title : str
    """
    colours = [ORANGE] * len(probabilities)
    colours[y] = BLUE
    bars = ax.bar([str(c) for c in range(len(probabilities))], probabilities, color=colours)
    bars[y].set_hatch("//")
    ax.set(ylim=(0, 1), yticks=(0, 0.5, 1), xlabel="class (hatched: the true one)", ylabel="probability", title=title)
    ax.grid(axis="x", visible=False)


def mean_and_band(rows, key):
    """The networks' mean rate at each value of a field, and a band that holds all their 95 % intervals.

    Parameters
    ----------
    rows : sequence of dict
        A count ``k`` of ``n`` for each ``network`` and value; several of one network are added.
    key : str
        The field.

    Returns
    -------
    pandas.DataFrame
        Indexed by the field's values, in order; columns ``mean``, ``low`` and ``high``.
    """
    counts = pd.DataFrame(rows).groupby([key, "network"])[["k", "n"]].sum()
    rates = [Rate(int(k), int(n)) for k, n in counts.to_numpy()]
    ends = [(rate.value, *rate.interval) for rate in rates]
    at = pd.DataFrame(ends, counts.index, ["mean", "low", "high"])
    return at.groupby(key).agg({"mean": "mean", "low": "min", "high": "max"})


def draw_rates(ax, x, rates, label, **line):
    """A line of success rates with the band of their 95 % intervals.

    Parameters
    ----------
    ax : matplotlib axes
    x : sequence of float
    rates : sequence of metrics.Rate
    label : str
    **line
        Passed on to ``Axes.plot``.
    """
    (drawn,) = ax.plot(x, [r.value for r in rates], label=label, **line)
    low, high = np.transpose([r.interval for r in rates])
    ax.fill_between(x, low, high, color=drawn.get_color(), alpha=0.2, linewidth=0)
    ax.set(ylim=(-0.02, 1.02))


def draw_matrix(ax, matrix, xlabel, ylabel, title="", names=None, **scale):
    """A matrix with its numbers, rounded to whole ones, written in.

    Parameters
    ----------
    ax : matplotlib axes
    matrix : array, (rows, columns)
        NaN stays empty.
    xlabel, ylabel, title : str
    names : sequence of str, optional
        Ticks of both axes.
    **scale : vmin, vmax
        What the ends of the colours stand for; by default the smallest and the largest number.
    """
    picture = ax.imshow(matrix, cmap="cividis", **scale)
    dark = picture.norm(matrix) < 0.5
    for (i, j), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            colour = "white" if dark[i, j] else "black"
            ax.text(j, i, f"{value:.0f}", ha="center", va="center", color=colour, fontsize="small")
    for axis, n in ((ax.yaxis, len(matrix)), (ax.xaxis, len(matrix[0]))):
        axis.set_ticks(range(n), names or range(n))
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.grid(visible=False)


def attacked(x, x_adv, probabilities, y):
    """An attacked image, what was added to it, and what the network thinks of it.

    Parameters
    ----------
    x, x_adv : array, (height, width, channels)
    probabilities : array, (classes,)
        Of ``x_adv``.
    y : int
        The true class.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fig, (left, right, below) = pair_and_plot()
    draw_image(left, x_adv, f"read as {np.argmax(probabilities)}")
    draw_noise(right, x_adv - x, "the noise")
    draw_probabilities(below, probabilities, y, title=f"p({y}) = {probabilities[y]:.2f}")
    return fig


def image_grid(images, titles=None, columns=10, noise=False, size=1.0):
    """Many images side by side.

    Parameters
    ----------
    images : array, (n, height, width, channels)
    titles : sequence of str, optional
    columns : int
    noise : bool
        Draw them as noise.
    size : float
        Inches an image.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    lines = max(title.count("\n") + 1 for title in titles) if titles is not None else 0
    height = rows * (size + 0.05 + 0.2 * lines)
    fig, axes = figure(rows, columns, columns * size, height, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    draw = draw_noise if noise else draw_image
    for k, (ax, image) in enumerate(zip(axes.flat, images)):
        draw(ax, image)
        if titles is not None:
            ax.set_title(titles[k])
    return fig
