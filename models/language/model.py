"""A causal language model that continues a prompt, token by token."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Self, TypeAlias

from transformers import AutoModelForCausalLM

import texts
from models import pretrained
from models.failures import (
    NothingToContinue,
    NothingToLookInto,
    PromptOverWindow,
    Stopped,
    TextOverLimit,
    TokenizerTooLarge,
    TooFewNewTokens,
    UnseenToken,
)
from models.files import finding, gguf
from models.inside.inside import Inside
from models.language import runtimes
from models.language.detokenizer import Detokenizer
from models.language.engine import (
    BATCH_SIZE,
    KV_TOKENS,
    Engine,
    GenerationRequest,
    Stream,
    interrupted_before_start,
)
from models.language.layers import CausalModel
from models.language.prefixes import common_prefix
from models.language.rows import Runtime
from models.language.sampler import ALTERNATIVES
from models.packed import packed_in
from models.progress import Progress
from models.results import Candidate, ChosenToken, Finish, Generation, Piece, Reading, Step
from models.sampling import GREEDY, Sampling
from models.specs import LanguageSpec
from models.text import usable_text
from models.tokenizers.tokenizer import PretrainedTokenizer, Tokenizer, read

log = logging.getLogger(__name__)

_WINDOW_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_sequence_length",
    "max_seq_len",
    "seq_length",
)
"""Keys in configurations for the size of the context window in tokens."""
_UNBOUNDED = 10**9
_ANCHOR = 8
"""Number of prompt tokens that are decoded together with new ones, to preserve a space between them."""

_OTHER_PROMPTS = ("1", "x")
"""Prompts to compare with, to distinguish the prompt from the chat template."""

OnText: TypeAlias = Callable[[str, tuple[ChosenToken, ...]], object]
"""Called with the text added since the last call, in whole characters, and the new tokens."""


class LanguageModel:
    """A causal language model with its tokenizer. Any number of threads may generate at once."""

    concurrent = True

    def __init__(
        self,
        model: CausalModel,
        tokenizer: PretrainedTokenizer,
        name: str,
        *,
        batch: int = BATCH_SIZE,
        kv_tokens: int = KV_TOKENS,
        together: bool = True,
        tokens_per_second: int = 0,
        quantization: str = "",
        weights: str = "",
        runtime: Runtime | None = None,
    ) -> None:
        """`model` must be in evaluation mode; `batch`, `kv_tokens`, `together`, `tokens_per_second` and
        `runtime` are those of `Engine`.

        `quantization` is that of the original file, whose numbers were dequantised; `weights` describes the weight
        format if it differs from the loaded one.
        """
        self._model = model
        self._tokenizer = tokenizer
        self._pieces = Tokenizer(tokenizer, name)
        self._quantization = quantization
        self._weights = weights
        self.name = name
        self.device = str(model.device)
        packed = packed_in(model)
        self.dtype = packed[0].name if packed else str(model.dtype).removeprefix("torch.")
        self._own_memory = pretrained.footprint(model)
        self.context = _window(model, tokenizer)
        """Maximum number of tokens for prompt and continuation together; None if the model sets no limit."""
        self.chats = _can_chat(tokenizer)
        """Whether it is a chat model with a usable template; otherwise it continues text."""
        self.parameters = pretrained.parameters_of(model)
        self._vocabulary_size: int = model.get_input_embeddings().weight.shape[0]
        eos = model.generation_config.eos_token_id
        self._eos: set[int] = set(eos) if isinstance(eos, list) else {eos} - {None}
        # Solo texts are never padded; this only silences a message that generate() logs each time.
        if model.generation_config.pad_token_id is None and self._eos:
            model.generation_config.pad_token_id = min(self._eos)
        self._tokenizer_lock = threading.RLock()
        """Held while the tokenizer is used: it is not thread-safe."""
        self.engine = Engine(
            model,
            tokenizer,
            tokenizer_lock=self._tokenizer_lock,
            batch=batch,
            kv_tokens=kv_tokens,
            together=together,
            tokens_per_second=tokens_per_second,
            runtime=runtime,
        )
        self._may_fall_back = runtime is not None
        # Views into the model may need gradients, but never those of its weights.
        model.requires_grad_(requires_grad=False)
        self.inside = Inside(model, name, self.engine.turns)
        """Access to the states between its layers."""

    @classmethod
    def load(cls, spec: LanguageSpec, progress: Progress | None = None) -> Self:
        """Raises ModelError, including for weights that are incomplete or do not fit the tokenizer."""
        source = finding.find(spec.name, revision=spec.revision, slot="language")
        model = pretrained.pretrained(
            AutoModelForCausalLM, source, device=spec.device, dtype=spec.dtype, progress=progress
        )
        tokenizer = read(source)
        if tokenizer.vocab_size > model.get_input_embeddings().weight.shape[0]:
            raise TokenizerTooLarge(source.label)
        if progress:
            progress(texts.say("progress-packing-weights", name=source.label), None)
        prepared = runtimes.prepare(model, spec)
        return cls(
            model,
            tokenizer,
            source.label,
            batch=spec.batch,
            kv_tokens=spec.kv_tokens,
            together=spec.together,
            tokens_per_second=spec.tokens_per_second,
            quantization=gguf.origin(source.folder),
            weights=prepared.detail,
            runtime=prepared.runtime,
        )

    def release(self) -> None:
        """Free the memory of the weights; the model cannot be used afterwards."""
        self.engine.release()
        pretrained.release(self._model)

    @property
    def memory(self) -> int:
        return self._own_memory + self.engine.weight_bytes

    @property
    def detail(self) -> str:
        window = f"window of {self.context:,} tokens" if self.context else "no set window"
        kind = "chat model" if self.chats else "base model"
        made_from = ""
        if self._quantization:
            whole = self._quantization in {"F32", "F16", "BF16"}
            made_from = f", from a GGUF file ({self._quantization}{'' if whole else ', dequantised'})"
        fell_back = self._may_fall_back and self.engine.uses_torch
        weights = "torch, because the compiled step failed" if fell_back else self._weights
        kept = f", {weights}" if weights else ""
        size = f"{self.parameters / 1e6:,.1f} million parameters"
        return f"{type(self._model).__name__}, {kind}, {size}, {window}{made_from}{kept}"

    @property
    def now(self) -> str:
        """Current memory use of the texts in progress."""
        status = self.engine.status
        used = f"cache: {status.kv_tokens:,} of {status.kv_limit:,} tokens"
        return f"{used} ({status.kv_bytes / 1e6:,.1f} MB)"

    @property
    def figures(self) -> dict[str, float]:
        """The numbers in `EngineStatus`."""
        return asdict(self.engine.status)

    def generate(
        self,
        prompt: str,
        *,
        written: Sequence[int] = (),
        begun: Sequence[ChosenToken] = (),
        max_new_tokens: int = 100,
        sampling: Sampling = GREEDY,
        stop: threading.Event | None = None,
        deadline: float | None = None,
        on_text: OnText | None = None,
        user: Hashable = None,
        on_position: Callable[[int], object] | None = None,
    ) -> Generation:
        """Continue `prompt` by at most `max_new_tokens` tokens.

        A chat model receives the prompt as a user message, in its own template. `written` holds the ids of earlier
        generated text to be continued. Greedy decoding equals `generate(do_sample=False)` of transformers. Otherwise
        the same seed samples the same tokens, regardless of other users of random numbers; without a seed, one is
        chosen and reported.

        `begun` are the first tokens of this same text, generated by another copy of the model before it was lost: the
        result is the whole text, as if it had been generated here.

        `stop` and `deadline` (as in `time.monotonic()`) are checked after each token. `on_text` is called on this
        thread after each token. If there are more requests than the engine can run at once, users take turns;
        `on_position` is called with the position in that queue.

        Raises BadInput for a prompt that cannot be continued, and Stopped if there was no time to start.
        """
        if max_new_tokens < 1:
            raise TooFewNewTokens
        ids = self._encode(prompt, written)
        room = max_new_tokens if self.context is None else min(max_new_tokens, self.context - len(ids))
        if not sampling.greedy and sampling.seed is None:
            sampling = replace(sampling, seed=random.randrange(2**32))
        request = GenerationRequest(
            ids,
            room,
            sampling,
            user=user,
            stop=stop,
            deadline=deadline,
            on_position=on_position,
            shared=self._head(ids) if self.chats else 0,
            begun=[token.id for token in begun],
        )
        if (reason := request.interruption) and not begun:
            raise interrupted_before_start(reason)
        began = time.monotonic()
        detokenizer = self._detokenizer(ids) if on_text else None

        def add(token: ChosenToken) -> str:
            with self._tokenizer_lock:
                return detokenizer.add(token.id) if detokenizer else ""

        def report(token: ChosenToken) -> None:
            if on_text:
                on_text(add(token), (token,))

        for token in begun:
            add(token)
        try:
            added, interruption = self._read(self.engine.submit(request), report)
        except Stopped:
            if not begun:
                raise
            added, interruption = [], request.interruption
        tokens = [*begun, *added]
        seconds = time.monotonic() - began
        new = [token.id for token in tokens]
        return Generation(
            model=self.name,
            prompt=prompt,
            text=self.continuation(ids, new),
            input_ids=tuple(ids),
            output_ids=tuple(new),
            finish=self._finish(new, room, max_new_tokens, interruption),
            seconds=seconds,
            seed=None if sampling.greedy else sampling.seed,
            steps=self._steps(tokens),
            pieces=self._split([*ids, *new]),
            chat=self.chats,
        )

    def read(self, text: str, taken: Sequence[int] = (), *, limited: bool = True) -> Reading:
        """A text as the model reads it without a chat template, followed by the tokens `taken`.

        Raises BadInput for text that is empty, unreadable, or, if `limited`, longer than the context window.
        """
        with self._tokenizer_lock:
            ids = [*self._pieces.ids(text), *taken]
        if not text or not ids:
            raise NothingToLookInto
        if limited and self.context is not None and len(ids) > self.context:
            raise TextOverLimit(len(ids), self.name, self.context)
        self._check_known(ids)
        return self.reading(text, ids)

    def read_prompt(self, prompt: str, written: Sequence[int] = ()) -> Reading:
        """A prompt as `generate` reads it. Raises the same errors."""
        return self.reading(prompt, self._encode(prompt, written))

    def continuation(self, ids: Sequence[int], new: Sequence[int]) -> str:
        """The text of new tokens as it reads after `ids`, without special tokens."""
        anchor, added = list(ids[-_ANCHOR:]), list(new)
        with self._tokenizer_lock:
            before = self._tokenizer.decode(anchor, skip_special_tokens=True)
            whole = self._tokenizer.decode(anchor + added, skip_special_tokens=True)
            if whole.startswith(before):
                return str(whole[len(before) :])
            return str(self._tokenizer.decode(added, skip_special_tokens=True))

    def pieces(self, ids: Sequence[int]) -> tuple[Piece, ...]:
        """Describe each token."""
        return self._split(ids)

    def pieces_by_id(self, ids: Iterable[int]) -> dict[int, Piece]:
        return {piece.id: piece for piece in self._split(list(ids))}

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a text."""
        return frozenset(self._eos)

    @property
    def beginning(self) -> int | None:
        """The token that begins a text."""
        number: int | None = getattr(self._tokenizer, "bos_token_id", None)
        return number

    def prompt_span(self, prompt: str, length: int) -> tuple[int, int]:
        """Start and end of the prompt's own tokens, without the template, among the `length` that `generate` reads."""
        if not self.chats:
            return 0, length
        ids = self._encode(prompt)
        before = self._head(ids)
        after = min(common_prefix(ids[::-1], other[::-1]) for other in self._other_prompts)
        return before, max(before, length - after)

    def _head(self, ids: Sequence[int]) -> int:
        """Number of leading tokens that the chat template adds to every prompt."""
        return min(common_prefix(ids, other) for other in self._other_prompts)

    @cached_property
    def _other_prompts(self) -> tuple[list[int], ...]:
        return tuple(self._encode(other) for other in _OTHER_PROMPTS)

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids that both the model and its tokenizer know."""
        return min(self._vocabulary_size, len(self._tokenizer))

    def reading(self, text: str, ids: Sequence[int]) -> Reading:
        """A reading of ids that consist of `text` and what follows it."""
        left_out = self.beginning is not None and ids[0] != self.beginning
        return Reading(self.name, text, self._split(ids), left_out)

    def probe(self) -> None:
        """Generate two tokens, to detect a broken model before it serves requests."""
        generation = self.generate("The", max_new_tokens=2)
        self.engine.verify([*generation.input_ids, *generation.output_ids])

    def _encode(self, prompt: str, written: Sequence[int] = ()) -> list[int]:
        text = usable_text(prompt)
        with self._tokenizer_lock:
            if prompt and self.chats:
                # The template adds the special tokens itself.
                encoded = self._tokenizer(
                    _as_question(self._tokenizer, text), add_special_tokens=False, verbose=False
                )
            else:
                encoded = self._tokenizer(text, verbose=False)
        ids = [int(number) for number in encoded["input_ids"]]
        if not prompt or not ids:
            raise NothingToContinue
        ids += written
        if self.context is not None and len(ids) >= self.context:
            raise PromptOverWindow(len(ids), self.name, self.context)
        self._check_known(ids)
        return ids

    def _check_known(self, ids: Sequence[int]) -> None:
        if max(ids) >= self._vocabulary_size:
            raise UnseenToken(self.name, str(self._tokenizer.convert_ids_to_tokens(max(ids))))

    def _read(
        self, stream: Stream, report: Callable[[ChosenToken], None]
    ) -> tuple[list[ChosenToken], Finish | None]:
        """All tokens of a stream, each reported on arrival, and why the text ended if not by the model or the limit."""
        tokens: list[ChosenToken] = []
        try:
            for token in stream:
                tokens.append(token)
                report(token)
                # Do not show tokens generated after the stop request but before the engine noticed it.
                if reason := stream.interruption:
                    return tokens, reason
        except IndexError as error:
            raise pretrained.index_failure(self.name, error) from error
        finally:
            stream.cancel()
        return tokens, stream.finish

    def _steps(self, tokens: Sequence[ChosenToken]) -> tuple[Step, ...]:
        texts: dict[int, str] = {}

        def candidate(number: int, probability: float) -> Candidate:
            if number not in texts:
                texts[number] = str(self._tokenizer.decode([number]))
            return Candidate(number, texts[number], probability)

        steps = []
        with self._tokenizer_lock:
            for token in tokens:
                others = [candidate(*pair) for pair in token.probabilities.items() if pair[0] != token.id]
                chosen = candidate(token.id, token.probabilities[token.id])
                steps.append(Step(chosen, tuple(others[:ALTERNATIVES])))
        return tuple(steps)

    def _split(self, ids: Sequence[int]) -> tuple[Piece, ...]:
        with self._tokenizer_lock:
            return self._pieces.pieces(ids)

    def _detokenizer(self, ids: list[int]) -> Detokenizer:
        """A detokenizer for text after `ids`, to be used while the tokenizer's lock is held."""

        def decode(part: Sequence[int]) -> str:
            return self._tokenizer.decode(list(part), skip_special_tokens=True)

        with self._tokenizer_lock:
            return Detokenizer(decode, ids[-_ANCHOR:])

    def _finish(self, new: list[int], room: int, asked: int, interruption: Finish | None) -> Finish:
        if new and new[-1] in self._eos:
            return Finish.EOS
        if interruption in {Finish.STOP, Finish.MAX_TIME}:
            return interruption
        if len(new) >= room:
            return Finish.LENGTH if room == asked else Finish.CONTEXT
        return interruption or Finish.EOS


def _as_question(tokenizer: PretrainedTokenizer, prompt: str) -> str:
    """The prompt as a user message in the chat template."""
    question = [{"role": "user", "content": prompt}]
    return tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True)


def _can_chat(tokenizer: PretrainedTokenizer) -> bool:
    """Whether there is a usable chat template."""
    if not getattr(tokenizer, "chat_template", None):
        return False
    try:
        return "hello" in _as_question(tokenizer, "hello")
    except Exception:  # noqa: BLE001 - templates are arbitrary programs
        log.warning("The chat template of %s cannot be used.", tokenizer.name_or_path)
        return False


def _window(model: CausalModel, tokenizer: PretrainedTokenizer) -> int | None:
    config = model.config.get_text_config()
    for key in _WINDOW_KEYS:
        value = getattr(config, key, None)
        if isinstance(value, int) and value > 0:
            return value
    limit = int(tokenizer.model_max_length)
    return limit if 0 < limit < _UNBOUNDED else None
