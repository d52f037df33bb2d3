"""The messages of /attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import discord
import numpy as np
from numpy.typing import NDArray

from bot.visible import source
from cogs.attention import picture
from cogs.attention.focus import ALL, Focus, Kind, best, kinds_of, row, scores_of
from cogs.shared.looking import about, described, pictured, token_name
from cogs.shared.reply import BLUE, Reply, csv_file, quoted
from cogs.shared.sheet import shown
from cogs.shared.text import percent
from models.results import Attention, Piece
from texts import say

_MOST_ROWS = 20_000
"""Lines of a file; more tokens than a hundred or so leave the small weights out."""


def attention(view: Attention, focus: Focus) -> Reply:
    """The attention from the token in focus, or all heads of a layer side by side."""
    grid = focus.layer != ALL and focus.head == ALL
    said = [
        _heads(view) if grid else _looks(view, focus, token_name),
        _standing_out(view),
        about(view.reading),
    ]
    embed = discord.Embed(
        title=quoted(view.reading.text), description=described(*said, care=say("attention-care")), colour=BLUE
    )
    embed.set_footer(text=_where(view, focus))
    drawn = picture.heads(view) if grid else picture.arcs(view, focus)
    alt = f"{_where(view, focus)}. {_heads(view) if grid else _looks(view, focus, shown)}"
    return pictured("attention", embed, drawn, _csv(view, focus), alt)


def _where(view: Attention, focus: Focus) -> str:
    if focus.layer == ALL:
        return say("attention-where-mean", layers=view.layers, heads=view.heads)
    last = view.layers - 1
    if focus.head == ALL:
        return say("attention-where-layer", layer=focus.layer, last=last, heads=view.heads)
    kinds = [
        say(f"attention-kind-{kind}")
        for scores in scores_of(view, focus.layer)
        if scores.head == focus.head
        for kind in kinds_of(scores)
    ]
    where = say("attention-where-head", layer=focus.layer, last=last, head=focus.head, most=view.heads - 1)
    return f"{where} · {', '.join(kinds)}" if kinds else where


def _strongest(view: Attention, focus: Focus) -> Sequence[tuple[int, float]]:
    weights = row(view, focus)
    return [(int(place), float(weights[place])) for place in np.argsort(-weights)[:3] if weights[place] > 0]


def _looks(view: Attention, focus: Focus, name: Callable[[Piece], str]) -> str:
    """The tokens with the largest attention weights; `name` formats a token."""
    pieces, token = view.reading.pieces, focus.of(view)
    where = [
        f"{say('attention-itself') if place == token else name(pieces[place])} ({percent(share)})"
        for place, share in _strongest(view, focus)
    ]
    return say("attention-looks", token=name(pieces[token]), where=where)


def _heads(view: Attention) -> str:
    return say("attention-grid", layer=view.layer, heads=view.heads)


def _standing_out(view: Attention) -> str:
    """The heads with the clearest marks, with their scores."""
    found = [
        say(f"attention-best-{kind}", head=f"{scores.layer}.{scores.head}", share=percent(kind.score(scores)))
        for kind in Kind
        if (scores := best(view, kind)) is not None
    ]
    return say("attention-standing-out", heads=found) if found else ""


def _csv(view: Attention, focus: Focus) -> bytes:
    """A row for each pair of tokens and each head shown; `head` is empty for the mean."""
    if focus.layer == ALL:
        matrices: list[tuple[object, NDArray[np.float32]]] = [("", view.mean.array())]
    else:
        first = 0 if view.head is None else view.head
        matrices = [(first + number, matrix) for number, matrix in enumerate(view.weights.array())]
    least = 0.0
    count = sum(matrix.size for _, matrix in matrices)
    if count > _MOST_ROWS:
        every = np.concatenate([matrix.ravel() for _, matrix in matrices])
        least = float(np.partition(every, -_MOST_ROWS)[-_MOST_ROWS])
    pieces = view.reading.pieces
    layer = "" if focus.layer == ALL else view.layer
    rows = (
        (
            layer,
            head,
            int(start),
            source(pieces[start]),
            int(to),
            source(pieces[to]),
            f"{matrix[start, to]:.6g}",
        )
        for head, matrix in matrices
        for start, to in np.argwhere((matrix > 0) & (matrix >= least))
    )
    return csv_file(("layer", "head", "from", "token", "to", "token looked at", "weight"), rows)
