"""Continuous batching: texts join and leave the running batch of a causal language model between two tokens.

Texts that are generated at the same time share one cache, padded on the left. Waiting prompts are read together in
another cache, in chunks between the tokens of the texts. A sequence on its own is computed solo, bit for bit as
transformers' `generate` would. In a batch, or after a cached prefix, sums are rounded in a different order. In float32
the engine estimates how far scores can differ (it measures the error at start-up and whenever it can later on), and
wherever that could change a token, it recomputes the sequence solo up to this token. In lower precision texts may
differ, unless the runtime is steady; `together=False` computes all of them solo.

Why not the engine of transformers 5 (`init_continuous_batching`): it drops the penalties in a model's
`generation_config`, samples all texts with the process's random number generator, reports only the probability of the
chosen token, fails all requests of a batch if one fails, and is first come, first served.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

import torch
from transformers import LogitsProcessorList, MaxTimeCriteria, StoppingCriteriaList, StopStringCriteria
from transformers.cache_utils import Cache
from transformers.generation.stopping_criteria import EosTokenCriteria, MaxLengthCriteria

from models import memory
from models.failures import (
    LateBeforeStart,
    NoMemoryForText,
    Stopped,
    StoppedBeforeStart,
    TooManyTokens,
    UnusableStop,
)
from models.fair_queue import FairQueue
from models.language.cache import GrowingLayer, PaddedRow, growing_layers, is_windowed, keeps_all_tokens, pack
from models.language.decoder import Decoder
from models.language.layers import CausalModel, scales_by_length
from models.language.lookup import LookUp
from models.language.pace import Pace
from models.language.padded import Decoding, TorchRuntime
from models.language.prefixes import EVERYBODY, WORTH_KEEPING, Prefixes
from models.language.rows import ModelInputs, Row, Rows, Runtime
from models.language.sampler import Sampler, choose_all
from models.language.turns import Turns
from models.packed import packed_in
from models.results import ChosenToken, Finish
from models.sampling import GREEDY, Sampling
from models.tokenizers.tokenizer import PretrainedTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH_SIZE = 16
"""Default maximum number of texts that are generated at once."""
KV_TOKENS = 16_384
"""Default capacity of the cache in tokens."""
MEMORY_HEADROOM = 1.25
"""Factor by which free memory must exceed the size of a cache before it is allocated."""
ERROR_MARGIN = 16.0
"""Safety factor on the largest error observed in float32."""
_LEAST_ERROR = 2.0**-20
"""Minimum assumed error, as a share of the largest score."""
_BATCHING_TOLERANCE = 0.05
"""Largest difference between solo and batched scores, as a share of the largest score, for a model to be batched."""
_ROUGH_TOLERANCE = 0.15
"""The same in lower precision than float32."""
_RUNTIME_TOLERANCE = 1e-3
"""The same in float32 for another runtime, which should differ from torch in nothing but rounding."""
_VERIFIED_TOKENS = 3
"""Number of tokens whose solo and batched scores are compared when a model is verified."""
_MOST_READ_TOGETHER = 2048
"""Maximum number of prompt tokens per step while no text is being generated."""
_GATHERING = 0.003
"""Seconds that an idle engine waits for simultaneous requests."""
_MOST_GUESSING = 2
"""Maximum number of concurrent texts for which guesses are checked: wrong guesses cost more in larger batches."""
_GUESSES_MUST_GAIN = 1.1
"""Minimum average speed-up for guesses to be used."""
_STEPS_WITHOUT_GUESSES = 50
"""Number of steps before guessing is tried again after it did not pay off."""
_MOST_RECOMPUTATIONS = 3
"""Number of recomputations after which a sequence stays solo."""
_BATCHABLE_INPUTS = {"past_key_values", "attention_mask", "position_ids", "use_cache", "logits_to_keep"}
"""The model inputs that can be combined for several sequences."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A request to generate at most `max_new_tokens` tokens after `ids`.

    A `repetition_penalty` other than 1 replaces the one in the model's settings. `stop` and `deadline` (as in
    `time.monotonic()`) are checked after each token. Waiting requests take turns by `user`. `on_position` is called, on
    any thread, with the position in the queue whenever it changes: 1 for the next, 0 for started.

    The cached prefix of one of a `user`'s texts is reused only for that user's requests; the first `shared` ids contain
    no user data and are reused for everyone.

    `begun` are the first of the new tokens, already generated by another engine with the same model; this engine
    continues exactly as that one would have.
    """

    ids: Sequence[int]
    max_new_tokens: int
    sampling: Sampling = GREEDY
    user: Hashable = None
    stop: threading.Event | None = None
    deadline: float | None = None
    on_position: Callable[[int], object] | None = None
    shared: int = 0
    begun: Sequence[int] = ()

    @property
    def length(self) -> int:
        """Maximum number of tokens that it takes in the cache."""
        return len(self.ids) + self.max_new_tokens

    @property
    def interruption(self) -> Finish | None:
        """STOPPED or DEADLINE if the text should end now, otherwise None."""
        if self.stop is not None and self.stop.is_set():
            return Finish.STOPPED
        late = self.deadline is not None and time.monotonic() >= self.deadline
        return Finish.DEADLINE if late else None


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A snapshot of an engine: texts running and waiting, cache capacity in tokens (allocated and maximum), and the
    bytes allocated. `recomputed` counts the tokens recomputed solo; `kept_tokens` and `kept_bytes` are the size of the
    cached prefixes, `reused` counts the tokens that they saved reading, and `guessed` those guessed correctly.
    """

    running: int
    waiting: int
    kv_tokens: int
    kv_limit: int
    kv_bytes: int
    recomputed: int
    kept_tokens: int = 0
    kept_bytes: int = 0
    reused: int = 0
    guessed: int = 0


@dataclass(frozen=True, slots=True)
class _End:
    """The last item of a stream."""

    finish: Finish | None


