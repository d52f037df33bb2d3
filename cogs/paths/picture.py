"""The tree of continuations as a picture: a column for each token; wider branches are more likely."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cogs.shared.sheet import MARGIN, WIDTH, Sheet, fitting, shown, text_width
from cogs.shared.text import percent
from models.results import Branch, Paths
from texts import say

LEAVES = 10
"""Paths that a picture shows."""
_ROW = 38
_TOP = 14
_THICKEST = 11.0
_ROOT = 80
"""Pixels of the last token of the text at most."""
_APART = 8
_ROUGH = 0.01


@dataclass(frozen=True, slots=True)
class _Node:
    branch: Branch
    depth: int
    y: float
    children: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The widths of the last token of the text and of each token after it."""

    root: float
    token: float


def draw(view: Paths) -> bytes:
    """A PNG: from the last token of the text to the right. The greedy path is solid orange with a star; the sampled one
    is dashed, with a die.

    Takes tenths of a second: call it from a worker thread.
    """
    rows = [0]
    root = _placed(pruned(view.root), 0, rows)
    depth = max(_depth(root), 1)
    sheet = Sheet(_TOP + _ROW * rows[0] + 34)
    begun = min(text_width(shown(root.branch.piece), bold=True) + 8, _ROOT)
    columns = _Columns(begun, (WIDTH - MARGIN - begun - 4) / depth)
    _branches(sheet, root, columns)
    _names(sheet, root, columns)
    y = sheet.height - 16
    sheet.line((MARGIN, MARGIN + 22), (y, y), sheet.colours.orange, 4)
    sheet.text(MARGIN + 28, y, say("paths-legend-greedy"), colour=sheet.colours.orange, bold=True)
    sheet.line((WIDTH / 2, WIDTH / 2 + 22), (y, y), sheet.colours.blue, 3, dotted=True)
    sheet.text(WIDTH / 2 + 28, y, say("paths-legend-sampled"), colour=sheet.colours.blue, bold=True)
    return sheet.png()


def pruned(root: Branch) -> Branch:
    """The tree with at most LEAVES leaves: the longest paths before those dropped by beam search, the most likely
    first. The greedy and the sampled path are always included.
    """
    ways = list(leaves(root))
    longest = max(map(len, ways))

    def worth(way: Sequence[Branch]) -> tuple[bool, bool, float]:
        kept = way[-1].greedy or way[-1].sampled
        return kept, len(way) == longest or way[-1].ends, math.prod(one.probability for one in way)

    best = sorted(ways, key=worth, reverse=True)[:LEAVES]
    return _only(root, {id(branch) for way in best for branch in way})


def leaves(branch: Branch, before: tuple[Branch, ...] = ()) -> Iterator[tuple[Branch, ...]]:
    """The branches from the root (exclusive) to each leaf."""
    for child in branch.next:
        way = (*before, child)
        if child.next:
            yield from leaves(child, way)
        else:
            yield way


def _only(branch: Branch, kept: set[int]) -> Branch:
    return replace(branch, next=tuple(_only(child, kept) for child in branch.next if id(child) in kept))


def _placed(branch: Branch, depth: int, rows: list[int]) -> _Node:
    """Branches with vertical positions: one row for each leaf, and each parent centred on its children."""
    children = tuple(_placed(child, depth + 1, rows) for child in branch.next)
    if children:
        return _Node(branch, depth, (children[0].y + children[-1].y) / 2, children)
    rows[0] += 1
    return _Node(branch, depth, _TOP + _ROW * (rows[0] - 0.5), ())


def _depth(node: _Node) -> int:
    return max((_depth(child) for child in node.children), default=node.depth)


def _x(depth: int, columns: _Columns) -> float:
    """The left end of a token's label."""
    return MARGIN if depth == 0 else MARGIN + columns.root + (depth - 1) * columns.token + 12


def _branches(sheet: Sheet, node: _Node, columns: _Columns) -> None:
    written = max(
        text_width(_name(node, columns), bold=True),
        text_width(_share(node, columns), bold=True) if node.depth else 0,
    )
    for child in node.children:
        _branches(sheet, child, columns)
        end = _x(child.depth, columns) - 4
        xs, ys = _curve(min(_x(node.depth, columns) + written + 3, end - 8), node.y, end, child.y)
        width = max(0.8, _THICKEST * child.branch.probability)
        greedy = child.branch.greedy
        sheet.line(
            xs, ys, sheet.colours.orange if greedy else sheet.colours.grey, max(width, 2) if greedy else width
        )
        if child.branch.sampled:
            sheet.line(xs, ys, sheet.colours.blue, 2.4, dotted=True)


def _curve(x: float, y: float, to_x: float, to_y: float) -> tuple[Sequence[float], Sequence[float]]:
    steps = [step / 12 for step in range(13)]
    eased = [step * step * (3 - 2 * step) for step in steps]
    return [x + (to_x - x) * step for step in steps], [y + (to_y - y) * step for step in eased]


def _names(sheet: Sheet, node: _Node, columns: _Columns) -> None:
    for child in node.children:
        _names(sheet, child, columns)
    x, branch = _x(node.depth, columns), node.branch
    if node.depth == 0:
        sheet.text(x, node.y, _name(node, columns), bold=True, cleared=True)
        return
    chosen = sheet.colours
    colour = chosen.orange if branch.greedy else chosen.blue if branch.sampled else chosen.ink
    sheet.text(
        x, node.y - 8, _name(node, columns), bold=branch.greedy or branch.sampled, colour=colour, cleared=True
    )
    sheet.text(
        x,
        node.y + 8,
        _share(node, columns),
        colour=colour if branch.greedy or branch.sampled else chosen.muted,
        cleared=True,
    )


def _name(node: _Node, columns: _Columns) -> str:
    """The token, clipped to the available width, or that the text ends there."""
    if node.branch.ends:
        return say("paths-ends")
    room = columns.root - 8 if node.depth == 0 else columns.token - 12
    return fitting(shown(node.branch.piece), room, bold=True)


def _share(node: _Node, columns: _Columns) -> str:
    """The probability and the marks of a token, as precise as fits; the marks are dropped last."""
    share = node.branch.probability
    exact, rough = percent(share), f"{100 * share:.0f}%" if share >= _ROUGH else "<1%"
    marks = "★" * node.branch.greedy + "⚄" * node.branch.sampled
    tries = (exact + marks, rough + marks, rough)
    return next((one for one in tries if text_width(one, bold=True) <= columns.token - _APART), rough)
