"""A causal language model that continues a prompt, token by token."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList
from transformers.generation.logits_process import (
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from models import loading, tokenizers
from models.answers import Candidate, Generation, Step
from models.failures import BadInput, ModelError, Stopped
from models.specs import LanguageSpec, Progress

log = logging.getLogger(__name__)

_WINDOW_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_sequence_length",
    "max_seq_len",
    "seq_length",
)
"""What configurations call the number of tokens that a model can look at."""
_UNBOUNDED = 10**9
_ANCHOR = 8
"""Tokens of the prompt that are decoded together with what is new, so that a space between them stays."""
OTHERS = 5
"""Likeliest tokens that were not chosen, kept for each one that was."""
_HALF_CHARACTER = "\N{REPLACEMENT CHARACTER}"


class LanguageModel:
    """A causal language model with its own tokenizer. For one thread at a time."""

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        """`model` and `tokenizer` are those of transformers, the model in evaluation mode."""
        self._model = model
        self._tokenizer = tokenizer
        self._pieces = tokenizers.Tokenizer(tokenizer, name)
        self.name = name
        self.device = str(model.device)
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.memory = loading.footprint(model)
        self.context = _window(model, tokenizer)
        """How many tokens prompt and continuation may have together; None if the model sets no limit."""
        self.chats = _chats(tokenizer)
        """Whether it was taught to answer, and its tokenizer says how a question is put; else it goes on with texts."""
        self.parameters = sum(tensor.numel() for tensor in model.parameters())
        self._rows = model.get_input_embeddings().weight.shape[0]
        eos = model.generation_config.eos_token_id
        self._eos: set[int] = set(eos) if isinstance(eos, list) else {eos} - {None}
        # One text at a time is never padded; this only keeps generate() from remarking on it each time.
        if model.generation_config.pad_token_id is None and self._eos:
            model.generation_config.pad_token_id = min(self._eos)

    @classmethod
    def load(cls, spec: LanguageSpec, progress: Progress | None = None) -> Self:
        """Raises ModelError, also for weights that are incomplete or do not fit the tokenizer."""
        source = loading.find(spec.name, revision=spec.revision, slot="language")
        model = loading.pretrained(
            AutoModelForCausalLM, source, device=spec.device, dtype=spec.dtype, progress=progress
        )
        tokenizer = tokenizers.read(source)
        if tokenizer.vocab_size > model.get_input_embeddings().weight.shape[0]:
            raise ModelError(f"The tokenizer of {source.label} has more entries than its model knows.")
        return cls(model, tokenizer, source.label)

    @property
    def detail(self) -> str:
        window = f"a window of {self.context:,} tokens" if self.context else "no set window"
        kind = "a chat model" if self.chats else "a base model"
        return f"{type(self._model).__name__}, {kind}, {self.parameters / 1e6:,.1f} M parameters, {window}"

    def generate(
        self,
        prompt: str,
        *,
        written: Sequence[int] = (),
        max_new_tokens: int = 100,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        stop: threading.Event | None = None,
        deadline: float | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Generation:
        """Continue `prompt` by at most `max_new_tokens` tokens.

        A chat model gets it as a question, in its own template. `written` holds the ids of what was written
        before, which is then gone on with.
        Temperature 0 takes the likeliest token each time and equals `generate(do_sample=False)` of
        transformers. Otherwise tokens are drawn from the likeliest that share the probability `top_p`; the
        same seed draws the same ones, whatever else uses random numbers, and without a seed one is chosen
        and reported. `stop` and `deadline` (of `time.monotonic()`) are looked at after each token.
        `on_text` is called on this thread with the whole continuation so far, whole characters only.

        BadInput for a prompt that cannot be continued; Stopped if there was no time to begin.
        """
        if max_new_tokens < 1 or not 0 <= temperature < math.inf or not 0 < top_p <= 1:
            raise BadInput(
                "Ask for at least 1 new token, a temperature of at least 0, and a top_p above 0 and at most 1."
            )
        ids = self._encode(prompt, written)
        room = max_new_tokens if self.context is None else min(max_new_tokens, self.context - len(ids))
        sampling = temperature > 0
        if sampling and seed is None:
            seed = random.randrange(2**32)
        watch = _Watch(len(ids), stop, deadline, self._reporter(ids, on_text))
        watch.begin()
        began = time.monotonic()
        chooser = _Choice(temperature, top_p, seed) if sampling else _Greedy()
        new = self._run(ids, room, watch, chooser)
        seconds = time.monotonic() - began
        return Generation(
            model=self.name,
            prompt=prompt,
            text=self._continuation(ids, new),
            input_ids=tuple(ids),
            output_ids=tuple(new),
            finish=self._finish(new, room, max_new_tokens, watch),
            seconds=seconds,
            seed=seed if sampling else None,
            steps=self._steps(chooser.seen[: len(new)]),
            pieces=self._pieces.pieces([*ids, *new]),
            chat=self.chats,
        )

    def probe(self) -> None:
        """Continue a word by two tokens, so that a model that cannot is found out before it serves."""
        self.generate("The", max_new_tokens=2)

    def _encode(self, prompt: str, written: Sequence[int] = ()) -> list[int]:
        text = loading.usable_text(prompt)
        if prompt and self.chats:
            # The template writes the special tokens itself.
            encoded = self._tokenizer(_asked(self._tokenizer, text), add_special_tokens=False, verbose=False)
        else:
            encoded = self._tokenizer(text, verbose=False)
        ids = [int(number) for number in encoded["input_ids"]]
        if not prompt or not ids:
            raise BadInput("The prompt is empty. Write the beginning of a text, and I go on with it.")
        ids += written
        if self.context is not None and len(ids) >= self.context:
            raise BadInput(
                f"The text has {len(ids):,} tokens, and {self.name} reads fewer than {self.context:,}. Shorten it."
            )
        if max(ids) >= self._rows:
            token = self._tokenizer.convert_ids_to_tokens(max(ids))
            raise BadInput(f"{self.name} has never seen the token “{token}”. Leave it out of the prompt.")
        return ids

    def _steps(self, seen: Sequence[tuple[int, dict[int, float]]]) -> tuple[Step, ...]:
        texts: dict[int, str] = {}

        def candidate(number: int, probability: float) -> Candidate:
            if number not in texts:
                texts[number] = str(self._tokenizer.decode([number]))
            return Candidate(number, texts[number], probability)

        steps = []
        for chosen, likely in seen:
            others = [candidate(*pair) for pair in likely.items() if pair[0] != chosen]
            steps.append(Step(candidate(chosen, likely[chosen]), tuple(others[:OTHERS])))
        return tuple(steps)

    def _run(self, ids: list[int], room: int, watch: _Watch, chooser: LogitsProcessor) -> list[int]:
        inputs = torch.tensor([ids], device=self._model.device)
        try:
            output = self._model.generate(
                inputs,
                attention_mask=torch.ones_like(inputs),
                # A model's own settings may say otherwise; penalties and the like they keep.
                do_sample=False,
                num_beams=1,
                num_return_sequences=1,
                return_dict_in_generate=False,
                max_new_tokens=room,
                logits_processor=LogitsProcessorList([chooser]),
                stopping_criteria=StoppingCriteriaList([watch]),
                tokenizer=self._tokenizer,
            )
        except torch.OutOfMemoryError as error:
            raise ModelError("There is not enough memory for this text. Ask for a shorter one.") from error
        except IndexError as error:
            raise BadInput(f"The text is too long for {self.name}. Shorten it.") from error
        return [int(number) for number in output[0, len(ids) :]]

    def _continuation(self, ids: list[int], new: list[int]) -> str:
        """The text of the new tokens as it reads after the prompt, special tokens left out."""
        anchor = ids[-_ANCHOR:]
        before = self._tokenizer.decode(anchor, skip_special_tokens=True)
        whole = self._tokenizer.decode(anchor + new, skip_special_tokens=True)
        if whole.startswith(before):
            return str(whole[len(before) :])
        return str(self._tokenizer.decode(new, skip_special_tokens=True))

    def _reporter(
        self, ids: list[int], on_text: Callable[[str], None] | None
    ) -> Callable[[list[int]], None] | None:
        if on_text is None:
            return None
        told = ""

        def report(new: list[int]) -> None:
            nonlocal told
            text = self._continuation(ids, new)
            # The end may be a character of which not all bytes are there yet; with byte fallback the
            # characters before it look broken too for that while.
            whole = text.rstrip(_HALF_CHARACTER)
            if whole == text or whole.startswith(told):
                told = whole
            on_text(told)

        return report

    def _finish(self, new: list[int], room: int, asked: int, watch: _Watch) -> str:
        if new and new[-1] in self._eos:
            return "eos"
        if len(new) >= room:
            return "length" if room == asked else "context"
        return watch.reason or "eos"


class _Watch(StoppingCriteria):
    """After each token: tell what there is, and see whether to end."""

    def __init__(
        self,
        start: int,
        stop: threading.Event | None,
        deadline: float | None,
        report: Callable[[list[int]], None] | None,
    ) -> None:
        self._start = start
        self._stop = stop
        self._deadline = deadline
        self._report = report
        self.reason = ""

    def begin(self) -> None:
        """Raises Stopped if there is no point in beginning."""
        if self._over():
            raise Stopped(
                "This was stopped before it began."
                if self.reason == "stopped"
                else "There was no time left to begin with this."
            )

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:  # noqa: ARG002 - transformers calls it so
        if self._report:
            self._report(input_ids[0, self._start :].tolist())
        return torch.full((input_ids.shape[0],), self._over(), device=input_ids.device, dtype=torch.bool)

    def _over(self) -> bool:
        if self._stop is not None and self._stop.is_set():
            self.reason = "stopped"
        elif self._deadline is not None and time.monotonic() >= self._deadline:
            self.reason = "deadline"
        return bool(self.reason)


class _Greedy(LogitsProcessor):
    """Leaves the choice to transformers, and remembers between what it was."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, dict[int, float]]] = []
        """For each token: which was chosen, and the probabilities of the likeliest and of the chosen one."""

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 - transformers calls it so
        probabilities = _probabilities(scores)
        self._remember(probabilities, int(scores[0].argmax()))
        return scores

    def _remember(self, probabilities: torch.Tensor, chosen: int) -> None:
        values, places = probabilities.topk(min(OTHERS + 1, len(probabilities)))
        likely = dict(zip(places.tolist(), values.tolist(), strict=True))
        self.seen.append((chosen, likely | {chosen: float(probabilities[chosen])}))


