"""The messages that answer questions, drawn from what the models answered. Pure: no Discord call.

Every function keeps within Discord's limits for any input; what does not fit goes into a text file.
Long texts take a while to draw, so cogs call these functions from the worker thread that answered.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import discord

from bot.likes import Like
from cogs.ui import ansi, chips, plots, steps, vectors
from cogs.ui.text import (
    CONTENT,
    DESCRIPTION,
    EMBEDS,
    FIELD_NAME,
    FIELD_VALUE,
    TITLE,
    block,
    clip,
    code,
    count,
    harmless,
    inline,
    listed,
    ordinal,
    settled,
    size,
    table,
    whole_lines,
)
from models.answers import (
    Contexts,
    Embedding,
    Generation,
    Neighbour,
    Neighbourhood,
    OddOne,
    Pair,
    Piece,
    Recommendation,
    Recommendations,
    Reload,
    SlotStatus,
    Song,
    State,
    Step,
    Tokenization,
)

BLUE = discord.Colour(0x1C6DD0)
FILE_BYTES = 8 * 1024 * 1024
"""Attachments stay below what Discord takes from a bot without boosts."""
_FIELDS = 24
_BAR_CELLS = 10

FINISHES = {
    "eos": "ended by itself",
    "length": "stopped at max_new_tokens",
    "context": "the model's window is full",
    "stopped": "stopped on request",
    "deadline": "out of time, so this is what there is",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One message. `message()` gives it as arguments for an edit, with files that can be sent once."""

    content: str | None = None
    embed: discord.Embed | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    def message(self) -> dict[str, Any]:
        files = [discord.File(io.BytesIO(data), name) for name, data in self.files.items()]
        return {"content": self.content, "embed": self.embed, "attachments": files}


# -- /generate ---------------------------------------------------------------------------------------


def waiting(prompt: str, position: int, *, loading: bool = False) -> str:
    """What people read before the first token; `position` 1 is the next in line."""
    state = "The model is still being loaded. " if loading else ""
    state += (
        f"You are {ordinal(position)} in line." if position else "" if loading else "Reading the prompt ..."
    )
    return f"{_prompt(prompt)}\n⏳ {state.strip()}"


def writing(prompt: str, text: str) -> str:
    """A continuation under way: its newest whole words, in a code block that is always closed."""
    if not (whole := settled(text)).strip():
        return waiting(prompt, 0)
    return _continued(prompt, whole, f"✍️ {len(whole):,} characters so far")


def ending(prompt: str, text: str) -> str:
    """What people read when the bot is told to stop while it writes."""
    why = "I am being restarted, so this ends in a moment."
    return _continued(prompt, text, why)


def unwritten(prompt: str, text: str, why: str) -> Answer:
    """What stays of a continuation that failed or was stopped before it could end."""
    return Answer(_continued(prompt, text, why))


def _continued(prompt: str, text: str, note: str) -> str:
    head, foot = f"{_prompt(prompt)}\n", f"\n-# {note}"
    # No more than this is ever shown of it, and it is drawn on the event loop, for every token.
    text = text[-CONTENT:]
    if not text.strip():
        return head + foot.strip()
    return head + block(text, CONTENT - size(head + foot), keep_end=True) + foot


def generation(result: Generation, temperature: float, before: str = "") -> Answer:
    """The prompt, the continuation, and how it came about, so that it can be repeated.

    `before` is what earlier answers wrote; it stands before what is new.
    """
    facts = [
        code(clip(result.model, 100)),
        "chat model" if result.chat else "base model: it goes on with a text",
        count(len(result.output_ids), "new token"),
        f"{result.tokens_per_second:.1f} tokens/s",
        f"temperature {temperature:g}" + ("" if temperature else " (greedy)"),
        *([f"seed {result.seed}"] if temperature else []),
        FINISHES.get(result.finish, result.finish),
    ]
    text = before + result.text
    head, foot = f"{_prompt(result.prompt)}\n", f"\n-# {' · '.join(facts)}"
    if not text.strip():
        marks = ansi.spelt(text)[0]
        nothing = (
            f"*Only white space: {code(clip(marks, 200))}*"
            if marks
            else "*The model ended the text at once.*"
        )
        return Answer(head + nothing + foot)
    room = CONTENT - size(head + foot)
    whole = block(text, 10 * size(text) + 100)
    if size(whole) <= room:
        return Answer(head + whole + foot)
    note = "\n-# This is the beginning; the whole text is in the file."
    return Answer(
        head + block(text, room - size(note)) + note + foot,
        files={"generated.txt": (result.prompt + text).encode(errors="replace")},
    )


