"""The questions of the slash commands, asked in a terminal: for people, or as one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.settings.schema import ConfigError, Settings, load
from bot.visible import harmless, spelt, spelt_piece
from models.failures import BadInput, NotThere
from models.results import Neighbour, Neighbourhood, OddOne, Pair

if TYPE_CHECKING:
    from models.results import Piece, Tokenization
    from models.songs.catalogue import SongCatalogue
    from models.tokenizers.tokenizer import Tokenizer

COLOURS = (
    "black on bright_cyan",
    "black on bright_green",
    "black on bright_yellow",
    "black on bright_magenta",
)
HINT = "The small models that come with the bot answer at once: add --config demo/config.toml."

Progress = Callable[[str, float | None], None]


def answer(arguments: argparse.Namespace) -> int:
    """Ask what the command line says; 0, or a ModelError or ConfigError for whoever called."""
    if "text" in arguments:
        arguments.text = _text(arguments.text)
    console = Console(soft_wrap=True, highlight=False)
    try:
        content = QUESTIONS[arguments.question](arguments, None if arguments.json else console)
    except NotThere as error:
        if arguments.config is not None or getattr(arguments, "tokenizer", None):
            raise
        raise NotThere(f"{error} {HINT}") from error
    if arguments.json:
        print(json.dumps(content, ensure_ascii=False))
    return 0


def _text(given: str | list[str]) -> str:
    text = " ".join(given) if isinstance(given, list) else given
    if text == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError:
            raise BadInput("The standard input is no UTF-8 text.") from None
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadInput("The text is no UTF-8.")
    return text


@contextmanager
def loading() -> Iterator[Progress]:
    """Show on standard error what is being loaded, where somebody watches."""
    console = Console(stderr=True)
    with console.status("Loading ...") as status:

        def progress(what: str, share: float | None = None) -> None:
            status.update(Text(harmless(what if share is None else f"{what} {share:.0%}")))

        yield progress


def section(settings: Settings, name: str) -> Any:
    if getattr(settings, name) is None:
        raise ConfigError([f"{name}: the settings have no section [{name}], which this question needs"])
    return settings.specs()[name]


# tokens, decode --------------------------------------------------------------------------------------------


def tokens(arguments: argparse.Namespace, console: Console | None) -> dict[str, Any]:
    found = [loaded.tokenize(arguments.text) for loaded in _tokenizers(arguments)]
    if console:
        _show_tokenizations(console, found)
    return {
        "text": arguments.text,
        "tokenizers": [
            {
                "name": it.name,
                "count": it.count,
                "ids": it.ids,
                "tokens": it.tokens,
                "vocab_size": it.vocab_size,
                "algorithm": it.algorithm,
            }
            for it in found
        ],
    }


def decode(arguments: argparse.Namespace, console: Console | None) -> dict[str, Any]:
    arguments.tokenizer = [arguments.tokenizer]
    (tokenizer,) = _tokenizers(arguments)
    text = tokenizer.decode(arguments.ids)
    if console:
        console.print(Text(harmless(text)))
    return {
        "tokenizer": tokenizer.name,
        "ids": arguments.ids,
        "text": text,
        "tokens": [tokenizer.decode([number]) for number in arguments.ids],
    }


def _tokenizers(arguments: argparse.Namespace) -> list[Tokenizer]:
    """Those that were asked for, by the names in the settings, by hub name or by path; or all in the settings."""
    from models.tokenizers.tokenizer import Tokenizer, Tokenizers

    with loading() as progress:
        if arguments.tokenizer:
            known = _configured_tokenizers(arguments.config)
            for name in arguments.tokenizer:
                # The models know a folder by its last part; whoever typed a path looks for a path.
                if name.startswith(("/", ".", "~")) and not Path(name).expanduser().exists():
                    raise NotThere(f"There is no file or folder {name}.")
            names = [known.get(name, name) for name in arguments.tokenizer]
            return [Tokenizer.load(_fetched(name, progress)) for name in names]
        group = Tokenizers.load(section(load(arguments.config), "tokenizers"), progress)
    for reason in group.failures.values():
        print(harmless(reason), file=sys.stderr)
    if not group.names:
        raise NotThere("None of the tokenizers in the settings could be loaded.")
    return [group.get(name) for name in group.names]


def _fetched(name: str, progress: Progress) -> str:
    """The name itself; who types that of a tokenizer on the hub wants it downloaded, if it is not here."""
    from models.files import fetching
    from models.specs import TokenizersSpec

    def watch(what: str, done: int, total: int | None) -> None:
        progress(f"downloading {what}", done / total if total else None)

    for item in fetching.items("tokenizers", TokenizersSpec((name,))):
        if item.kind != "path":
            fetching.fetch(item, watch)
    return name


def _configured_tokenizers(path: Path | None) -> dict[str, str]:
    """The folders of the tokenizers in the settings by their last part, which is what the bot calls them."""
    try:
        section = load(path).tokenizers
    except ConfigError:
        if path is not None:
            raise
        return {}  # whoever names a tokenizer needs no settings
    names = section.names if section else []
    return {Path(name).name: name for name in names if Path(name).is_absolute()}


def _show_tokenizations(console: Console, found: Sequence[Tokenization]) -> None:
    table = Table("tokenizer", "algorithm", box=None, header_style="bold")
    for heading in ("tokens", "characters per token", "vocabulary"):
        table.add_column(heading, justify="right")
    for it in found:
        row = (
            Text(harmless(it.name)),
            it.algorithm,
            str(it.count),
            f"{it.characters_per_token:.2f}",
            f"{it.vocab_size:,}",
        )
        table.add_row(*row)
    console.print(table)
    for it in found:
        console.print()
        console.print(Text(harmless(it.name), "bold"))
        console.print(_pieces(it.pieces))
        console.print(Text(" ".join(map(str, it.ids)), "dim"))


def _pieces(pieces: Sequence[Piece]) -> Text:
    """The pieces side by side: coloured in turn, and with a bar between them for where there is no colour."""
    text = Text()
    for number, piece in enumerate(pieces):
        if number:
            text.append("│", "dim")
        text.append(spelt_piece(piece)[0], "reverse" if piece.special else COLOURS[number % len(COLOURS)])
    return text


# generate, embed -------------------------------------------------------------------------------------------


def generate(arguments: argparse.Namespace, console: Console | None) -> dict[str, Any]:
    from models.language.model import LanguageModel

    settings = load(arguments.config)
    spec = section(settings, "language")
    assert settings.language is not None  # noqa: S101 - `section` has seen to it
    with loading() as progress:
        model = LanguageModel.load(spec, progress)
    shown = -1

    def stream(text: str) -> None:
        nonlocal shown
        if console:
            if shown < 0:
                console.print(Text(harmless(arguments.text), "bold"), end="")
            console.print(Text(harmless(text[max(0, shown) :])), end="")
            shown = len(text)

    made = model.generate(
        arguments.text,
        max_new_tokens=arguments.max_new_tokens or settings.language.default_new_tokens,
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        seed=arguments.seed,
        on_text=stream,
    )
    if console:
        stream(made.text)
        rate = f"{len(made.output_ids)} tokens in {made.seconds:.1f} s ({made.finish})"
        where = f"on {model.device}, {model.dtype}"
        console.print(Text(f"\n\n{harmless(made.model)} {where}: {rate}", "dim"))
    return {
        "prompt": made.prompt,
        "text": made.text,
        "input_ids": list(made.input_ids),
        "output_ids": list(made.output_ids),
        "finish": made.finish,
        "seed": made.seed,
        "model": made.model,
    }


def embed(arguments: argparse.Namespace, console: Console | None) -> dict[str, Any]:
    from models.encoder import Encoder

    with loading() as progress:
        encoder = Encoder.load(section(load(arguments.config), "encoder"), progress)
    made = encoder.embed(arguments.text)
    if console:
        table = Table("token", "id", "vector", box=None, header_style="bold")
        for token, number, vector in zip(made.tokens, made.ids, made.vectors, strict=True):
            start = " ".join(f"{value:+.3f}" for value in vector[:6])
            table.add_row(Text(spelt(token)[0]), str(number), f"{start} ...")
        console.print(table)
        _, count, size = made.shape
        console.print(Text(f"{made.model}: {count} tokens, {size} numbers each", "dim"))
    return {
        "tokens": list(made.tokens),
        "ids": list(made.ids),
        "shape": list(made.shape),
        "model": made.model,
    }


# similar, recommend ----------------------------------------------------------------------------------------


def similar(arguments: argparse.Namespace, console: Console | None) -> dict[str, Any]:
    from models.words.vectors import WordVectors

    with loading() as progress:
        words = WordVectors.load(section(load(arguments.config), "words"), progress)
    found = words.ask(arguments.text, n=arguments.n, by_vector=arguments.by == "vector")
    match found:
        case Neighbourhood():
            if console:
                _cosines(console, found.neighbours)
            return {"neighbours": _scores(found.neighbours)}
        case Pair():
            ranks = [found.rank_of_second, found.rank_of_first]
            if console:
                _cosines(console, [Neighbour(f"{found.first}, {found.second}", found.cosine)])
                place = f"{found.second} is number {ranks[0]:,} of {found.words - 1:,} around {found.first}"
                console.print(
                    Text(harmless(f"{place}; {found.first} number {ranks[1]:,} around {found.second}"), "dim")
                )
            return {"words": [found.first, found.second], "cosine": found.cosine, "ranks": ranks}
        case OddOne():
            if console:
                _cosines(console, found.words)
                console.print(Text(harmless(f"{found.odd} does not belong"), "dim"))
            return {"odd": found.odd, "words": _scores(found.words)}


def _cosines(console: Console, words: Sequence[Neighbour]) -> None:
    table = Table("word", "cosine", "", box=None, header_style="bold")
    for it in words:
        table.add_row(Text(harmless(it.word)), f"{it.score:.3f}", "▇" * round(max(0.0, it.score) * 20))
    console.print(table)


def _scores(words: Sequence[Neighbour]) -> list[dict[str, Any]]:
    return [{"word": it.word, "score": it.score} for it in words]


def recommend(arguments: argparse.Namespace, console: Console | None) -> dict[str, Any]:
    from models.songs.catalogue import SongCatalogue

    with loading() as progress:
        catalogue = SongCatalogue.load(section(load(arguments.config), "songs"), progress)
    likes = [_song(catalogue, text) for text in arguments.song]
    if len(likes) == 1:
        found = catalogue.similar(likes[0], n=arguments.n)
    elif likes:
        found = catalogue.recommend(likes, n=arguments.n, per_artist=arguments.per_artist or None)
    else:
        found = catalogue.popular(n=arguments.n, per_artist=arguments.per_artist or None)
    if console:
        table = Table("id", "song", "because of", box=None, header_style="bold")
        for it in found.songs:
            because = ", ".join(seed.label for seed in it.because)
            names = (Text(harmless(name)) for name in (it.song.id, it.song.label))
            table.add_row(*names, Text(harmless(because), "dim"))
        console.print(table)
    return {
        "songs": [
            {
                "id": it.song.id,
                "title": it.song.title,
                "artist": it.song.artist,
                "because": [seed.id for seed in it.because],
            }
            for it in found.songs
        ]
    }


def _song(catalogue: SongCatalogue, text: str) -> str:
    """The id of the song that is meant, which is said unless the text is that id."""
    song = catalogue.identify(text).song
    if text.strip() != song.id:
        print(harmless(f"{text!r} is taken for {song.label} (id {song.id})."), file=sys.stderr)
    return song.id


QUESTIONS: dict[str, Callable[[argparse.Namespace, Console | None], dict[str, Any]]] = {
    "tokens": tokens,
    "decode": decode,
    "generate": generate,
    "embed": embed,
    "similar": similar,
    "recommend": recommend,
}
