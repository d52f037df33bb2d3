"""The likeliest continuations of a text as a tree: beam search, plus the greedy path and a sampled one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch

from models.failures import PromptOverWindow, ScoresNotFinite
from models.language.sampler import Sampler
from models.results import Branch, Paths, Piece
from models.sampling import Sampling

if TYPE_CHECKING:
    from models.inside.inside import Check, Inside
    from models.language.model import LanguageModel

Path: TypeAlias = tuple[int, ...]
"""The ids of the tokens after the text."""


def paths(
    model: LanguageModel,
    text: str,
    *,
    width: int = 3,
    depth: int = 4,
    seed: int = 0,
    check: Check = lambda: None,
) -> Paths:
    """The tree of all continuations that are among the `width` likeliest at any length up to `depth` tokens.

    A continuation that the model ends keeps its place. The tree always includes the greedy path and one drawn with
    `seed` at temperature 1 without cuts. `depth` is limited to the model's context window.
    """
    reading = model.read(text)
    width, depth = max(1, width), max(1, depth)
    room = depth if model.context is None else min(depth, model.context - len(reading.pieces))
    if room < 1:
        raise PromptOverWindow(len(reading.pieces), model.name, model.context or 0)
    inside = model.inside
    sampler = Sampler(Sampling(temperature=1, seed=seed))
    logs: dict[Path, float] = {(): 0.0}
    """Log-probability of the last token of each path in the tree, given those before it."""
    beam: list[tuple[float, Path]] = [(0.0, ())]
    greedy: Path = ()
    sampled: Path = ()
    with inside.looking(check):
        reader = _Reader(inside, reading.ids)
        for _ in range(room):
            open_ = {path for _, path in beam} | {greedy, sampled}
            fronts = [path for path in sorted(open_) if not path or path[-1] not in model.ends]
            if not fronts:
                break
            rows = dict(zip(fronts, reader.read(fronts), strict=True))
            beam = _longer(beam, rows, width)
            if greedy in rows:
                greedy = (*greedy, int(rows[greedy].argmax()))
            if sampled in rows and (drawn := sampler.choose(rows[sampled])):
                sampled = (*sampled, drawn.id)
            for path in (*(path for _, path in beam), greedy, sampled):
                if path not in logs:
                    logs[path] = float(rows[path[:-1]][path[-1]])
    pieces = model.pieces_by_id({reading.ids[-1], *(path[-1] for path in logs if path)})
    tree = _Tree(logs, pieces, greedy, sampled, model.ends)
    return Paths(reading, tree.branch((), reading.ids[-1]), width, room, seed)


def _longer(
    beam: Sequence[tuple[float, Path]], rows: Mapping[Path, torch.Tensor], width: int
) -> list[tuple[float, Path]]:
    """The `width` likeliest paths with one more token, by `rows` of logarithms; paths without a row have ended and
    stay.
    """
    found: list[tuple[float, Path]] = []
    for score, path in beam:
        if path not in rows:
            found.append((score, path))
            continue
        values, numbers = rows[path].topk(min(width, len(rows[path])))
        longer = zip(numbers.tolist(), values.tolist(), strict=True)
        found += [(score + value, (*path, number)) for number, value in longer]
    return sorted(found, key=lambda one: -one[0])[:width]


class _Reader:
    """Reads many continuations of one text, each one token longer than an earlier one."""

    def __init__(self, inside: Inside, ids: Sequence[int]) -> None:
        self._inside = inside
        self._ids = list(ids)
        self._cache = inside.cache()
        self._rows: dict[Path, int] = {}
        """The row of each path in the cache."""

    def read(self, fronts: Sequence[Path]) -> torch.Tensor:
        """The log-probabilities of the next token, shape (paths, vocabulary), float32 on the CPU."""
        if self._cache is None or not self._rows:
            tokens = [[*self._ids, *path] for path in fronts]
        else:
            tokens = [[path[-1]] for path in fronts]
            parents = torch.tensor([self._rows[path[:-1]] for path in fronts], device=self._inside.device)
            self._cache.batch_select_indices(parents)
        hidden = self._inside.hidden(torch.tensor(tokens), cache=self._cache)[:, -1]
        self._rows = {path: row for row, path in enumerate(fronts)}
        logs = torch.cat(list(self._inside.score_chunks(hidden))).log_softmax(-1).cpu()
        if not bool(torch.isfinite(logs.amax(-1)).all()):
            raise ScoresNotFinite
        return logs


class _Tree:
    """The branches of the tree of these paths and their last tokens' log-probabilities."""

    def __init__(
        self,
        logs: dict[Path, float],
        pieces: dict[int, Piece],
        greedy: Path,
        sampled: Path,
        ends: frozenset[int],
    ) -> None:
        self._logs, self._pieces, self._ends = logs, pieces, ends
        self._greedy, self._sampled = greedy, sampled
        self._after: dict[Path, list[Path]] = {}
        for path in logs:
            if path:
                self._after.setdefault(path[:-1], []).append(path)

    def branch(self, path: Path, number: int) -> Branch:
        after = sorted(self._after.get(path, ()), key=lambda longer: -self._logs[longer])
        return Branch(
            self._pieces[number],
            math.exp(self._logs[path]),
            tuple(self.branch(longer, longer[-1]) for longer in after),
            greedy=self._greedy[: len(path)] == path,
            sampled=self._sampled[: len(path)] == path,
            ends=bool(path) and number in self._ends,
        )