class Stream:
    """The tokens of one request, to be iterated once, on any one thread; raises the error if generation failed."""

    def __init__(self, request: GenerationRequest, stop_strings: StopStringCriteria | None = None) -> None:
        """`stop_strings` detects the strings in `request.sampling.stop`."""
        self.request = request
        self.stop_strings = stop_strings
        self.finish: Finish | None = None
        """Set after the last token: STOPPED, DEADLINE, STOP, or None if the model or the limit ended the text."""
        self.position = 0
        self.cancelled = threading.Event()
        self._items: queue.SimpleQueue[ChosenToken | BaseException | _End] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[ChosenToken]:
        while True:
            match self._items.get():
                case ChosenToken() as token:
                    yield token
                case _End(finish):
                    self.finish = finish
                    return
                case error:
                    raise error

    def cancel(self) -> None:
        """End the text before its next token."""
        self.cancelled.set()

    @property
    def interruption(self) -> Finish | None:
        return Finish.STOPPED if self.cancelled.is_set() else self.request.interruption

    def put(self, token: ChosenToken) -> None:
        """Called by the engine: add the next token."""
        self._items.put(token)

    def end(self, finish: Finish | None) -> None:
        """Called by the engine: there are no more tokens."""
        self._items.put(_End(finish))

    def fail(self, error: BaseException) -> None:
        """Called by the engine: set the error for the reader to raise."""
        self._items.put(error)

    def set_position(self, position: int) -> None:
        """Called by the engine: set the position in the queue."""
        if position != self.position:
            self.position = position
            if self.request.on_position:
                try:
                    self.request.on_position(position)
                except Exception:
                    log.exception("a listener for places in the queue failed")


@dataclass(frozen=True, slots=True)
class _Ending:
    """When a text ends: at a length including the prompt, after certain tokens, or by the model's other criteria."""

    length: float
    tokens: frozenset[int]
    others: StoppingCriteriaList

    @classmethod
    def of(cls, criteria: StoppingCriteriaList) -> _Ending:
        length, tokens = float("inf"), set[int]()
        others = StoppingCriteriaList()
        for criterion in criteria:
            if type(criterion) is MaxLengthCriteria:
                length = min(length, criterion.max_length)
            elif type(criterion) is EosTokenCriteria:
                tokens.update(criterion.eos_token_id.tolist())
            else:
                others.append(criterion)
        return cls(length, frozenset(tokens), others)


@dataclass(eq=False)
class _Sequence:
    """A text that is being generated."""

    stream: Stream
    ids: list[int]
    sampler: Sampler
    inputs: ModelInputs
    """The model inputs for the next step, including the sequence's own cache while it is solo."""
    processors: LogitsProcessorList
    """The penalties and other processors from the model's settings and the request."""
    ending: _Ending
    error_factor: float
    """Factor by which the processors may magnify an error in a score."""
    windowed: bool = False
    """Whether the model would count padding between tokens as distance."""
    seen: int = 0
    """How many of `ids` the model has read."""
    exact: bool = True
    """Whether everything so far was computed solo."""
    stays_solo: bool = False
    recomputations: int = 0
    batched_scores: torch.Tensor | None = None
    """Batched scores that left the next token uncertain, to be compared with the solo ones."""
    ended: bool = False
    lookup: LookUp = field(default_factory=LookUp)

    @property
    def lacks_one_token(self) -> bool:
        """Whether the model has read all but the last token, and at least one."""
        return 0 < self.seen == len(self.ids) - 1

    @property
    def own_row(self) -> PaddedRow | None:
        """Its row in its own solo cache; None if that is missing or of an unsupported type."""
        cache = self.inputs.get("past_key_values")
        if not isinstance(cache, Cache) or not growing_layers(cache):
            return None
        return PaddedRow(cache, 0, slice(0, self.seen))


class _Batch:
    """Sequences that share a cache."""

    def __init__(self, runtime: Runtime, members: Sequence[tuple[_Sequence, Row]] = ()) -> None:
        """`members` are sequences with their rows in other caches."""
        # Texts of similar length are attended to together.
        members = sorted(members, key=lambda member: -member[1].length)
        self._runtime = runtime
        self.sequences = [sequence for sequence, _ in members]
        self.rows = runtime.rows([row for _, row in members])

    @property
    def members(self) -> list[tuple[_Sequence, Row]]:
        return [(sequence, self.rows.row(place)) for place, sequence in enumerate(self.sequences)]

    def feed(self, tokens: Sequence[Sequence[int]], *, keep: int = 1) -> torch.Tensor:
        """As `Rows.feed`."""
        return self.rows.feed(tokens, self.sequences[0].inputs, keep=keep)

    def only(self, sequences: Collection[_Sequence]) -> _Batch:
        """A batch with only these sequences."""
        if len(sequences) == len(self.sequences):
            return self
        return _Batch(self._runtime, [member for member in self.members if member[0] in sequences])


