"""The messages of /lens."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.visible import source
from cogs.lens import picture
from cogs.shared.looking import about, described, pictured, token_name
from cogs.shared.reply import BLUE, Reply, csv_file, quoted
from cogs.shared.sheet import shown
from cogs.shared.text import percent
from models.results import Lens, Piece
from texts import say


def lens(view: Lens) -> Reply:
    """The last position shown in words, all positions as a picture, and every layer as a file."""
    answers = view.layers[-1]
    over, last = view.takes_over(len(answers) - 1), len(view.layers) - 1
    embed = discord.Embed(
        title=quoted(view.reading.text),
        description=described(
            say(
                "lens-only-last" if over == last else "lens-takes-over",
                after=token_name(_read(view)[-1]),
                answer=token_name(answers[-1].piece),
                share=percent(answers[-1].probability),
                layer=over,
                last=last,
            ),
            about(view.reading),
            care=say("lens-care"),
        ),
        colour=BLUE,
    )
    alt = say(
        "lens-alt",
        tokens=[shown(piece) for piece in _read(view)],
        answers=[shown(guess.piece) for guess in answers],
        layers=[str(view.takes_over(column)) for column in range(len(answers))],
        last=last,
    )
    return pictured("lens", embed, picture.draw(view), _csv(view), alt)


def _read(view: Lens) -> Sequence[Piece]:
    """The column headings: the tokens read."""
    return view.reading.pieces[view.start : view.start + len(view.layers[-1])]


def _csv(view: Lens) -> bytes:
    rows = [
        (
            layer,
            view.start + column,
            source(read),
            guess.piece.id,
            source(guess.piece),
            f"{guess.probability:.6g}",
        )
        for layer, row in enumerate(view.layers)
        for column, (read, guess) in enumerate(zip(_read(view), row, strict=True))
    ]
    return csv_file(("layer", "position", "token read", "id", "token", "probability"), rows)
