"""Vectors as pictures: a heat map of their numbers, and how alike they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bot.visible import spelt
from cogs.shared.canvas import BLUE, INK, LINE, MUTED, ORANGE, PAPER, drawable, font, paper, png
from cogs.shared.text import clip
from models.results import Contexts, Embedding
from texts import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

TOKENS = 24
"""Tokens that a picture shows; more of them nobody can read."""
WORDS = 15
NUMBERS = 13
"""Tokens up to which each cosine is written into its cell."""
_LABEL = 14
_MIDDLE = 0.5
"""Cosine from which a note stands left of its line."""


def cosines(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of each vector to each: (T, D) gives (T, T)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths == 0, 1, lengths)
    return np.asarray(directions @ directions.T)


def heat_map(embedding: Embedding) -> bytes:
    """A PNG: all numbers of each token's vector as colours, and below it the cosine between the tokens.

    Takes some tenths of a second: call it from a worker thread.
    """
    vectors = np.array(embedding.vectors[:TOKENS])
    labels = [_label(number, token) for number, token in enumerate(embedding.tokens[:TOKENS])]
    count = len(labels)
    side = max(0.34 * count, 1.6)
    figure = paper(8.4, 0.24 * count + side + 1.9)
    upper, lower = figure.subplots(2, 1, height_ratios=[max(0.24 * count, 0.5), side])
    # A few numbers are far larger than the rest; without a limit they would leave the others grey.
    limit = float(np.quantile(np.abs(vectors), 0.98)) or 1.0
    shown = upper.imshow(
        vectors, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    _axis(upper, rows=labels)
    upper.set_title(
        say("vectors-picture-numbers", n=vectors.shape[1]), color=INK, fontproperties=font("bold", 10)
    )
    upper.tick_params(axis="x", labelsize=7, colors=MUTED)
    bar = figure.colorbar(shown, ax=upper, pad=0.01)
    bar.ax.tick_params(labelsize=7, colors=MUTED)
    alike = cosines(vectors)
    shown = lower.imshow(
        alike,
        cmap="cividis",
        vmin=min(0.0, float(alike.min())),
        vmax=1,
        aspect="auto",
        interpolation="nearest",
    )
    _axis(lower, rows=labels, columns=labels)
    lower.set_title(say("vectors-picture-cosines"), color=INK, fontproperties=font("bold", 10))
    bar = figure.colorbar(shown, ax=lower, pad=0.01)
    bar.ax.tick_params(labelsize=7, colors=MUTED)
    if count <= NUMBERS:
        middle = (alike.min() + 1) / 2
        for row, column in np.ndindex(count, count):
            colour = INK if alike[row, column] > middle else PAPER
            lower.text(
                column, row, f"{alike[row, column]:.2f}", ha="center", va="center", color=colour, fontsize=7
            )
    return png(figure)


def contexts(compared: Contexts) -> bytes:
    """A PNG: for each shared word a bar as long as its two vectors are alike."""
    words = compared.words[:WORDS]
    figure = paper(7.2, 0.36 * len(words) + 1.3)
    axes = figure.add_subplot(facecolor=PAPER)
    places = range(len(words))
    values = [word.cosine for word in words]
    axes.barh(places, values, height=0.62, color=BLUE)
    for place, value in zip(places, values, strict=True):
        axes.text(max(value, 0) + 0.012, place, f"{value:.2f}", va="center", color=INK, fontsize=9)
    unrelated = compared.unrelated
    if unrelated is not None:
        axes.axvline(unrelated, color=ORANGE, linestyle="--", linewidth=1.4)
        axes.annotate(
            say("contexts-picture-unrelated", cosine=unrelated),
            (unrelated, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="right" if unrelated > _MIDDLE else "left",
            color=ORANGE,
            fontproperties=font(points=8.5),
        )
    axes.set_xlim(min(0.0, *values, unrelated or 0.0), 1.09)
    axes.set_ylim(len(words) - 0.4, -0.6)
    _axis(axes, rows=[_shown(word.text) for word in words])
    axes.set_xlabel(
        say("contexts-picture-axis"),
        color=MUTED,
        fontsize=9,
    )
    axes.tick_params(axis="x", labelsize=8, colors=MUTED)
    return png(figure)


def _axis(axes: Axes, *, rows: list[str], columns: list[str] | None = None) -> None:
    axes.set_yticks(range(len(rows)), rows, fontproperties=font(points=8.5), color=INK, parse_math=False)
    if columns is not None:
        axes.set_xticks(
            range(len(columns)),
            columns,
            fontproperties=font(points=8.5),
            color=INK,
            parse_math=False,
            rotation=60,
            ha="right",
            rotation_mode="anchor",
        )
    for side in axes.spines.values():
        side.set_color(LINE)


def _label(number: int, token: str) -> str:
    return f"{_shown(token)}  {number}"


def _shown(text: str) -> str:
    label = clip(spelt(text)[0], _LABEL)
    return label if drawable(label) else "?"
