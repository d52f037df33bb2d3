"""Makes the embedded models: `python -m demo.recipe [--only tokenizers words ...]`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch

from demo.recipe import encoder, language, report, songs, tokenizers, words
from demo.recipe.corpus import Corpus, spelling
from demo.recipe.wordnet import FOLDER, MissingError, WordNet

PARTS = ("tokenizers", "words", "songs", "encoder", "language", "report")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.recipe", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, help="make only these, in this order"
    )
    parser.add_argument(
        "--wordnet", type=Path, default=FOLDER, help="WordNet's folder (default: %(default)s)"
    )
    parser.add_argument("--target", type=Path, default=Path(__file__).parents[1], help="where the folders go")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--device", default="cpu", help="where encoder and language model are trained (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    target: Path = options.target
    try:
        wordnet = WordNet(options.wordnet)
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1
    corpus = Corpus(wordnet)
    # For matrices this small a second thread does not pay off, and one thread gives the same result everywhere.
    torch.set_num_threads(1)
    for part in options.only:
        began = time.process_time()
        match part:
            case "tokenizers":
                tokenizers.make(spelling(corpus, options.seed - 1), target)
            case "words":
                words.make(wordnet, target / "tiny-words", options.seed)
            case "songs":
                songs.make(target / "tiny-songs", options.seed)
            case "encoder":
                encoder.make(wordnet, corpus, target / "tiny-bert", options.seed, options.device)
            case "language":
                language.make(wordnet, target / "tiny-phi", options.seed, options.device)
            case _:
                report.make(wordnet, target, options.seed)
        minutes = (time.process_time() - began) / 60
        if part != "report" and (options.device == "cpu" or part not in ("encoder", "language")):
            _remember(target / report.TIMES, part, minutes)
        print(f"{part}: done, {minutes:.1f} min of processor time", flush=True)
    return 0


def _remember(path: Path, part: str, minutes: float) -> None:
    """Records the processor time of each part for the report; unlike wall time, it does not depend on other load."""
    times = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    times[part] = round(minutes, 1)
    path.write_text(json.dumps(times, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
