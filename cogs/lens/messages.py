"""What people read of the logit lens."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.visible import source
from cogs.lens import picture
from cogs.shared.looking import about, described
from cogs.shared.reply import BLUE, Reply, csv_file, quoted
from cogs.shared.sheet import shown
from cogs.shared.text import code, percent
from models.results import Lens, Piece
from texts import say

PICTURE = "lens.png"


def lens(view: Lens) -> Reply:
    """The last place that is shown in words, all of them as a picture, every layer as a file."""
    column = len(view.layers[-1]) - 1
    answer, over, last = view.layers[-1][column], view.takes_over(column), len(view.layers) - 1
    after = shown(view.reading.pieces[view.start + column])
    facts: dict[str, str | int] = {
        "after": code(after),
        "answer": code(shown(answer.piece)),
        "share": percent(answer.probability),
        "layer": over,
        "last": last,
    }
    embed = discord.Embed(
        title=quoted(view.reading.text),
        description=described(
            say("lens-only-last" if over == last else "lens-takes-over", **facts),
            about(view.reading),
            care=say("lens-care"),
        ),
        colour=BLUE,
    )
    embed.set_image(url=f"attachment://{PICTURE}")
    return Reply(
        embed=embed,
        files={PICTURE: picture.draw(view), "lens.csv": _csv(view)},
        alt={
            PICTURE: say(
                "lens-alt",
                tokens=[shown(piece) for piece in _read(view)],
                answers=[shown(guess.piece) for guess in view.layers[-1]],
                layers=[str(view.takes_over(place)) for place in range(len(view.layers[-1]))],
                last=last,
            )
        },
    )


def _read(view: Lens) -> Sequence[Piece]:
    """The tokens that stand over the columns."""
    return view.reading.pieces[view.start : view.start + len(view.layers[-1])]


def _csv(view: Lens) -> bytes:
    rows = [
        (
            layer,
            view.start + column,
            source(view.reading.pieces[view.start + column]),
            guess.piece.id,
            source(guess.piece),
            f"{guess.probability:.6g}",
        )
        for layer, row in enumerate(view.layers)
        for column, guess in enumerate(row)
    ]
    return csv_file(("layer", "position", "token read", "id", "token", "probability"), rows)
