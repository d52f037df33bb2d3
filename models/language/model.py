"""A causal language model that continues a prompt, token by token."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Self

from transformers import AutoModelForCausalLM

from models import pretrained
from models.failures import BadInput, ModelError
from models.files import finding
from models.language.engine import BATCH, KV_TOKENS, Engine, Request, Stream, too_late
from models.language.quantized import to_bytes
from models.language.sampler import OTHERS, Token
from models.results import Candidate, Generation, Piece, Step
from models.specs import LanguageSpec, Progress
from models.text import usable_text
from models.tokenizers.tokenizer import Tokenizer, read

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
_HALF_CHARACTER = "\N{REPLACEMENT CHARACTER}"


class LanguageModel:
    """A causal language model with its own tokenizer. Any number of threads may generate at once."""

    concurrent = True

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        name: str,
        *,
        batch: int = BATCH,
        kv_tokens: int = KV_TOKENS,
        together: bool = True,
    ) -> None:
        """`model` and `tokenizer` are those of transformers, the model in evaluation mode; the rest as for `Engine`."""
        self._model = model
        self._tokenizer = tokenizer
        self._pieces = Tokenizer(tokenizer, name)
        self.name = name
        self.device = str(model.device)
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.memory = pretrained.footprint(model)
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
        self.engine = Engine(model, tokenizer, batch=batch, kv_tokens=kv_tokens, together=together)
        self._words = threading.RLock()
        """Held by whoever uses the tokenizer."""

    @classmethod
    def load(cls, spec: LanguageSpec, progress: Progress | None = None) -> Self:
        """Raises ModelError, also for weights that are incomplete or do not fit the tokenizer."""
        source = finding.find(spec.name, revision=spec.revision, slot="language")
        model = pretrained.pretrained(
            AutoModelForCausalLM, source, device=spec.device, dtype=spec.dtype, progress=progress
        )
        tokenizer = read(source)
        if tokenizer.vocab_size > model.get_input_embeddings().weight.shape[0]:
            raise ModelError(f"The tokenizer of {source.label} has more entries than its model knows.")
        if spec.int8:
            to_bytes(model)
        return cls(
            model,
            tokenizer,
            source.label,
            batch=spec.batch,
            kv_tokens=spec.kv_tokens,
            together=spec.together,
        )

    @property
    def detail(self) -> str:
        window = f"a window of {self.context:,} tokens" if self.context else "no set window"
        kind = "a chat model" if self.chats else "a base model"
        return f"{type(self._model).__name__}, {kind}, {self.parameters / 1e6:,.1f} M parameters, {window}"

    @property
    def now(self) -> str:
        """How full the memory of texts under way is."""
        status = self.engine.status
        used = f"room for {status.kv_tokens:,} of {status.kv_limit:,} tokens taken"
        return f"{used} ({status.kv_bytes / 1e6:,.1f} MB)"

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
        user: Hashable = None,
        on_position: Callable[[int], None] | None = None,
    ) -> Generation:
        """Continue `prompt` by at most `max_new_tokens` tokens.

        A chat model gets it as a question, in its own template. `written` holds the ids of what was written
        before, which is then gone on with.
        Temperature 0 takes the likeliest token each time and equals `generate(do_sample=False)` of
        transformers. Otherwise tokens are drawn from the likeliest that share the probability `top_p`; the
        same seed draws the same ones, whatever else uses random numbers, and without a seed one is chosen
        and reported. `stop` and `deadline` (of `time.monotonic()`) are looked at after each token.
        `on_text` is called on this thread with the whole continuation so far, whole characters only. Where more
        want to write than can at once, turns are taken between users; `on_position` is called with the place in
        that queue.

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
        request = Request(
            ids,
            room,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            user=user,
            stop=stop,
            deadline=deadline,
            on_position=on_position,
        )
        if reason := request.over:
            raise too_late(reason)
        began = time.monotonic()
        tokens, reason = self._read(self.engine.submit(request), self._reporter(ids, on_text))
        seconds = time.monotonic() - began
        new = [token.id for token in tokens]
        return Generation(
            model=self.name,
            prompt=prompt,
            text=self._continuation(ids, new),
            input_ids=tuple(ids),
            output_ids=tuple(new),
            finish=self._finish(new, room, max_new_tokens, reason),
            seconds=seconds,
            seed=seed if sampling else None,
            steps=self._steps(tokens),
            pieces=self._split([*ids, *new]),
            chat=self.chats,
        )

    def probe(self) -> None:
        """Continue a word by two tokens, so that a model that cannot is found out before it serves."""
        made = self.generate("The", max_new_tokens=2)
        self.engine.verify([*made.input_ids, *made.output_ids])

    def _encode(self, prompt: str, written: Sequence[int] = ()) -> list[int]:
        text = usable_text(prompt)
        with self._words:
            if prompt and self.chats:
                # The template writes the special tokens itself.
                encoded = self._tokenizer(
                    _asked(self._tokenizer, text), add_special_tokens=False, verbose=False
                )
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

    def _read(self, stream: Stream, report: Callable[[list[int]], None] | None) -> tuple[list[Token], str]:
        """All tokens of a stream, each told when it comes, and why they ended early, if they did."""
        tokens: list[Token] = []
        try:
            for token in stream:
                tokens.append(token)
                if report:
                    report([token.id for token in tokens])
                # Nothing is shown that was written between the wish to stop and its being noticed.
                if reason := stream.over:
                    return tokens, reason
        except IndexError as error:
            raise BadInput(f"The text is too long for {self.name}. Shorten it.") from error
        finally:
            stream.cancel()
        return tokens, stream.finish

    def _steps(self, tokens: Sequence[Token]) -> tuple[Step, ...]:
        texts: dict[int, str] = {}

        def candidate(number: int, probability: float) -> Candidate:
            if number not in texts:
                texts[number] = str(self._tokenizer.decode([number]))
            return Candidate(number, texts[number], probability)

        steps = []
        with self._words:
            for token in tokens:
                others = [candidate(*pair) for pair in token.likely.items() if pair[0] != token.id]
                chosen = candidate(token.id, token.likely[token.id])
                steps.append(Step(chosen, tuple(others[:OTHERS])))
        return tuple(steps)

    def _split(self, ids: Sequence[int]) -> tuple[Piece, ...]:
        with self._words:
            return self._pieces.pieces(ids)

    def _continuation(self, ids: list[int], new: list[int]) -> str:
        """The text of the new tokens as it reads after the prompt, special tokens left out."""
        anchor = ids[-_ANCHOR:]
        with self._words:
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

    def _finish(self, new: list[int], room: int, asked: int, reason: str) -> str:
        if new and new[-1] in self._eos:
            return "eos"
        if len(new) >= room:
            return "length" if room == asked else "context"
        return reason or "eos"


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
