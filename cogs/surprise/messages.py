"""The messages of /surprise."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.visible import source
from cogs.shared.looking import about, described, pictured, token_name
from cogs.shared.reply import BLUE, Reply, csv_file, quoted
from cogs.shared.sheet import shown
from cogs.shared.text import inline
from cogs.surprise import picture
from models.results import Surprise, Surprising
from texts import say


def surprise(views: Sequence[Surprise]) -> Reply:
    """One text with its three most surprising positions, or two side by side with one each."""
    first, *others = views
    if others:
        title = say("surprise-two-title")
        said = [f"**{number}** {inline(view.reading.text, 300)}" for number, view in enumerate(views, 1)]
        peaks = [
            f"**{number}** {_peak(view, peak)}"
            for number, view in enumerate(views, 1)
            for peak in view.peaks[:1]
        ]
        said += [_compared(views), *peaks]
    else:
        title = quoted(first.reading.text)
        said = [_measured(first), *(_peak(first, peak) for peak in first.peaks)]
    said.append(about(*(view.reading for view in views)))
    if any(len(view.reading.pieces) > picture.MOST for view in views):
        said.append(say("surprise-beginning", shown=picture.MOST))
    embed = discord.Embed(title=title, description=described(*said, care=say("surprise-care")), colour=BLUE)
    alt = " ".join(map(_alt, views))
    return pictured("surprise", embed, picture.draw(views), _csv(views), alt)


def _measured(view: Surprise) -> str:
    if view.perplexity is None or view.mean_bits is None:
        return say("surprise-nothing-to-measure")
    return say("surprise-perplexity", bits=view.mean_bits, perplexity=view.perplexity)


def _compared(views: Sequence[Surprise]) -> str:
    measured = [view.perplexity for view in views if view.perplexity is not None]
    if len(measured) < len(views):
        return say("surprise-nothing-to-measure")
    first, second = measured
    return say("surprise-two", first=first, second=second)


def _peak(view: Surprise, peak: Surprising) -> str:
    return say(
        "surprise-peak",
        token=token_name(view.reading.pieces[peak.place]),
        bits=peak.bits,
        expected=[token_name(guess.piece) for guess in peak.expected[:3]],
    )


def _alt(view: Surprise) -> str:
    peaks = [f"{shown(view.reading.pieces[peak.place])} ({peak.bits:.1f})" for peak in view.peaks]
    return say("surprise-alt", tokens=len(view.reading.pieces), peaks=peaks)


def _csv(views: Sequence[Surprise]) -> bytes:
    rows = [
        (number, place, piece.id, source(piece), "" if bits is None else f"{bits:.6g}")
        for number, view in enumerate(views, 1)
        for place, (piece, bits) in enumerate(zip(view.reading.pieces, view.bits, strict=True))
    ]
    return csv_file(("text", "position", "id", "token", "bits"), rows)