class Engine:
    """Generates many texts at once with one model. All methods are thread-safe.

    The engine's thread runs only while there is work, so an idle engine keeps no reference to the model alive.
    """

    def __init__(
        self,
        model: CausalModel,
        tokenizer: PretrainedTokenizer | None = None,
        *,
        tokenizer_lock: AbstractContextManager[object] | None = None,
        batch: int = BATCH_SIZE,
        kv_tokens: int = KV_TOKENS,
        together: bool = True,
        tokens_per_second: int = 0,
        runtime: Runtime | None = None,
    ) -> None:
        """`model` must be in evaluation mode, and other code that computes with it must use `turns`. `tokenizer` is
        required for stop strings, and used only while `tokenizer_lock` is held. `runtime` computes with the same
        weights as the model, for all texts that need not be solo; None for torch.

        At most `batch` texts are generated at once, with a cache of `kv_tokens` tokens including padding. Each is
        limited to `tokens_per_second`, unless that is 0.
        """
        self._model = model
        self._tokenizer = tokenizer
        self._tokenizer_lock = tokenizer_lock or nullcontext()
        self._own_stop_strings = self._stop_strings(model.generation_config.stop_strings or ())
        self._batch_size = batch
        self._kv_limit = kv_tokens
        # With positions that are scaled by the length of a text, the longest text of a batch would decide for all.
        self._batching = together and not scales_by_length(model.config)
        self._step_seconds = 1 / tokens_per_second if tokens_per_second else 0.0
        self._is_guarded = model.dtype == torch.float32 and not any(
            packed.rounds_inputs for packed in packed_in(model)
        )
        """Whether tokens that rounding could change are recomputed."""
        self._largest_error = 0.0
        """The largest difference observed between a solo and a batched score."""
        self.turns = Turns()
        """Taken for each step. Other code that computes with the model takes turns with generation."""
        self._lock = threading.Lock()
        """Guards `_waiting` and `_thread`."""
        self._waiting: FairQueue[Stream] = FairQueue()
        self._thread: threading.Thread | None = None
        self._unread: list[_Sequence] = []
        """Sequences whose prompts wait to be read together."""
        self._torch = TorchRuntime(model)
        """Computes solo texts, and the others unless there is another runtime."""
        self._runtime: Runtime = runtime or self._torch
        self._reading = self._batch_of()
        """Sequences whose prompts are being read together."""
        self._solo: list[_Sequence] = []
        self._batch = self._batch_of()
        """Sequences that are being generated together."""
        self._reads_together = self._batching
        self._pace = Pace()
        self._prefixes = Prefixes()
        self._gain_of_guesses = _GUESSES_MUST_GAIN * 1.5
        """The average speed-up from guesses, with an optimistic initial value."""
        self._steps_without_guesses = 0
        self._bytes_per_token = 0.0
        self._recomputed = 0
        self._reused = 0
        self._guessed = 0

    def submit(self, request: GenerationRequest) -> Stream:
        """Queue a request; generation starts when it is its turn.

        Raises TooManyTokens if the cache can never hold it, and UnusableStop for stop strings that cannot be detected.
        """
        if request.length > self._kv_limit:
            raise TooManyTokens(self._kv_limit)
        # This takes a while, so it runs on the caller's thread.
        stream = Stream(request, self._stop_strings(request.sampling.stop))
        with self._lock:
            self._waiting.push(request.user, stream)
            waiting = list(self._waiting)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine")
                self._thread.start()
        _announce_positions(waiting)
        return stream

    @property
    def status(self) -> EngineStatus:
        with self._lock:
            waiting = len(self._waiting)
        return EngineStatus(
            running=len(
                set(map(id, self._sequences))
            ),  # one that moves between batches is in both for a moment
            waiting=waiting,
            kv_tokens=sum(cache.capacity for cache in self._caches()),
            kv_limit=self._kv_limit,
            kv_bytes=self._cached_bytes(),
            recomputed=self._recomputed,
            kept_tokens=self._prefixes.tokens,
            kept_bytes=self._prefixes.nbytes,
            reused=self._reused,
            guessed=self._guessed,
        )

    def verify(self, ids: Sequence[int]) -> float:
        """Continue two texts, `ids` and its last token, solo and in a batch; returns the largest difference in a score.

        A runtime that computes something else is detected here, and torch is used from then on. So is a model that
        cannot be batched; it computes each text solo. Must be called before any request is submitted.
        """
        batching = self._batching
        with torch.inference_mode():
            self._verify_decoder(ids)
            if not self.uses_torch:
                try:
                    error = self._verify_batch(ids)
                except Exception:
                    log.warning("The runtime failed.", exc_info=True)
                    self._reads_together = False
                if self._reads_together:
                    return error
                log.warning("Texts are generated with torch instead.")
                self._batching = self._reads_together = batching
                self._use_torch()
            return self._verify_batch(ids)

    @property
    def uses_torch(self) -> bool:
        """Whether there is no other runtime, or not any more."""
        return self._runtime is self._torch

    @property
    def weight_bytes(self) -> int:
        """Memory of weights that are not the model's own."""
        return self._runtime.weight_bytes

    def release(self) -> None:
        """End all texts, and free the memory of any other runtime than torch."""
        with self._lock:
            for stream in self._waiting:
                stream.cancel()
        with self.turns:
            for sequence in self._sequences:
                sequence.stream.cancel()
                _was_interrupted(sequence)
            self._solo, self._unread = [], []
            self._reading, self._batch = self._batch_of(), self._batch_of()
            self._use_torch()

    def _use_torch(self) -> None:
        """Compute with torch alone from now on, and free the memory of any other runtime."""
        if not self.uses_torch:
            self._runtime = self._torch
            self._prefixes = Prefixes()
            self._reading, self._batch = self._batch_of(), self._batch_of()

    def _verify_batch(self, ids: Sequence[int]) -> float:
        sequences = [self._first_of(ids), self._first_of(ids[-1:])]
        if not self._batching or not all(map(self._can_be_batched, sequences)):
            self._batching = self._reads_together = False
            return 0.0
        batch = self._batch_of([(sequence, row) for sequence in sequences if (row := sequence.own_row)])
        compared = []
        for _ in range(_VERIFIED_TOKENS):
            batched = batch.feed([sequence.ids[-1:] for sequence in batch.sequences])[:, -1]
            compared += [
                (self._advance_exactly(sequence), scores.clone())
                for sequence, scores in zip(batch.sequences, batched, strict=True)
            ]
        error, tolerable = self._record_verified(compared)
        if not tolerable:
            log.warning("The model cannot be batched, so it writes one text after another.")
            self._batching = self._reads_together = False
        elif not any(sequence.windowed for sequence in sequences):
            error = max(error, self._verify_reading(ids))
        return error

    def _verify_decoder(self, ids: Sequence[int]) -> None:
        """Use the decoder if there is one for this model, and if it computes the same scores to the last bit."""
        decoder = Decoder.of(self._model)
        sequence = self._first_of(ids)
        if decoder is None or not self._has_plain_inputs(sequence):
            return
        try:
            for _ in range(_VERIFIED_TOKENS):
                cache = growing_layers(
                    pack([PaddedRow(sequence.inputs["past_key_values"], 0, slice(0, sequence.seen))])
                )
                scores = self._decoded(decoder, sequence, cache)
                if not torch.equal(scores, self._advance_exactly(sequence)):
                    log.info("The model's own layers are used, because the decoder rounds differently.")
                    return
            others = [self._first_of(ids), self._first_of(ids[-1:])]
            batch = _Batch(self._torch, [(other, row) for other in others if (row := other.own_row)])
            self._torch.decoder = decoder
            batch.feed([other.ids[-1:] for other in batch.sequences])
        except Exception:
            log.warning("The model's own layers are used, because the decoder failed.", exc_info=True)
            self._torch.decoder = None

    def _verify_reading(self, ids: Sequence[int]) -> float:
        """Like `verify`, for two prompts that are read together in chunks."""
        sequences = [self._first_of(ids), self._first_of(ids[-1:])]
        rows = [PaddedRow(self._start(sequence.stream).inputs["past_key_values"]) for sequence in sequences]
        batch = self._batch_of(list(zip(sequences, rows, strict=True)))
        try:
            batch.feed([sequence.ids[:-1] for sequence in batch.sequences])
            scores = []
            tokens = [[sequence.ids[-1]] for sequence in sequences]
            for _ in range(_VERIFIED_TOKENS - 1):
                for sequence, new in zip(sequences, tokens, strict=True):
                    scores.append(self._advance_exactly(sequence))
                    new.append(sequence.ids[-1])
            batched = batch.feed([tokens[0][:-1], tokens[1][:-1]], keep=_VERIFIED_TOKENS - 1)
            compared = list(zip(scores, batched.transpose(0, 1).flatten(0, 1), strict=True))
        except Exception:
            log.warning("The model cannot read prompts together, so it reads them one by one.", exc_info=True)
            self._reads_together = False
            return 0.0
        error, tolerable = self._record_verified(compared)
        if not tolerable:
            log.warning("The model cannot read prompts together, so it reads them one by one.")
            self._reads_together = False
            return 0.0
        return error

    def _first_of(self, ids: Sequence[int]) -> _Sequence:
        """A sequence for verification: `ids` and the likeliest next token."""
        sequence = self._start(Stream(GenerationRequest(ids, _VERIFIED_TOKENS + 1)))
        self._advance_exactly(sequence)
        return sequence

    def _advance_exactly(self, sequence: _Sequence) -> torch.Tensor:
        """Append the likeliest next token to a sequence; returns its solo scores."""
        exact = self._forward(sequence)
        sequence.ids.append(int(exact.argmax()))
        return exact

    def _record_verified(self, compared: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> tuple[float, bool]:
        """The largest difference in a score, and whether it is tolerable; if so, it enters the error estimate."""
        error = max(float((exact - batched).abs().max()) for exact, batched in compared)
        largest = max(float(exact.abs().max()) for exact, _ in compared)
        tolerable = error <= self._tolerance * largest
        if tolerable:
            self._largest_error = max(self._largest_error, error)
        return error, tolerable

    @property
    def _tolerance(self) -> float:
        if not self._is_guarded:
            return _ROUGH_TOLERANCE
        return _BATCHING_TOLERANCE if self.uses_torch else _RUNTIME_TOLERANCE

    def _stop_strings(self, texts: Sequence[str]) -> StopStringCriteria | None:
        """Criteria that end a text at any of `texts`. Slow for new strings: the whole vocabulary is searched."""
        if not texts:
            return None
        if self._tokenizer is None:
            raise ValueError("stop strings need the tokenizer")
        try:
            with self._tokenizer_lock:
                return StopStringCriteria(cast("PreTrainedTokenizerBase", self._tokenizer), list(texts))
        except ValueError as error:  # no token matches, or the vocabulary lacks a character
            raise UnusableStop(tuple(texts)) from error

    # The methods below run on the engine's own thread.

    @property
    def _sequences(self) -> list[_Sequence]:
        return [*self._unread, *self._reading.sequences, *self._solo, *self._batch.sequences]

    def _run(self) -> None:
        time.sleep(_GATHERING)
        with torch.inference_mode():
            while True:
                with self._lock:
                    if not (self._waiting or self._sequences):
                        self._thread = None
                        return
                begun = time.monotonic()
                try:
                    with self.turns:
                        self._advance()
                except Exception as error:  # otherwise the readers would wait forever
                    log.exception("the engine failed")
                    for sequence in self._sequences:
                        sequence.stream.fail(_for_reader(error))
                    self._solo, self._unread = [], []
                    self._batch, self._reading = self._batch_of(), self._batch_of()
                if self._solo or self._batch.sequences:
                    time.sleep(max(0.0, begun + self._step_seconds - time.monotonic()))

    def _advance(self) -> None:
        """Generate one token for every sequence, including the first one where a prompt has been read."""
        self._steps_without_guesses = max(0, self._steps_without_guesses - 1)
        self._let_go()
        self._admit()
        self._read_prompts()
        self._join_batch()
        for sequence in list(self._solo):
            self._advance_solo(sequence)
        if self._batch.sequences:
            self._advance_batch()

    def _let_go(self) -> None:
        """End cancelled and late sequences."""
        self._reading = self._reading.only(
            [sequence for sequence in self._reading.sequences if not _was_interrupted(sequence)]
        )
        for sequence in [sequence for sequence in self._solo if _was_interrupted(sequence)]:
            self._leave_solo(sequence)
        self._keep_in_batch(
            [sequence for sequence in self._batch.sequences if not _was_interrupted(sequence)]
        )

    def _admit(self) -> None:
        """Start waiting requests in turn, as long as there is room."""
        while (stream := self._next_waiting()) is not None:
            if reason := stream.interruption:
                stream.fail(interrupted_before_start(reason))
                continue
            sequence = _or_fail(stream, partial(self._start, stream))
            if sequence is None or (stream.request.begun and not self._goes_on(sequence)):
                continue
            if self._can_be_read_together(sequence):
                self._unread.append(sequence)
            else:
                self._solo.append(sequence)
                self._advance_solo(sequence)

    def _read_prompts(self) -> None:
        """Read waiting prompts together: as much as possible if nothing is being generated, else one chunk per step."""
        newcomers = [(sequence, self._known_beginning(sequence)) for sequence in self._unread]
        is_writing = bool(self._solo or self._batch.sequences)
        most = self._pace.tokens if is_writing else _MOST_READ_TOGETHER
        if len(newcomers) == 1 and not self._reading.sequences:
            ((sequence, row),) = newcomers
            begun = sequence.stream.request.begun  # solo, these would be read token by token
            is_short = not is_writing or len(sequence.ids) <= most
            if not row.length and not begun and is_short and not self._runtime.writes_single_texts:
                self._unread = []
                self._solo.append(sequence)
                self._advance_solo(sequence)
                return
        if newcomers or self._reading.rows.is_wasteful:
            self._reading = self._batch_of([*self._reading.members, *newcomers])
        self._unread = []
        if self._reading.sequences:
            self._read_on(most)

    def _known_beginning(self, sequence: _Sequence) -> Row:
        """The cached prefix of a sequence, which need not be read again; updates what the sequence has seen."""
        request = sequence.stream.request
        known = self._prefixes.longest(request.user, sequence.ids)
        if known is None:
            return PaddedRow(sequence.inputs["past_key_values"])
        sequence.seen = known.length
        self._reused += known.length
        return known

    def _read_on(self, most: int) -> None:
        """Read up to `most` prompt tokens, divided equally among the prompts."""
        batch = self._reading
        share = max(1, most // len(batch.sequences))
        tokens = [sequence.ids[sequence.seen : sequence.seen + share] for sequence in batch.sequences]
        began = time.monotonic()
        try:
            scores = batch.feed(tokens)[:, -1]
        except Exception as error:
            self._reading = self._batch_of()
            if not _is_out_of_memory(error):
                log.warning("Prompts could not be read together, so they are read one by one.", exc_info=True)
            self._read_solo(batch.sequences, error)
            return
        self._pace.read(len(tokens) * max(map(len, tokens)), time.monotonic() - began)
        for sequence, read in zip(batch.sequences, tokens, strict=True):
            sequence.seen += len(read)
            sequence.exact = False
        read_through = [
            place for place, sequence in enumerate(batch.sequences) if sequence.seen == len(sequence.ids)
        ]
        if not read_through:
            return
        finished = [batch.sequences[place] for place in read_through]
        rows = {batch.sequences[place]: batch.rows.row(place) for place in read_through}
        for sequence in finished:
            self._keep_head(sequence, rows[sequence])
        staying = self._write_tokens(finished, scores[read_through])
        for sequence in finished:
            self._keep_text(sequence, rows[sequence])
        if staying:
            self._batch = self._batch_of(
                [*self._batch.members, *((sequence, rows[sequence]) for sequence in staying)]
            )
            self._measure_batch()
        self._reading = batch.only([sequence for sequence in batch.sequences if sequence not in finished])

    def _read_solo(self, sequences: list[_Sequence], error: Exception) -> None:
        """Read prompts one by one after reading them together failed with `error`."""
        if _is_out_of_memory(error):
            largest = max(sequences, key=lambda sequence: len(sequence.ids))
            largest.stream.fail(_for_reader(error))
            sequences = [sequence for sequence in sequences if sequence is not largest]
        begun = [_or_fail(sequence.stream, partial(self._start, sequence.stream)) for sequence in sequences]
        self._solo += [sequence for sequence in begun if sequence is not None]

    def _next_waiting(self) -> Stream | None:
        """The next request if there is room for it, preceded by any waiting request that was cancelled or is late."""
        with self._lock:
            interrupted = next((stream for stream in self._waiting if stream.interruption), None)
            stream = interrupted or next(iter(self._waiting), None)
            if stream is None or not (interrupted or self._has_room_for(stream.request)):
                return None
            if interrupted:
                self._waiting.remove(stream.request.user, stream)
            else:
                self._waiting.pop()
            waiting = list(self._waiting)
        stream.set_position(0)
        _announce_positions(waiting)
        return stream

    def _has_room_for(self, request: GenerationRequest) -> bool:
        sequences = self._sequences
        if not sequences:
            self._prefixes.make_room(self._kv_limit - request.length)
            return True
        tokens = self._room_of([request, *(sequence.stream.request for sequence in sequences)])
        if len(sequences) >= self._batch_size or tokens > self._kv_limit:
            return False
        self._prefixes.make_room(self._kv_limit - tokens)
        more = tokens * self._bytes_per_token - self._cached_bytes()
        if more * MEMORY_HEADROOM <= memory.free(str(self._model.device)):
            return True
        self._prefixes.make_room(0)
        return more * MEMORY_HEADROOM <= memory.free(str(self._model.device))

    def _room_of(self, requests: Sequence[GenerationRequest]) -> int:
        """Maximum number of tokens that these requests take in the cache, including padding."""
        return self._runtime.room([request.length for request in requests])

    def _start(self, stream: Stream) -> _Sequence:
        """A sequence as `generate` would start it: with the model's own penalties, criteria and cache."""
        request, config = stream.request, self._model.generation_config
        inputs = torch.tensor([list(request.ids)], device=self._model.device)
        penalty = request.sampling.repetition_penalty
        if penalty == 1:
            penalty = config.repetition_penalty or 1.0
        stop_strings = list(filter(None, (self._own_stop_strings, stream.stop_strings)))
        _, processors, criteria, model_inputs = self._model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            # Override sampling and beam search from the model's settings, but keep its penalties.
            do_sample=False,
            num_beams=1,
            num_return_sequences=1,
            return_dict_in_generate=False,
            max_new_tokens=request.max_new_tokens,
            repetition_penalty=penalty,
            stop_strings=None,  # a custom loop does not receive the tokenizer that these need
            stopping_criteria=StoppingCriteriaList(stop_strings),
            custom_generate=_loop_arguments,
        )
        cache = model_inputs.get("past_key_values")
        windowed = isinstance(cache, Cache) and is_windowed(cache)
        if isinstance(cache, Cache) and keeps_all_tokens(cache, request.length):
            cache.layers = [GrowingLayer() for _ in cache.layers]
        sampler = Sampler(request.sampling, len(request.begun))
        # A penalty multiplies or divides a score, and its error too.
        error_factor = max(1.0, penalty, 1 / penalty)
        return _Sequence(
            stream,
            [*request.ids, *request.begun],
            sampler,
            model_inputs,
            processors,
            _Ending.of(criteria),
            error_factor,
            windowed,
        )

    def _advance_solo(self, sequence: _Sequence) -> None:
        """Feed a solo sequence its prompt, or the next token that the model has not read."""
        is_prompt = not sequence.seen
        scores = _or_fail(sequence.stream, partial(self._forward, sequence))
        if scores is None:
            self._solo.remove(sequence)
            return
        if is_prompt and (row := sequence.own_row):
            self._keep_head(sequence, row)
        if sequence.seen < len(sequence.ids):
            return  # still catching up after a recomputation
        if sequence.batched_scores is not None:
            self._record_error(scores, sequence.batched_scores)
            sequence.batched_scores = None
        if not self._write_tokens([sequence], scores[None]):
            self._leave_solo(sequence)

    def _leave_solo(self, sequence: _Sequence) -> None:
        self._solo.remove(sequence)
        if row := sequence.own_row:
            self._keep_text(sequence, row)

    def _forward(self, sequence: _Sequence) -> torch.Tensor:
        """The scores, shape (vocabulary,), after reading the next token, or the prompt if nothing has been read."""
        prompt = len(sequence.stream.request.ids)
        end = sequence.seen + 1 if sequence.seen else prompt
        first = not sequence.seen
        began = time.monotonic()
        if not first and self._has_plain_inputs(sequence):
            if self._torch.decoder is not None:
                cache = growing_layers(sequence.inputs["past_key_values"])
                scores = self._decoded(self._torch.decoder, sequence, cache)
                sequence.seen = end
                self._pace.stepped(time.monotonic() - began)
                return scores
            if self._has_old_inputs(sequence):
                self._renew_inputs(sequence)
        ids = torch.tensor([sequence.ids[:end]], device=self._model.device)
        newest = 1 if not first and sequence.inputs.get("use_cache") else None
        inputs = self._model.prepare_inputs_for_generation(
            ids, next_sequence_length=newest, is_first_iteration=first, **sequence.inputs
        )
        outputs = self._model(**inputs, return_dict=True)
        # As `generate` does.
        sequence.inputs = self._model._update_model_kwargs_for_generation(outputs, sequence.inputs)  # noqa: SLF001
        sequence.seen = end
        made: torch.Tensor = outputs.logits[0, -1].float()
        if not first:
            self._pace.stepped(time.monotonic() - began)
        return made

    def _decoded(self, decoder: Decoding, sequence: _Sequence, cache: Sequence[GrowingLayer]) -> torch.Tensor:
        """The scores, shape (vocabulary,), after the next token of a solo sequence; adds the token to its `cache`."""
        place = sequence.seen
        ids = torch.tensor([sequence.ids[place : place + 1]], device=self._model.device)
        return decoder.scores(ids, torch.tensor([[place]]), None, cache)[0, -1].float()

    def _advance_batch(self) -> None:
        batch = self._batch
        tokens = [sequence.ids[-1:] for sequence in batch.sequences]
        guesses = self._guesses()
        began = time.monotonic()
        try:
            width = 1 + max(map(len, guesses))
            fed = [token + guess for token, guess in zip(tokens, guesses, strict=True)]
            scores = batch.feed(fed, keep=width)
        except Exception as error:
            if _is_out_of_memory(error):
                largest = max(batch.sequences, key=lambda sequence: sequence.seen)
                largest.stream.fail(_for_reader(error))
                self._keep_in_batch([sequence for sequence in batch.sequences if sequence is not largest])
            else:
                log.warning("A batch failed, so its texts go on one by one.", exc_info=True)
                if self.uses_torch:
                    self._torch.decoder = None
                self._write_solo()
            return
        seconds = time.monotonic() - began
        staying, written = self._check(batch, fed, scores)
        if width == 1:
            self._pace.stepped(seconds)
        else:
            self._judge_guesses(written / len(batch.sequences), seconds)
        self._keep_in_batch(staying)
        if self._batch.rows.is_wasteful:
            self._batch = self._batch_of(self._batch.members)

    def _guesses(self) -> list[list[int]]:
        """Guessed continuations for each text in the batch; empty where guessing is not worthwhile."""
        batch = self._batch
        nothing: list[list[int]] = [[] for _ in batch.sequences]
        if len(batch.sequences) > _MOST_GUESSING or not self._may_guess:
            return nothing
        return [self._guess(sequence) for sequence in batch.sequences]

    @property
    def _may_guess(self) -> bool:
        """Whether guesses cannot change the text, there is no speed limit, and guessing is not paused."""
        return (
            (self._is_guarded or self._runtime.is_steady)
            and self._reads_together
            and not self._step_seconds
            and not self._steps_without_guesses
        )

    @staticmethod
    def _guess(sequence: _Sequence) -> list[int]:
        left = sequence.ending.length - len(sequence.ids) - 1
        if sequence.windowed or left < 1:
            return []
        guess = sequence.lookup.guess(sequence.ids, len(sequence.stream.request.ids))
        return guess if len(guess) <= left else guess[: int(left)]

    def _judge_guesses(self, tokens: float, seconds: float) -> None:
        """Update the average gain after a guessing step that added `tokens` per text; pause guessing if it is low."""
        gain = tokens * self._pace.step / seconds
        self._gain_of_guesses += 0.2 * (gain - self._gain_of_guesses)
        if self._gain_of_guesses < _GUESSES_MUST_GAIN:
            self._steps_without_guesses = _STEPS_WITHOUT_GUESSES
            self._gain_of_guesses = _GUESSES_MUST_GAIN * 1.5

    def _check(
        self, batch: _Batch, fed: Sequence[Sequence[int]], scores: torch.Tensor
    ) -> tuple[list[_Sequence], int]:
        """Choose tokens from `scores`, shape (sequences, positions, vocabulary), up to each text's first wrong guess.

        Returns the sequences that continue, and the number of tokens generated.
        """
        width = scores.shape[1]
        right = dict.fromkeys(batch.sequences, 0)
        """How many of the fed tokens are correct."""
        going = list(range(len(batch.sequences)))
        staying = dict.fromkeys(batch.sequences)
        while going:
            sequences = [batch.sequences[place] for place in going]
            positions = [
                width - len(fed[place]) + right[sequence]
                for place, sequence in zip(going, sequences, strict=True)
            ]
            for sequence in sequences:
                right[sequence] += 1
                sequence.seen += 1
                sequence.exact = False
            # Indexing with lists copies.
            own = scores[:, 0] if width == 1 else scores[going, positions]
            written = set(self._write_tokens(sequences, own))
            for sequence in sequences:
                if sequence not in written:
                    del staying[sequence]
            going = [
                place
                for place, sequence in zip(going, sequences, strict=True)
                if sequence in written
                and right[sequence] < len(fed[place])
                and fed[place][right[sequence]] == sequence.ids[-1]
            ]
        wrong = [len(tokens) - count for tokens, count in zip(fed, right.values(), strict=True)]
        self._guessed += sum(right.values()) - len(right)
        if any(wrong):
            batch.rows.take_back(wrong)
        return list(staying), sum(right.values())

    def _write_tokens(self, sequences: Sequence[_Sequence], scores: torch.Tensor) -> list[_Sequence]:
        """Choose and stream each sequence's next token by its `scores`; returns those that neither ended nor moved."""
        processed = scores
        failed = set()
        for place, sequence in enumerate(sequences):
            if sequence.processors:
                own = _or_fail(sequence.stream, partial(self._processed, sequence, scores[place]))
                if own is None:
                    failed.add(sequence)
                    continue
                if processed is scores:
                    processed = scores.clone()
                processed[place] = own
        errors = self._score_errors(sequences, scores)
        chosen = choose_all([sequence.sampler for sequence in sequences], processed, errors)
        staying = []
        for sequence, token, own_scores in zip(sequences, chosen, scores, strict=True):
            if sequence in failed:
                continue
            if token is None:
                self._recompute(sequence, own_scores)
            elif isinstance(token, Exception):
                sequence.stream.fail(token)
            else:
                sequence.ids.append(token.id)
                sequence.stream.put(token)
                if _or_fail(sequence.stream, partial(self._goes_on, sequence)):
                    staying.append(sequence)
        return staying

    def _processed(self, sequence: _Sequence, scores: torch.Tensor) -> torch.Tensor:
        """Scores after penalties and other processors."""
        on_device = cast("torch.FloatTensor", scores[None])
        made: torch.Tensor = sequence.processors(self._id_tensor(sequence), on_device)
        return made[0].float()

    def _goes_on(self, sequence: _Sequence) -> bool:
        """Whether a text continues after its newest token; if not, ends its stream with the reason."""
        ending, stream = sequence.ending, sequence.stream
        ids = self._id_tensor(sequence) if ending.others else None
        if not (
            len(sequence.ids) >= ending.length
            or sequence.ids[-1] in ending.tokens
            or (ids is not None and bool(ending.others(ids, None).all()))
        ):
            return True
        sequence.ended = True
        asked_for = stream.stop_strings is not None and bool(
            stream.stop_strings(self._id_tensor(sequence), None).all()
        )
        stream.end(Finish.STOP if asked_for else _own_reason(ending, ids))
        return False

    def _score_errors(self, sequences: Sequence[_Sequence], scores: torch.Tensor) -> list[float]:
        """Upper estimate of the error in each sequence's processed scores."""
        unsure = [
            self._is_guarded and not sequence.exact and not sequence.stays_solo for sequence in sequences
        ]
        if not any(unsure):
            return [0.0] * len(sequences)
        # Several times as fast as `aminmax`.
        largest = torch.maximum(scores.amax(-1), -scores.amin(-1)).tolist()
        return [
            ERROR_MARGIN * max(self._largest_error, _LEAST_ERROR * most) * sequence.error_factor * doubt
            for sequence, most, doubt in zip(sequences, largest, unsure, strict=True)
        ]

    def _recompute(self, sequence: _Sequence, scores: torch.Tensor) -> None:
        """Recompute a sequence of the batch solo, from the start of its prompt."""
        self._begin_again(sequence)
        sequence.batched_scores = scores.clone()
        sequence.recomputations += 1
        sequence.stays_solo = sequence.recomputations >= _MOST_RECOMPUTATIONS

    def _begin_again(self, sequence: _Sequence) -> None:
        """Read all that a sequence has written again, solo."""
        sequence.inputs = self._start(sequence.stream).inputs
        sequence.seen, sequence.exact = 0, True
        self._recomputed += len(sequence.ids)
        self._solo.append(sequence)

    def _id_tensor(self, sequence: _Sequence) -> torch.LongTensor:
        return cast("torch.LongTensor", torch.tensor([sequence.ids], device=self._model.device))

    def _record_error(self, exact: torch.Tensor, batched: torch.Tensor) -> None:
        error = float((exact - batched).abs().max())
        if error > self._largest_error:
            log.debug("batched scores were off by %.2g, more than before", error)
            self._largest_error = error

    def _can_be_batched(self, sequence: _Sequence) -> bool:
        is_deciding = sequence.batched_scores is not None
        return self._is_batchable(sequence) and sequence.lacks_one_token and not is_deciding

    def _can_be_read_together(self, sequence: _Sequence) -> bool:
        return self._reads_together and not sequence.windowed and self._is_batchable(sequence)

    def _is_batchable(self, sequence: _Sequence) -> bool:
        return self._batching and not sequence.stays_solo and self._has_plain_inputs(sequence)

    @staticmethod
    def _has_plain_inputs(sequence: _Sequence) -> bool:
        """Whether a sequence's inputs are only its tokens and a cache of a supported type."""
        positions = sequence.inputs.get("position_ids")
        return (
            sequence.inputs.keys() <= _BATCHABLE_INPUTS
            and bool(growing_layers(sequence.inputs.get("past_key_values")))
            and (positions is None or positions.shape[:-1] == (1,))
        )

    def _join_batch(self) -> None:
        """Move all batchable solo sequences into the batch if they are faster there."""
        ready = [sequence for sequence in self._solo if self._can_be_batched(sequence)]
        is_single = len(ready) + len(self._batch.sequences) == 1 and not self._runtime.writes_single_texts
        if not ready or (is_single and not self._is_worth_guessing(ready[0])):
            return
        rows = [(sequence, row) for sequence in ready if (row := sequence.own_row)]
        self._batch = self._batch_of([*self._batch.members, *rows])
        for sequence in ready:
            sequence.inputs["past_key_values"] = None
        self._solo = [sequence for sequence in self._solo if sequence not in ready]
        self._measure_batch()

    def _is_worth_guessing(self, sequence: _Sequence) -> bool:
        return self._may_guess and bool(self._guess(sequence))

    def _measure_batch(self) -> None:
        self._bytes_per_token = self._batch.rows.nbytes / self._batch.rows.capacity

    def _keep_in_batch(self, sequences: list[_Sequence]) -> None:
        """Remove all other sequences from the batch."""
        if len(sequences) == len(self._batch.sequences):
            return
        for sequence, row in self._batch.members:
            if sequence not in sequences:
                self._keep_text(sequence, row)
        self._batch = self._batch.only(sequences)

    def _keep_head(self, sequence: _Sequence, row: Row) -> None:
        """Cache the part of a prompt that contains no user data, once it has been read."""
        request = sequence.stream.request
        if request.shared:
            self._keep(EVERYBODY, request.ids[: request.shared], row)

    def _keep_text(self, sequence: _Sequence, row: Row) -> None:
        """Cache a finished text for its user's next request."""
        user = sequence.stream.request.user
        if sequence.ended and user is not None:  # anonymous requests may come from different people
            self._keep(user, sequence.ids[: min(sequence.seen, row.length)], row)

    def _keep(self, owner: Hashable, ids: Sequence[int], row: Row) -> None:
        if not self._reads_together or len(ids) < WORTH_KEEPING or row.length < len(ids):
            return
        if len(ids) * self._bytes_per_token * MEMORY_HEADROOM > memory.free(str(self._model.device)):
            return
        writing = [sequence.stream.request for sequence in self._sequences if not sequence.ended]
        self._prefixes.keep(owner, ids, row, room=self._kv_limit - self._room_of(writing))

    def _write_solo(self) -> None:
        """Continue all texts solo after a batch failed: those that it held for good."""
        for sequence in self._batch.sequences:
            sequence.stays_solo = True
        held = [*self._batch.sequences, *self._reading.sequences]
        self._batch, self._reading = self._batch_of(), self._batch_of()
        self._use_torch()
        for sequence in held:
            _or_fail(sequence.stream, partial(self._begin_again, sequence))

    @staticmethod
    def _has_old_inputs(sequence: _Sequence) -> bool:
        mask = sequence.inputs.get("attention_mask")
        return mask is not None and mask.shape[-1] != sequence.seen + 1

    def _renew_inputs(self, sequence: _Sequence) -> None:
        """Bring the inputs of a solo sequence up to date, which steps of a batch and of the decoder leave as they are."""
        length, device = sequence.seen + 1, self._model.device
        sequence.inputs["attention_mask"] = torch.ones(1, length, dtype=torch.long, device=device)
        if "position_ids" in sequence.inputs:
            sequence.inputs["position_ids"] = torch.arange(length, device=device)[None]

    def _batch_of(self, members: Sequence[tuple[_Sequence, Row]] = ()) -> _Batch:
        return _Batch(self._runtime, members)

    def _caches(self) -> list[Rows | PaddedRow]:
        """The caches in use, except those of unsupported types."""
        solo = [row for sequence in self._solo if (row := sequence.own_row)]
        return [self._reading.rows, self._batch.rows, *solo]

    def _cached_bytes(self) -> int:
        return sum(cache.nbytes for cache in self._caches())


def interrupted_before_start(reason: Finish) -> Stopped:
    return StoppedBeforeStart() if reason is Finish.STOPPED else LateBeforeStart()


def _own_reason(ending: _Ending, ids: torch.LongTensor | None) -> Finish | None:
    """Why the model's own criteria ended a text, other than by an end token or one of its stop strings."""
    timed = (criterion for criterion in ending.others if isinstance(criterion, MaxTimeCriteria))
    return Finish.MAX_TIME if any(bool(criterion(ids, None).all()) for criterion in timed) else None


def _loop_arguments(
    model: CausalModel,
    input_ids: torch.Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: object,
    **kwargs: object,
) -> tuple[torch.Tensor, LogitsProcessorList, StoppingCriteriaList, Mapping[str, object]]:
    """Stands in for the loop of `generate`, and returns the arguments that it would have started with."""
    del model, generation_config
    return input_ids, logits_processor, stopping_criteria, kwargs


def _was_interrupted(sequence: _Sequence) -> bool:
    """Whether a sequence was cancelled or is late; if so, ends its stream with the reason."""
    stream = sequence.stream
    if reason := stream.interruption:
        if len(sequence.ids) == len(stream.request.ids):
            stream.fail(interrupted_before_start(reason))
        else:
            sequence.ended = True
            stream.end(reason)
    return reason is not None


def _or_fail(stream: Stream, work: Callable[[], T]) -> T | None:
    """The result of `work` for one text; if it fails, the error goes to that text's reader and the result is None."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the reader raises it
        stream.fail(_for_reader(error))
        return None


def _for_reader(error: Exception) -> Exception:
    return NoMemoryForText() if _is_out_of_memory(error) else error


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; on the CPU, torch only says so in the message."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in str(error)


def _announce_positions(waiting: Sequence[Stream]) -> None:
    for position, stream in enumerate(waiting, 1):
        stream.set_position(position)
