"""Prometheus metrics: counts of the bot's events, and gauges of its current state.

No label contains personal data, and every label has few values: names of commands, slots, lanes, and known kinds of
failures. https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import discord
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

import bot as package
from bot.events import ANSWERED, Acknowledged, CommandDone, Events, GatewayChanged, RestDone
from bot.health import Snapshot
from models.failures import Failure
from models.results import State
from models.service import JobDone, LaneStatus, LoadDone, ServiceStatus, TextDone

OTHER = "other"
"""The label for everything without a known name."""
QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
# Discord allows three seconds.
FIRST_ANSWER = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 5)
LONG = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900)
PACES = (1, 2, 5, 10, 15, 20, 30, 50, 100, 200, 500)
"""Histogram buckets, in seconds; the last one in tokens per second."""


class Metrics:
    """Collects metrics from its creation on; each bot has its own registry."""

    def __init__(self, events: Events) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("tokenwise", "The program.", registry=registry).info({"version": package.__version__})

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"tokenwise_{name}", what, labels, registry=registry)

        def histogram(name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"tokenwise_{name}", what, labels, buckets=buckets, registry=registry)

        self._commands = counter("commands", "Commands and buttons, by how they ended.", "command", "outcome")
        self._acknowledgements = histogram(
            "acknowledgement_seconds",
            "From an interaction's arrival to its first answer.",
            FIRST_ANSWER,
            "kind",
        )
        self._answers = histogram(
            "answer_seconds", "From a command's arrival to its whole answer.", LONG, "command"
        )
        self._jobs = counter("jobs", "Questions to the models, by how they ended.", "slot", "outcome")
        self._waits = histogram("job_queue_seconds", "Time that questions waited for a worker.", LONG, "slot")
        self._runs = histogram("job_run_seconds", "Time that workers spent on questions.", LONG, "slot")
        self._tokens = counter("generated_tokens", "Tokens written.")
        self._first_tokens = histogram(
            "first_token_seconds", "From a request for a text to its first token.", LONG
        )
        self._paces = histogram("text_tokens_per_second", "Pace of each text once it has begun.", PACES)
        self._loads = counter("loads", "Models loaded, by how that ended.", "slot", "outcome")
        self._load_times = histogram("load_seconds", "Time that loading took.", LONG, "slot")
        self._gateway = counter("gateway_changes", "Connections of the shards, resumes and losses.", "change")
        for change in ("connected", "resumed", "disconnected"):
            self._gateway.labels(change)
        self._rest = counter("rest_requests", "Requests to Discord's REST API, by status.", "status")
        self._rest.labels("429")
        self._rest_times = histogram("rest_seconds", "Time that Discord's REST API took.", LONG)
        self._lag = histogram("event_loop_lag_seconds", "How late the event loop was.", QUICK)
        self._database = histogram("database_seconds", "Time that transactions took.", QUICK, "operation")
        self._now = _Now()
        registry.register(self._now)
        events.subscribe(CommandDone, self._command_done)
        events.subscribe(Acknowledged, self._acknowledged)
        events.subscribe(JobDone, self._job_done)
        events.subscribe(TextDone, self._text_done)
        events.subscribe(LoadDone, self._load_done)
        events.subscribe(RestDone, self._rest_done)
        events.subscribe(GatewayChanged, lambda event: self._gateway.labels(event.what).inc())

    def exposition(self, snapshot: Snapshot) -> tuple[str, bytes]:
        """The content type and all metrics."""
        self._now.snapshot = snapshot
        return CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self.registry)

    def observe_lag(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def observe_transaction(self, operation: str, seconds: float) -> None:
        self._database.labels(operation).observe(seconds)

    def _command_done(self, event: CommandDone) -> None:
        self._commands.labels(event.name, self._known(event.outcome)).inc()
        if event.outcome == ANSWERED:
            self._answers.labels(event.name).observe(event.seconds)

    def _acknowledged(self, event: Acknowledged) -> None:
        self._acknowledgements.labels(event.kind).observe(event.seconds)

    def _job_done(self, event: JobDone) -> None:
        self._jobs.labels(event.slot, self._known(event.outcome)).inc()
        self._waits.labels(event.slot).observe(event.queue_seconds)
        self._runs.labels(event.slot).observe(event.run_seconds)

    def _text_done(self, event: TextDone) -> None:
        self._tokens.inc(event.tokens)
        self._first_tokens.observe(event.first_token_seconds)
        if event.writing_seconds > 0:
            self._paces.observe((event.tokens - 1) / event.writing_seconds)

    def _load_done(self, event: LoadDone) -> None:
        outcome = event.outcome if event.outcome == "loaded" else self._known(event.outcome)
        self._loads.labels(event.slot, outcome).inc()
        if outcome == "loaded":
            self._load_times.labels(event.slot).observe(event.seconds)

    def _rest_done(self, event: RestDone) -> None:
        self._rest.labels(event.status).inc()
        self._rest_times.observe(event.seconds)

    def _known(self, outcome: str) -> str:
        return outcome if outcome in self._outcomes else OTHER

    @cached_property
    def _outcomes(self) -> set[str]:
        """The outcomes with their own label. Looked up late, when all failures are defined."""
        return {ANSWERED, *_names(Failure), *_names(discord.DiscordException)}


def _names(kind: type[Any]) -> Iterator[str]:
    """The names of a class and all its subclasses."""
    yield kind.__name__
    for derived in kind.__subclasses__():
        yield from _names(derived)


class _Now(Collector):
    """Gauges that are read on demand."""

    snapshot: Snapshot | None = None

    def collect(self) -> Iterator[Metric]:
        if (now := self.snapshot) is None:
            return
        yield _gauge("ready", "Whether the bot is connected and every model is loaded.", [((), now.ready)])
        yield _gauge("connected", "Whether the bot is connected to Discord's gateway.", [((), now.connected)])
        yield _gauge("servers", "Servers that the bot is in.", [((), now.servers)])
        yield _gauge(
            "gateway_latency_seconds",
            "Time between a heartbeat and its acknowledgement.",
            [((str(shard),), value) for shard, value in now.latencies.items() if math.isfinite(value)],
            "shard",
        )
        yield from _lanes(now.lanes)
        yield from _models(now.status)


def _lanes(lanes: Mapping[str, LaneStatus]) -> Iterator[Metric]:
    for name, what in (
        ("running", "Requests in progress."),
        ("waiting", "Requests in the queue."),
        ("workers", "Requests that can be served at once."),
        ("queue", "Places in the queue."),
    ):
        values = [((lane,), getattr(status, name)) for lane, status in lanes.items()]
        yield _gauge(f"lane_{name}", what, values, "lane")


def _models(status: ServiceStatus) -> Iterator[Metric]:
    slots = status.slots
    states = [((slot.slot, state), slot.state is state) for slot in slots for state in State]
    yield _gauge("model_state", "1 for the state that a model is in.", states, "slot", "state")
    memory = [((slot.slot,), slot.memory) for slot in slots]
    yield _gauge("model_memory_bytes", "Memory that a model takes.", memory, "slot")
    figures: Mapping[str, float] = next((slot.figures for slot in slots if slot.figures), {})
    for name, figure, what in (
        ("batch_texts", "running", "Texts that are being written."),
        ("batch_waiting", "waiting", "Texts that wait for room in the batch."),
        ("kv_tokens", "kv_tokens", "Tokens that the cache has room for now."),
        ("kv_tokens_limit", "kv_limit", "Tokens that the cache may have room for."),
        ("kv_bytes", "kv_bytes", "Memory that the cache takes."),
        ("kept_tokens", "kept_tokens", "Tokens of earlier texts that are kept in the cache."),
    ):
        yield _gauge(name, what, [((), figures[figure])] if figure in figures else [])
    for name, figure, what in (
        (
            "recomputed_tokens",
            "recomputed",
            "Tokens computed again because rounding could have decided them.",
        ),
        ("reused_tokens", "reused", "Prompt tokens that were in the cache and not read again."),
        ("guessed_tokens", "guessed", "Tokens that were guessed correctly and checked together."),
    ):
        family = CounterMetricFamily(f"tokenwise_{name}", what)
        if figure in figures:
            family.add_metric((), figures[figure])
        yield family


def _gauge(name: str, what: str, values: Iterable[tuple[Sequence[str], float]], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"tokenwise_{name}", what, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family