def generated_tokens(result: Generation) -> Answer:
    """What the model read and what it wrote, each token above its id."""
    read, wrote = result.pieces[: len(result.input_ids)], result.pieces[len(result.input_ids) :]
    embed = discord.Embed(title="What the model read and wrote", colour=BLUE)
    room = (DESCRIPTION - 400) // 2
    parts, marks, whole = [], set[str](), True
    for verb, pieces in (("read", read), ("wrote", wrote)):
        drawing = ansi.grid(pieces, room)
        left = len(pieces) - drawing.shown
        more = f"\n… and {left:,} more in the file." if left else ""
        parts.append(
            f"{code(clip(result.model, 100))} {verb} **{count(len(pieces), 'token')}**\n{drawing.text}{more}"
        )
        marks |= drawing.marks
        whole &= not left
    if result.chat:
        parts.append("-# The first tokens are the model's chat template around your prompt.")
    embed.description = "\n".join(parts)
    _foot(embed, ansi.legend(frozenset(marks)))
    return Answer(embed=embed, files={} if whole else {"tokens.txt": _generated_listing(result)})


def _generated_listing(result: Generation) -> bytes:
    lines = ["position\tid\ttoken\tdecoded\tread or written\n"]
    for position, piece in enumerate(result.pieces):
        token, text = (json.dumps(_whole(part), ensure_ascii=False) for part in (piece.token, piece.text))
        what = "read" if position < len(result.input_ids) else "written"
        lines.append(f"{position}\t{piece.id}\t{token}\t{text}\t{what}\n")
    return "".join(lines).encode()


STEPS = 12
"""Steps on one page of "Why this word"."""
WHY_PICTURE = "why.png"


