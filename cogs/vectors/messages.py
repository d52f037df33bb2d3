"""The vectors of a text's tokens, as messages."""

from __future__ import annotations

import io
from collections.abc import Sequence

import discord

from bot.visible import source, spelt
from cogs.shared.reply import BLUE, Reply, csv_file, quoted
from cogs.shared.text import block, clip, code, columns, harmless, inline, table
from cogs.vectors import picture
from models.results import Contexts, Embedding
from texts import say

_ROWS = 24


def embedding(result: Embedding) -> Reply:
    """Each token with its id and the start of its vector in a table; all vectors and their cosines as pictures."""
    texts, tokens, numbers = result.shape
    rows = [
        (str(position), spelt(token)[0], str(number), _beginning(vector))
        for position, (token, number, vector) in enumerate(
            zip(result.tokens[:_ROWS], result.ids, result.vectors, strict=False)
        )
    ]
    model = code(clip(result.model, 100))
    parts = [
        say("vectors-shape", model=model, texts=texts, tokens=tokens, numbers=numbers),
        block(table(columns("vectors-columns"), rows, frozenset({1})), 2400),
    ]
    if left := tokens - len(rows):
        parts.append(say("vectors-more", n=left))
    parts.append(say("vectors-no-way-back"))
    embed = discord.Embed(title=quoted(result.text), description="\n".join(parts), colour=BLUE)
    embed.set_image(url="attachment://vectors.png")
    alike = discord.Embed(colour=BLUE).set_image(url="attachment://cosines.png")
    shown = list(result.tokens[: picture.TOKENS])
    return Reply(
        embed=embed,
        files={"vectors.png": picture.numbers(result), "cosines.png": picture.alike(result)},
        alt={
            "vectors.png": say("vectors-alt-numbers", tokens=shown, numbers=numbers),
            "cosines.png": _cosines_in_words(result, shown),
        },
        more=[alike],
    )


def _beginning(vector: Sequence[float]) -> str:
    more = " …" if len(vector) > _BEGINNING else ""
    return " ".join(f"{value:+.2f}" for value in vector[:_BEGINNING]) + more


_BEGINNING = 2
"""Numbers of a vector that the table shows."""


def _cosines_in_words(result: Embedding, tokens: Sequence[str]) -> str:
    if len(tokens) == 1:
        return say("vectors-alt-cosine-alone", token=tokens[0])
    first, second, cosine = picture.most_alike(result)
    return say(
        "vectors-alt-cosines", tokens=list(tokens), first=tokens[first], second=tokens[second], cosine=cosine
    )


def contexts(result: Contexts) -> Reply:
    """How far the vectors of shared words moved from one text to the other."""
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


def files(results: Sequence[Embedding], cosines: Contexts | None = None) -> Reply:
    """All vectors, for spreadsheets and numpy: a CSV and an NPY file for each text; for two texts, also their shared
    words.
    """
    made: dict[str, bytes] = {}
    for number, result in enumerate(results, 1):
        name = "vectors" if len(results) == 1 else f"vectors-{number}"
        made[f"{name}.csv"] = _csv(result)
        made[f"{name}.npy"] = _npy(result)
    if cosines is not None:
        rows = [(word.text, f"{word.cosine:.6f}") for word in cosines.words]
        made["words.csv"] = csv_file(("word", "cosine"), rows)
    return Reply(say("vectors-files-explained", files=len(results)), files=made)


def _csv(result: Embedding) -> bytes:
    """A row for each token: its position, id and spelling, then the components of its vector."""
    spellings = [source(piece) for piece in result.pieces] or list(result.tokens)
    rows = (
        (position, number, spelling, *(f"{value:.9g}" for value in vector))
        for position, (number, spelling, vector) in enumerate(
            zip(result.ids, spellings, result.vectors, strict=True)
        )
    )
    return csv_file(("position", "id", "token", *(str(index) for index in range(result.shape[2]))), rows)


def _npy(result: Embedding) -> bytes:
    """A float32 array of shape (tokens, components) in the format of numpy.save."""
    import numpy as np  # noqa: PLC0415 - only the drawing thread needs it

    file = io.BytesIO()
    np.save(file, np.array(result.vectors, np.float32).reshape(result.shape[1:]), allow_pickle=False)
    return file.getvalue()
