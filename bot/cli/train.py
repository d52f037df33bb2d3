"""`train`: train on the playlists in the settings, and store the result for the bot."""

from __future__ import annotations

import argparse
import time

import texts
from bot.cli.arguments import add_json
from bot.cli.questions import required_spec
from bot.cli.terminal import loading, print_json
from bot.settings.load import load
from models.specs import SongsSpec

SUMMARY = "train on the playlists in the settings, so that the bot starts at once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from models.songs.catalogue import SongCatalogue

    spec = required_spec(load(arguments.config), SongsSpec)
    began = time.monotonic()
    with loading() as progress:
        catalogue = SongCatalogue.load(spec, progress)
    seconds = time.monotonic() - began
    if arguments.json:
        facts = {"name": catalogue.name, "seconds": seconds, "memory_bytes": catalogue.memory}
        print_json({**facts, "report": catalogue.report})
        return 0
    detail = catalogue.detail.partition(";")[0]
    print(texts.say("terminal-trained", name=catalogue.name, detail=detail, seconds=f"{seconds:.1f}"))
    for what, count in catalogue.report.items():
        if count:
            print(f"  {what}: {count:,}")
    return 0