def pages(result: Generation) -> int:
    return max(1, -(-len(result.steps) // STEPS))


def why(result: Generation, page: int, temperature: float) -> Answer:
    """One page of the steps: which token was chosen, how likely it was, and what it was chosen over.

    The list in the message names the likeliest of the others, the picture five of them, the file all for every step.
    """
    first = page * STEPS
    steps_shown = result.steps[first : first + STEPS]
    rows = [
        (
            str(first + row),
            steps.visible(step.chosen.text),
            steps.percent(step.chosen.probability),
            " ".join(f"{steps.visible(it.text)} {steps.percent(it.probability)}" for it in step.others[:1]),
        )
        for row, step in enumerate(steps_shown, 1)
    ]
    drawn = sum(step.others[0].probability > step.chosen.probability for step in result.steps if step.others)
    how = (
        f"Tokens were drawn at temperature {temperature:g}; {drawn:,} of {len(result.steps):,} were not the likeliest."
        if temperature
        else "Each time the likeliest token was taken (greedy)."
    )
    embed = discord.Embed(
        title="Why this word",
        description=f"After each token the model gives every token of its vocabulary a probability. {how}\n"
        + block(table(("", "written", "", "instead"), rows, frozenset({1, 3})), DESCRIPTION - 700),
        colour=BLUE,
    )
    embed.set_footer(
        text=f"Tokens {first + 1} to {first + len(rows)} of {len(result.steps)} · probabilities before temperature and top_p"
    )
    embed.set_image(url=f"attachment://{WHY_PICTURE}")
    files = {WHY_PICTURE: steps.picture(steps_shown, first + 1), "why.csv": _steps_csv(result.steps)}
    return Answer(embed=embed, files=files)


def _steps_csv(every: Sequence[Step]) -> bytes:
    """A row for each candidate of each step, the written one first."""
    rows = []
    for number, step in enumerate(every, 1):
        for candidate in (step.chosen, *step.others):
            chosen = "yes" if candidate is step.chosen else "no"
            rows.append((number, chosen, candidate.id, candidate.text, f"{candidate.probability:.6g}"))
    return _csv(("step", "written", "id", "text", "probability"), rows)


def _prompt(prompt: str) -> str:
    return f"> **{inline(prompt, 400)}**"


# -- /tokens -----------------------------------------------------------------------------------------


def comparison(tokenizations: Sequence[Tokenization], failures: Mapping[str, str]) -> Answer:
    """How several tokenizers split the same text: a table, then the pieces of each."""
    rows = [
        (_short(t.name), f"{t.count:,}", f"{t.characters_per_token:.2f}", f"{t.vocab_size:,}")
        for t in tokenizations[:_FIELDS]
    ]
    head = ("tokenizer", "tokens", "chars/token", "vocabulary")
    embed = discord.Embed(
        title=_title(tokenizations[0].text if tokenizations else ""),
        description=block(table(head, rows), DESCRIPTION // 2) + _failed(failures),
        colour=BLUE,
    )
    names = [clip(f"{harmless(t.name)} · {t.algorithm}", FIELD_NAME // 2) for t in tokenizations[:_FIELDS]]
    room = EMBEDS - _size(embed) - sum(size(name) for name in names) - _FOOTER_ROOM
    each = min(FIELD_VALUE, room // max(len(names), 1))
    marks: set[str] = set()
    whole = len(names) == len(tokenizations)
    for name, tokenization in zip(names, tokenizations, strict=False):
        drawing = ansi.flow(tokenization.pieces, each - _MORE_ROOM)
        embed.add_field(name=name, value=drawing.text + _more(drawing, tokenization), inline=False)
        marks |= drawing.marks
        whole &= drawing.shown == tokenization.count
    _foot(embed, ansi.legend(frozenset(marks)))
    embed.set_image(url="attachment://tokens.png")
    files = {"tokens.png": chips.picture(tokenizations)}
    return Answer(embed=embed, files=files if whole else files | {"tokens.txt": listing(tokenizations)})


def pieces(tokenization: Tokenization, *, drawn: bool = False) -> Answer:
    """One tokenizer's pieces, each above its id; also as a picture if they are to be `drawn`."""
    facts = [
        f"**{count(tokenization.count, 'token')}**",
        f"{tokenization.characters_per_token:.2f} characters per token",
        f"vocabulary of {tokenization.vocab_size:,}",
        tokenization.algorithm,
    ]
    head = f"{code(clip(tokenization.name, 200))}: {' · '.join(facts)}\n"
    drawing = ansi.grid(tokenization.pieces, DESCRIPTION - size(head) - _MORE_ROOM)
    embed = discord.Embed(
        title=_title(tokenization.text),
        description=head + drawing.text + _more(drawing, tokenization),
        colour=BLUE,
    )
    _foot(embed, ansi.legend(drawing.marks))
    files = {}
    if drawn:
        embed.set_image(url="attachment://tokens.png")
        files["tokens.png"] = chips.picture([tokenization])
    if drawing.shown < tokenization.count:
        files["tokens.txt"] = listing([tokenization])
    return Answer(embed=embed, files=files)


def decoded(name: str, text: str, found: Sequence[Piece]) -> Answer:
    """The text of a sequence of ids, and what each id gives alone."""
    rows = [
        (str(piece.id), steps.visible(piece.text), clip(ansi.spelt(piece.token)[0], 20))
        for piece in found[:_ROWS]
    ]
    left = len(found) - len(rows)
    alone = "".join(piece.text for piece in found)
    differs = (
        "\n-# One after another they give another text: a token alone may lose the mark of a space, or be part of a character."
        if alone != text and len(found) > 1
        else ""
    )
    embed = discord.Embed(
        title=f"{count(len(found), 'id')} of {clip(harmless(name), 100)}",
        description=f"Together:\n{block(text, 1500)}\nOne by one:\n"
        + block(table(("id", "decoded", "in the vocabulary"), rows, frozenset({1, 2})), 2000)
        + (f"\n… and {left:,} more." if left else "")
        + differs,
        colour=BLUE,
    )
    files = {} if size(text) <= 1400 else {"decoded.txt": _whole(text).encode()}  # noqa: PLR2004 - what the block shows
    return Answer(embed=embed, files=files)


def listing(tokenizations: Sequence[Tokenization]) -> bytes:
    """Every token of every tokenizer as a table with tabs; tokens are written as JSON strings."""
    parts, used = [], 0
    for line in _lines(tokenizations):
        data = line.encode()
        used += len(data)
        if used > FILE_BYTES:
            parts.append(b"... cut here: the file would be too large for Discord.\n")
            break
        parts.append(data)
    return b"".join(parts)


def _lines(tokenizations: Sequence[Tokenization]) -> Iterator[str]:
    for tokenization in tokenizations:
        yield f"# {tokenization.name} ({tokenization.algorithm}): {count(tokenization.count, 'token')}\n"
        yield "position\tid\ttoken\tdecoded\n"
        for position, piece in enumerate(tokenization.pieces):
            token, text = (json.dumps(_whole(part), ensure_ascii=False) for part in (piece.token, piece.text))
            yield f"{position}\t{piece.id}\t{token}\t{text}\n"
        yield "\n"


_FOOTER_ROOM = 300
_MORE_ROOM = 60


def _more(drawing: ansi.Drawing, tokenization: Tokenization) -> str:
    left = tokenization.count - drawing.shown
    return f"\n… and {left:,} more in the file." if left else ""


def _whole(text: str) -> str:
    return text.encode(errors="replace").decode()


def _title(text: str) -> str:
    return f"“{inline(text, 100)}”" if text.strip() else f"“{ansi.spelt(clip(text, 20))[0]}”"


def _short(name: str) -> str:
    """A hub name without its owner, where it would not fit into the table."""
    return clip(harmless(name if len(name) <= 18 else name.rpartition("/")[2]), 18)  # noqa: PLR2004 - a column


def _failed(failures: Mapping[str, str]) -> str:
    lines = [f"\n{code(clip(name, 100))} is not there: {inline(why, 200)}" for name, why in failures.items()]
    return clip("".join(lines), 1000)


# -- /embed ------------------------------------------------------------------------------------------

_ROWS = 24
WHY_NOT_BACK = (
    "An id is the number of an entry in the vocabulary, so it can be looked up and decoded. A vector is what the"
    " model made of that token in this text: it has no entry to look up, and the same token gets another one"
    " in another text. It can only be compared with other vectors."
)


def embedding(found: Embedding) -> Answer:
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
        title=_title(found.text),
        description=f"{code(clip(found.model, 100))} turned this into vectors of the shape"
        f" **({texts}, {tokens}, {numbers})**: {shape}.\n"
        + block(table(("", "token", "id", "vector"), rows, frozenset({1, 3})), 2400)
        + (f"\n… and {count(left, 'more token')}." if left else "")
        + f"\n{WHY_NOT_BACK}",
        colour=BLUE,
    )
    embed.set_image(url="attachment://vectors.png")
    return Answer(embed=embed, files={"vectors.png": vectors.heat_map(found)})


def _beginning(vector: Sequence[float]) -> str:
    return " ".join(f"{value:+.2f}" for value in vector[:3]) + " …"


def contexts(found: Contexts) -> Answer:
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
    return Answer(embed=embed, files={"contexts.png": vectors.contexts(found)})


# -- /similar ----------------------------------------------------------------------------------------


def words(found: Neighbourhood | Pair | OddOne) -> Answer:
    """What there is to see of words; with a map it takes some tenths of a second."""
    match found:
        case Neighbourhood():
            return neighbourhood(found)
        case Pair():
            return pair(found)
        case OddOne():
            return odd_one(found)


def neighbourhood(result: Neighbourhood) -> Answer:
    """The nearest words with their cosines, a map of them, and both as a table in a file."""
    rows = [
        (str(rank), clip(harmless(neighbour.word), 24), _bar(neighbour), f"{neighbour.score:.3f}")
        for rank, neighbour in enumerate(result.neighbours, 1)
    ]
    terms = " + ".join(inline(word, 80) for word in result.positive)
    terms += "".join(f" - {inline(word, 80)}" for word in result.negative)
    embed = discord.Embed(
        title=clip(f"Nearest to {terms}", TITLE),
        description=block(table(("", "word", "", "cosine"), rows, frozenset({1, 2})), DESCRIPTION),
        colour=BLUE,
    )
    itself = " · by vector, so the word itself is found too" if result.by_vector else ""
    _foot(embed, f"{harmless(result.model)} · {_COSINE}{itself}")
    embed.set_image(url="attachment://map.png")
    places = {point.word: (point.x, point.y) for point in result.points}
    head = ("rank", "word", "cosine", "x", "y")
    lines = [
        (rank, it.word, f"{it.score:.6f}", *(f"{axis:.6f}" for axis in places.get(it.word, ())))
        for rank, it in enumerate(result.neighbours, 1)
    ]
    picture = plots.word_map(result.points, [it.word for it in result.neighbours], result.explained)
    return Answer(embed=embed, files={"map.png": picture, "neighbours.csv": _csv(head, lines)})


def pair(found: Pair) -> Answer:
    """The cosine of two words, and how near that is among all words."""
    first, second = inline(found.first, 80), inline(found.second, 80)
    if found.first == found.second:
        place = "It is the same word, so its vector is the same."
    else:
        place = (
            f"Among the other {found.words - 1:,} words **{second}** is the {ordinal(found.rank_of_second)} nearest to"
            f" **{first}**, and **{first}** the {ordinal(found.rank_of_first)} nearest to **{second}**."
        )
    embed = discord.Embed(
        title=clip(f"{first} and {second}", TITLE),
        description=f"Cosine **{found.cosine:.3f}** {_bar(Neighbour(found.second, found.cosine))}\n{place}",
        colour=BLUE,
    )
    _foot(embed, f"{harmless(found.model)} · {_COSINE}")
    return Answer(embed=embed)


def odd_one(found: OddOne) -> Answer:
    """Which of several words fits least, the cosine of each to the mean of all, and a map of them."""
    rows = [(clip(harmless(it.word), 24), _bar(it), f"{it.score:.3f}") for it in found.words]
    embed = discord.Embed(
        title=clip(f"{inline(found.odd, 100)} does not belong", TITLE),
        description="Its vector is furthest from the mean of all of them.\n"
        + block(table(("word", "", "cosine"), rows, frozenset({0, 1})), DESCRIPTION - 100),
        colour=BLUE,
    )
    _foot(embed, f"{harmless(found.model)} · {_COSINE}")
    embed.set_image(url="attachment://map.png")
    ranked = [it.word for it in found.words]
    picture = plots.word_map(found.points, ranked, found.explained, odd=found.odd)
    lines = [(it.word, f"{it.score:.6f}") for it in found.words]
    return Answer(embed=embed, files={"map.png": picture, "words.csv": _csv(("word", "cosine"), lines)})


_COSINE = "cosine 1 is the same direction, 0 is unrelated"


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows([_whole(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return file.getvalue().encode()


def _bar(neighbour: Neighbour) -> str:
    eighths = round(max(0.0, min(1.0, neighbour.score)) * _BAR_CELLS * 8)
    return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8]).rstrip()


# -- /recommend and /likes ---------------------------------------------------------------------------


def song(one: Song) -> str:
    """Title and artist amid markdown."""
    return f"**{inline(one.title, 100)}**" + (f" by {inline(one.artist, 80)}" if one.artist else "")


def recommendations(
    result: Recommendations,
    title: str,
    hint: str = "",
    *,
    because: str = "",
    first: int = 0,
    few: int = 0,
) -> Answer:
    """A list, numbered from `first` + 1. With `because`, the beginning of a reason, each song says which of the seed
    songs it came from, and whether it is in fewer than `few` playlists.
    """
    lines = [
        f"{number}. {song(recommendation.song)}{_why(recommendation, because, few) if because else ''}"
        for number, recommendation in enumerate(result.songs, first + 1)
    ]
    note = f"\n\n{hint}" if hint else ""
    songs = clip("\n".join(lines), DESCRIPTION - size(note))
    embed = discord.Embed(title=clip(title, TITLE), description=songs + note, colour=BLUE)
    _foot(embed, harmless(result.model))
    return Answer(embed=embed)


def _why(recommendation: Recommendation, because: str, few: int) -> str:
    seeds = [inline(seed.title, 60) for seed in recommendation.because[:3]]
    parts = [f"{because} {listed(seeds)}"] if seeds else []
    if recommendation.playlists < few:
        parts.append(f"little known: in {count(recommendation.playlists, 'playlist')}")
    return f"\n-# {' · '.join(parts)}" if parts else ""


def liked_songs(
    songs: Sequence[Like], first: int, total: int, unwanted: Sequence[Song] = ()
) -> discord.Embed:
    """One page of somebody's likes, numbered from `first` + 1, and what they do not want to be recommended."""
    lines = [
        f"{number}. {song(like.song)} · {discord.utils.format_dt(like.liked_at, 'd')}"
        for number, like in enumerate(songs, first + 1)
    ]
    embed = discord.Embed(
        title=f"You like {count(total, 'song')}", description=clip("\n".join(lines), DESCRIPTION), colour=BLUE
    )
    if unwanted:
        titles = [f"👎 {song(one)}" for one in unwanted]
        embed.add_field(
            name=f"Not recommended to you: {count(len(unwanted), 'song')}",
            value=whole_lines(titles, FIELD_VALUE),
        )
    return embed


# -- /models -----------------------------------------------------------------------------------------

_SIGNS = {State.READY: "🟢", State.LOADING: "🟡", State.FAILED: "🔴", State.EMPTY: "⚪"}


def statuses(slots: Sequence[SlotStatus], queues: Mapping[str, tuple[int, int]]) -> discord.Embed:
    """Public facts about every slot; `queues` holds how many jobs run and wait in the slot's lane."""
    embed = discord.Embed(title="What is loaded", colour=BLUE)
    for slot in slots[:_FIELDS]:
        running, waits = queues.get(slot.slot, (0, 0))
        facts = [
            code(clip(slot.name, 100)) if slot.name else "",
            clip(" ".join(part for part in (slot.device, slot.dtype) if part), 60),
            memory(slot.memory) if slot.memory else "",
            f"loaded in {slot.load_seconds:.1f} s" if slot.load_seconds else "",
            f"{running} running, {waits} waiting" if running or waits else "",
        ]
        lines = [" · ".join(fact for fact in facts if fact), inline(slot.detail, 300)]
        embed.add_field(
            name=f"{_SIGNS[slot.state]} {slot.slot}: {slot.state}",
            value="\n".join(line for line in lines if line) or "Nothing here yet.",
            inline=False,
        )
    return embed


def loading(slot: str, what: str, share: float | None, seconds: float, *, serving: bool = True) -> str:
    """How far a reload has come; `share` is in [0, 1] where it is known."""
    bar = f" `{'█' * round(share * 20):░<20}` {share:.0%}" if share is not None else ""
    meanwhile = "the old one goes on answering" if serving else "questions wait for it"
    return f"⏳ Loading **{slot}** anew: {inline(what, 200)}{bar}\n-# {seconds:.0f} s; {meanwhile}"


def loaded(reload: Reload) -> str:
    """What is there now, and what its coming did to the memory."""
    status, before, after = reload.status, reload.before, reload.after
    facts = [
        code(clip(status.name, 100)),
        clip(" ".join(part for part in (status.device, status.dtype) if part), 60),
        memory(status.memory) if status.memory else "",
        f"{status.load_seconds:.1f} s",
    ]
    drained = (
        "\nTwo copies did not fit into memory, so the old one went before the new one came."
        if reload.drained
        else ""
    )
    return (
        f"✅ **{status.slot}** is loaded anew: {' · '.join(fact for fact in facts if fact)}\n"
        f"-# models: {memory(before.models)} before, {memory(after.models)} after · "
        f"the whole process: {memory(before.process)} before, {memory(after.process)} after{drained}"
    )


def not_loaded(slot: str, why: str, statuses: Sequence[SlotStatus]) -> str:
    """Why a reload failed, and whether the model that was there still answers."""
    kept = any(status.state is State.READY for status in statuses)
    after = "The old one goes on answering." if kept else "Nothing is loaded there now."
    return f"❌ **{slot}** was not loaded anew: {inline(why, 1500)}\n{after}"


def memory(number: int) -> str:
    """Bytes for people, in powers of 1000 as disks and model pages count them."""
    value, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:  # noqa: PLR2004 - the step from one unit to the next
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"


def _foot(embed: discord.Embed, text: str) -> None:
    if text.strip():  # Discord refuses an empty footer
        embed.set_footer(text=clip(text, _FOOTER_ROOM))


def _size(embed: discord.Embed) -> int:
    return sum(size(part) for part in (embed.title, embed.description, embed.footer.text) if part)
