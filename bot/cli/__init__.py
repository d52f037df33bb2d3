"""The command line: run the bot, try it, check its settings, and ask its models without Discord.

Each command imports what it needs and nothing else: `check` loads no model library, `tokens` no torch
model, and `--help` next to nothing.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar

from bot.settings.schema import ConfigError, effective, inspect, load
from bot.visible import harmless
from models.failures import ModelError

DEMO_CONFIG = Path(__file__).resolve().parents[2] / "demo" / "config.toml"

SLOTS = ("tokenizers", "words", "songs", "encoder", "language")
MOST_TOKENS, MOST = 8192, 1000
"""Limits in a terminal, where nobody else waits: more than Discord's, and still no typing mistake."""
FAILED, MISUSED, INTERRUPTED = 1, 2, 130
LINGER = 1.0
"""Seconds that idle threads have to end by themselves."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0, 1 for what could not be done, 2 for usage and settings."""
    # What is left over is the command's fault, so its usage is what helps.
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        arguments.usage.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        # Text is UTF-8, whatever the terminal's locale says.
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8")
        code: int = arguments.action(arguments)
        sys.stdout.flush()
    except ConfigError as error:
        return _say(*error.problems, code=MISUSED)
    except ModelError as error:
        return _say(str(error), code=FAILED)
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        reason = " ".join(str(error).split())
        hint = "python -X dev -m bot shows where"
        return _say(f"Something went wrong ({type(error).__name__}: {reason}); {hint}.", code=FAILED)
    return code


def _say(*lines: str, code: int) -> int:
    for line in lines:
        print(harmless(line), file=sys.stderr)
    return code


class Parser(argparse.ArgumentParser):
    """Says what is wrong without writing to the terminal what it was given as it was given."""

    def error(self, message: str) -> NoReturn:
        super().error(harmless(message))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="tokenwise",
        description="A Discord bot for study groups that are learning what a language model sees.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, action: Callable[[argparse.Namespace], int], summary: str
    ) -> argparse.ArgumentParser:
        child = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        # SUPPRESS: where it is not given here, what was given before the command stands.
        child.add_argument(
            "--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        child.set_defaults(action=action, usage=child)
        return child

    def question(name: str, summary: str) -> argparse.ArgumentParser:
        child = command(name, _ask, summary)
        child.set_defaults(question=name)
        child.add_argument("--json", action="store_true", help="answer with one JSON object")
        return child

    command("run", _run, "run the bot on Discord")
    demo = command("demo", _demo, "try the bot without a Discord account")
    demo.add_argument(
        "--say",
        action="append",
        metavar="LINE",
        help="ask this, print the answer and end; repeatable, or several lines",
    )
    demo.add_argument("--as", dest="who", choices=["student", "admin"], default="student", help="who asks")
    command("check", _check, "say what is wrong with the settings, or show those in force")
    fetch = command("fetch", _fetch, "download what the settings name, as far as it is not there")
    fetch.add_argument(
        "slots", type=_slot, nargs="*", metavar="SLOT", help=f"only for: {', '.join(SLOTS)} (default: all)"
    )
    fetch.add_argument("--update", action="store_true", help="ask for newer versions of what is there")
    fetch.add_argument("--json", action="store_true", help="answer with one JSON object")
    command("health", _health, "ask the running bot whether it is well; exit code 0 or 1")

    tokens = question("tokens", "show how tokenizers split a text")
    tokens.add_argument("text", metavar="TEXT", help="the text; - reads it from standard input")
    tokens.add_argument("--tokenizer", action="append", metavar="NAME_OR_PATH", help="one to use; repeatable")

    decode = question("decode", "turn token ids back into text")
    decode.add_argument(
        "--tokenizer", required=True, metavar="NAME_OR_PATH", help="the tokenizer whose ids they are"
    )
    decode.add_argument("ids", type=int, nargs="+", metavar="ID", help="token ids")

    generate = question("generate", "let the language model continue a text")
    generate.add_argument(
        "text", metavar="PROMPT", help="how the text begins; - reads it from standard input"
    )
    generate.add_argument(
        "--max-new-tokens",
        type=_number(int, 1, MOST_TOKENS),
        metavar="N",
        help=f"how many tokens to write at most, up to {MOST_TOKENS:,}",
    )
    generate.add_argument(
        "--temperature",
        type=_number(float, 0, 2),
        default=0.0,
        metavar="T",
        help="0 to 2; 0 (default) always takes the likeliest token",
    )
    generate.add_argument(
        "--top-p",
        type=_number(float, 0.01, 1),
        default=1.0,
        metavar="P",
        help="0.01 to 1; choose among the likeliest tokens that share P (default: 1, all)",
    )
    generate.add_argument("--seed", type=_whole, metavar="S", help="the same seed gives the same text")

    embed = question("embed", "show the vectors that the encoder gives the tokens of a text")
    embed.add_argument("text", metavar="TEXT", help="the text; - reads it from standard input")

    similar = question("similar", "find the nearest words")
    similar.add_argument(
        "text",
        nargs="+",
        metavar="QUERY",
        help="a word; a sum such as king - man + woman; two words, with a comma, to compare; or more, to find the odd one",
    )
    similar.add_argument(
        "--by",
        choices=("word", "vector"),
        default="word",
        help="vector asks for whatever is nearest to the word's vector: first the word itself (default: word)",
    )
    similar.add_argument("-n", type=_number(int, 1, MOST), default=10, help="how many (default: 10)")

    recommend = question("recommend", "recommend songs")
    recommend.add_argument(
        "--song",
        action="append",
        default=[],
        metavar="SONG",
        help="the id of a liked song, or its title; repeatable",
    )
    recommend.add_argument("-n", type=_number(int, 1, MOST), default=10, help="how many (default: 10)")
    recommend.add_argument(
        "--per-artist",
        type=_whole,
        default=2,
        metavar="N",
        help="songs by one artist at most (default: 2; 0: any number); what goes with a single song is not limited",
    )

    train = command(
        "train", _train, "learn from the playlists in the settings, so that the bot starts at once"
    )
    train.add_argument("--json", action="store_true", help="answer with one JSON object")

    _evaluation(
        command("evaluate", _evaluate, "compare ways of recommending on playlists that were held back")
    )
    return parser


def _evaluation(evaluate: argparse.ArgumentParser) -> None:
    evaluate.add_argument(
        "--train", type=Path, required=True, metavar="FILE", help="the playlists to learn from"
    )
    held = evaluate.add_mutually_exclusive_group(required=True)
    held.add_argument("--test", type=Path, metavar="FILE", help="the playlists to ask about")
    held.add_argument(
        "--folds",
        type=_count,
        metavar="N",
        help="instead: divide those of --train into N parts, each the test once",
    )
    evaluate.add_argument(
        "--songs",
        type=Path,
        metavar="FILE",
        help="the table of songs; adds a row with few songs by one artist",
    )
    evaluate.add_argument(
        "--likes", type=_count, default=5, metavar="N", help="known songs of a playlist (default: 5)"
    )
    evaluate.add_argument("-k", type=_count, default=10, help="length of the lists (default: 10)")
    evaluate.add_argument(
        "--draws", type=_count, default=10, metavar="N", help="questions about each playlist (default: 10)"
    )
    evaluate.add_argument(
        "--seed", type=_whole, default=0, metavar="S", help="the same seed draws the same songs (default: 0)"
    )
    evaluate.add_argument("--json", action="store_true", help="answer with one JSON object")


def _slot(text: str) -> str:
    if text not in SLOTS:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(SLOTS)}")
    return text


