"""The messages of a board: the text so far, possible next tokens, and voting scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import discord

from bot.store import Board, Round
from bot.visible import source
from cogs.next import picture
from cogs.shared.looking import about, described, pictured, token_name
from cogs.shared.reply import BLUE, Reply, csv_file
from cogs.shared.sheet import shown
from cogs.shared.text import block, listed, percent
from models.results import NextToken, Option
from texts import say

_TEXT = 1200
_BAR = "│"


def board(state: Board, seen: NextToken, said: str = "", votes: int = 0) -> Reply:
    """The text with the tokens that the group added; the probabilities are hidden during a vote."""
    taken = seen.reading.pieces[len(seen.reading.pieces) - len(state.taken) :] if state.taken else ()
    text = state.text + "".join(f"{_BAR}{shown(piece)}" for piece in taken)
    embed = discord.Embed(title=say("board-title"), colour=BLUE)
    written = block(text, _TEXT, keep_end=True)
    if state.voting:
        embed.description = described(written, said, say("board-voting"), care=_standing(state.rounds))
        embed.set_footer(text=say("board-votes", votes=votes))
        return Reply(embed=embed)
    embed.description = described(written, said, *_sentences(state, seen), care=say("board-care"))
    if state.locked:
        embed.set_footer(text=say("board-is-locked"))
    return pictured("next", embed, picture.draw(seen, settings(state)), _csv(seen), _alt(seen))


def settings(state: Board) -> str:
    """The settings that have an effect, in words; "" if there are none."""
    sampling = state.sampling
    parts = []
    if sampling.temperature != 1:
        parts.append(say("board-temperature-value", value=sampling.temperature))
    if sampling.greedy:
        return parts[0]
    if sampling.top_k:
        parts.append(say("board-cut", name="top_k", value=sampling.top_k))
    if sampling.top_p < 1:
        parts.append(say("board-cut", name="top_p", value=sampling.top_p))
    if sampling.min_p > 0:
        parts.append(say("board-cut", name="min_p", value=sampling.min_p))
    return listed(parts)


def _sentences(state: Board, seen: NextToken) -> Sequence[str]:
    best = seen.options[0]
    said = [
        say(
            "board-likeliest",
            token=token_name(best.piece),
            share=percent(best.probability),
            bits=seen.entropy_bits,
            choices=seen.choices,
        )
    ]
    if changed := settings(state):
        said.append(
            say(
                "board-kept",
                settings=changed,
                left=seen.left,
                bits=seen.kept_entropy_bits,
                choices=seen.kept_choices,
            )
        )
    said.append(about(seen.reading))
    return said


def counted(rounds: Sequence[Round], chosen: Option, likeliest: Option, votes: Mapping[int, int]) -> str:
    """The result of a round of votes."""
    facts: dict[str, str | int] = {
        "round": len(rounds),
        "votes": votes[chosen.piece.id],
        "all": sum(votes.values()),
        "chosen": token_name(chosen.piece),
        "share": percent(chosen.probability),
    }
    if chosen.piece.id == likeliest.piece.id:
        return say("board-counted-same", **facts)
    return say(
        "board-counted", **facts, likeliest=token_name(likeliest.piece), best=percent(likeliest.probability)
    )


def score(rounds: Sequence[Round]) -> str:
    """The result of a voting game."""
    if not rounds:
        return say("board-no-rounds")
    return say(
        "board-score",
        agreed=sum(one.chosen == one.likeliest for one in rounds),
        rounds=len(rounds),
        group=_bits([one.chosen_probability for one in rounds]),
        model=_bits([one.likeliest_probability for one in rounds]),
    )


def _bits(probabilities: Sequence[float]) -> float:
    """The mean surprisal of tokens with these probabilities, in bits."""
    return sum(-math.log2(max(one, 1e-12)) for one in probabilities) / len(probabilities)


def _standing(rounds: Sequence[Round]) -> str:
    if not rounds:
        return say("board-rules")
    return say("board-agreed", agreed=sum(one.chosen == one.likeliest for one in rounds), rounds=len(rounds))


def _alt(seen: NextToken) -> str:
    tokens = [f"{shown(option.piece)} {percent(option.probability)}" for option in seen.options]
    cut = [shown(option.piece) for option in seen.options if not option.kept]
    said = say("board-alt", tokens=tokens)
    return f"{said} {say('board-alt-cut', tokens=cut)}" if cut else said


def _csv(seen: NextToken) -> bytes:
    rows = [
        (rank, option.piece.id, source(option.piece), f"{option.probability:.6g}", f"{option.kept:.6g}")
        for rank, option in enumerate(seen.options, 1)
    ]
    return csv_file(("rank", "id", "token", "probability", "kept"), rows)
