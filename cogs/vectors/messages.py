"""The vectors of a text's tokens, as messages."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from cogs.shared import ansi
from cogs.shared.reply import BLUE, Reply, quoted
from cogs.shared.text import block, clip, code, count, harmless, inline, table
from cogs.vectors import picture
from models.results import Contexts, Embedding

_ROWS = 24

WHY_NOT_BACK = (
    "An id is the number of an entry in the vocabulary, so it can be looked up and decoded. A vector is what the"
    " model made of that token in this text: it has no entry to look up, and the same token gets another one"
    " in another text. It can only be compared with other vectors."
)


def embedding(found: Embedding) -> Reply:
    """Each token with its id and the first numbers of its vector, in a table and as a picture."""
    texts, tokens, numbers = found.shape
    rows = [
        (str(place), clip(ansi.spelt(token)[0], 14), str(number), _beginning(vector))
        for place, (token, number, vector) in enumerate(
            zip(found.tokens[:_ROWS], found.ids, found.vectors, strict=False)
        )
    ]
    shape = f"{count(texts, 'text')}, {count(tokens, 'token')}, {count(numbers, 'number')} each"
    left = tokens - len(rows)
    embed = discord.Embed(
        title=quoted(found.text),
        description=f"{code(clip(found.model, 100))} turned this into vectors of the shape"
        f" **({texts}, {tokens}, {numbers})**: {shape}.\n"
        + block(table(("", "token", "id", "vector"), rows, frozenset({1, 3})), 2400)
        + (f"\n… and {count(left, 'more token')}." if left else "")
        + f"\n{WHY_NOT_BACK}",
        colour=BLUE,
    )
    embed.set_image(url="attachment://vectors.png")
    return Reply(embed=embed, files={"vectors.png": picture.heat_map(found)})


def _beginning(vector: Sequence[float]) -> str:
    return " ".join(f"{value:+.2f}" for value in vector[:3]) + " …"


def contexts(found: Contexts) -> Reply:
    """How far the vectors of shared words moved from one text to the other."""
    rows = [(clip(harmless(word.text), 20), f"{word.cosine:.3f}") for word in found.words[:_ROWS]]
    most = found.words[0]
    baseline = (
        f" Two different words of these texts come to {found.unrelated:.2f} on average."
        if found.unrelated is not None
        else ""
    )
    embed = discord.Embed(
        title="The same words in two contexts",
        description=f"**1** {inline(found.first.text, 500)}\n**2** {inline(found.second.text, 500)}\n\n"
        f"The context moved **{inline(most.text, 60)}** most: the cosine between its two vectors is"
        f" **{most.cosine:.2f}**, where 1 would mean that nothing changed.{baseline}\n"
        + block(table(("word", "cosine"), rows), 1500)
        + "\n-# The id of a word is the same in both texts; its vector is not, for the model looks at all of the text.",
        colour=BLUE,
    )
    embed.set_footer(text=clip(harmless(found.first.model), 200))
    embed.set_image(url="attachment://contexts.png")
    return Reply(embed=embed, files={"contexts.png": picture.contexts(found)})