class _Choice(_Greedy):
    """Draws a token with random numbers of its own and leaves only that one to choose.

    transformers draws with the process's random numbers, which other threads use too; this way a
    seed gives the same text whatever they do.
    """

    def __init__(self, temperature: float, top_p: float, seed: int | None) -> None:
        super().__init__()
        self._warpers: list[LogitsProcessor] = [TemperatureLogitsWarper(temperature)]
        if top_p < 1:
            self._warpers.append(TopPLogitsWarper(top_p))
        self._random = torch.Generator().manual_seed((seed or 0) % 2**63)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        probabilities = _probabilities(scores)
        scores = scores.float().cpu()
        for warper in self._warpers:
            scores = warper(input_ids, scores)
        chosen = torch.multinomial(scores.softmax(-1), 1, generator=self._random)
        self._remember(probabilities, int(chosen))
        only = torch.full_like(scores, -torch.inf).scatter_(-1, chosen, 0.0)
        return only.to(input_ids.device)


def _probabilities(scores: torch.Tensor) -> torch.Tensor:
    """Of every token to come next: shape (vocabulary,). BadInput if there is nothing to choose from."""
    if not bool(torch.isfinite(scores.max())):
        raise BadInput(
            "The model lost its way in this text (its numbers are not finite). Try another prompt."
        )
    return scores[0].float().softmax(-1)


def _asked(tokenizer: Any, prompt: str) -> str:
    """The prompt as a chat model expects a question."""
    question = [{"role": "user", "content": prompt}]
    return str(tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True))


def _chats(tokenizer: Any) -> bool:
    """Whether there is a chat template that can be used."""
    if not getattr(tokenizer, "chat_template", None):
        return False
    try:
        return "hello" in _asked(tokenizer, "hello")
    except Exception:  # noqa: BLE001 - a template is a program of whoever made the model
        log.warning("The chat template of %s cannot be used.", tokenizer.name_or_path)
        return False


def _window(model: Any, tokenizer: Any) -> int | None:
    config = model.config.get_text_config()
    for key in _WINDOW_KEYS:
        value = getattr(config, key, None)
        if isinstance(value, int) and value > 0:
            return value
    limit = int(tokenizer.model_max_length)
    return limit if 0 < limit < _UNBOUNDED else None
