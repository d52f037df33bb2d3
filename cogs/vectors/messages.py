"""The vectors of a text's tokens, as messages."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.visible import spelt
from cogs.shared.reply import BLUE, Reply, quoted
from cogs.shared.text import block, clip, code, columns, harmless, inline, table
from cogs.vectors import picture
from models.results import Contexts, Embedding
from texts import say

_ROWS = 24


def embedding(result: Embedding) -> Reply:
    """Each token with its id and the first numbers of its vector, in a table and as a picture."""
    texts, tokens, numbers = result.shape
    rows = [
        (str(position), clip(spelt(token)[0], 14), str(number), _beginning(vector))
        for position, (token, number, vector) in enumerate(
            zip(result.tokens[:_ROWS], result.ids, result.vectors, strict=False)
        )
    ]
    model = code(clip(result.model, 100))
    parts = [
        say("vectors-shape", model=model, texts=texts, tokens=tokens, numbers=numbers),
        block(table(columns("vectors-columns"), rows, frozenset({1, 3})), 2400),
    ]
    if left := tokens - len(rows):
        parts.append(say("vectors-more", n=left))
    parts.append(say("vectors-no-way-back"))
    embed = discord.Embed(title=quoted(result.text), description="\n".join(parts), colour=BLUE)
    embed.set_image(url="attachment://vectors.png")
    return Reply(
        embed=embed,
        files={"vectors.png": picture.heat_map(result)},
        alt={
            "vectors.png": say("vectors-alt", tokens=list(result.tokens[: picture.TOKENS]), numbers=numbers)
        },
    )


def _beginning(vector: Sequence[float]) -> str:
    return " ".join(f"{value:+.2f}" for value in vector[:3]) + " …"


def contexts(result: Contexts) -> Reply:
    """How far the vectors of shared words moved from one text to the other."""
    rows = [(clip(harmless(word.text), 20), f"{word.cosine:.3f}") for word in result.words[:_ROWS]]
    most = result.moved
    name = "contexts-moved" if most is result.words[0] else "contexts-moved-of-content"
    moved = say(name, word=inline(most.text, 60), cosine=most.cosine)
    if result.unrelated is not None:
        moved += " " + say("contexts-unrelated", cosine=result.unrelated)
    parts = [
        f"**1** {inline(result.first.text, 500)}",
        f"**2** {inline(result.second.text, 500)}",
        "",
        moved,
        block(table(columns("contexts-columns"), rows), 1500),
        f"-# {say('contexts-note')}",
    ]
    embed = discord.Embed(title=say("contexts-title"), description="\n".join(parts), colour=BLUE)
    embed.set_footer(text=clip(harmless(result.first.model), 200))
    embed.set_image(url="attachment://contexts.png")
    cosines = [f"{word.text} {word.cosine:.2f}" for word in result.words[: picture.WORDS]]
    return Reply(
        embed=embed,
        files={"contexts.png": picture.contexts(result)},
        alt={"contexts.png": say("contexts-alt", words=cosines)},
    )