Number = TypeVar("Number", int, float)


def _number(kind: type[Number], low: float, high: float = math.inf) -> Callable[[str], Number]:
    """Reads a number between two bounds, or says in words what it must be."""
    what = "a whole number" if kind is int else "a number"
    bounds = f"of at least {low:,}" if math.isinf(high) else f"from {low:,} to {high:,}"

    def read(text: str) -> Number:
        with suppress(ValueError):
            if low <= (number := kind(text)) <= high:
                return number
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} {bounds}")

    return read


_count, _whole = _number(int, 1), _number(int, 0)


def _run(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    if settings.token is None:
        return _say(
            "There is no token: set DISCORD_TOKEN to your bot's token, or let discord.token_file name a file with it.",
            code=MISUSED,
        )
    # Until the bot listens for it itself, being told to stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    import asyncio

    from bot import logs
    from bot.client import Tokenwise
    from bot.process import serve

    token = settings.token.get_secret_value()
    logs.setup(settings.log.level, token)

    async def start() -> int:
        return await serve(Tokenwise(settings), token)

    return _leave(asyncio.run(start()))


def _demo(arguments: argparse.Namespace) -> int:
    lines = None
    if arguments.say is not None:
        lines = [line for said in arguments.say for line in said.split("\n") if line.strip()]
        if not lines:
            return _say("There is nothing to ask: --say names no question, as in --say /help.", code=MISUSED)
    settings = load(arguments.config or DEMO_CONFIG)
    import asyncio

    from bot.cli.demo import demo

    return _leave(asyncio.run(demo(settings, lines, arguments.who)))


def _leave(code: int) -> int:
    """Return the code, or end the process with it if a thread is stuck in a model.

    Python waits at its end for the threads of its pools. They could be daemons instead, but those are
    torn down in the middle of native code, which crashes now and then and so spoils the exit code.
    """
    until = time.monotonic() + LINGER
    while stuck := [
        it for it in threading.enumerate() if it is not threading.main_thread() and not it.daemon
    ]:
        if time.monotonic() > until:
            # That a model is still being loaded is no news when nobody waits for it any more.
            news = any(not it.name.startswith("lane-loading") for it in stuck)
            logging.getLogger(__name__).log(
                logging.WARNING if news else logging.INFO,
                "leaving without %s",
                ", ".join(sorted(it.name for it in stuck)),
            )
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        time.sleep(0.01)
    return code


def _check(arguments: argparse.Namespace) -> int:
    try:
        settings = load(arguments.config)
        problems, warnings = inspect(settings)
    except ConfigError as error:
        problems, warnings = error.problems, []
    _say(*(f"warning: {line}" for line in warnings), code=0)
    print("\n".join(map(harmless, problems or effective(settings))))
    return MISUSED if problems else 0


def _fetch(arguments: argparse.Namespace) -> int:
    from bot.cli.fetch import fetch

    return fetch(arguments)


def _health(arguments: argparse.Namespace) -> int:
    import http.client
    import json

    health = load(arguments.config).health
    if not health.enabled:
        return _say("health.enabled is false, so the bot does not say how it is.", code=FAILED)
    connection = http.client.HTTPConnection(health.host, health.port, timeout=4)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        content = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _say(f"No bot answers at {health.host}:{health.port}: {error}", code=FAILED)
    finally:
        connection.close()
    print(json.dumps(content))
    return 0 if response.status == http.client.OK else FAILED


def _ask(arguments: argparse.Namespace) -> int:
    from bot.cli.ask import answer

    return answer(arguments)


def _train(arguments: argparse.Namespace) -> int:
    from bot.cli.train import train

    return train(arguments)


def _evaluate(arguments: argparse.Namespace) -> int:
    from bot.cli.train import evaluate

    return evaluate(arguments)
