"""Discord's rate limits: a bucket per route and major parameters, a global limit, and a ban for offending clients."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sandbox.clock import Clock

MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token")
"""Route parameters for which every value has its own bucket."""

KEPT_BUCKETS = 1000
"""Above this number, buckets whose window has passed are dropped: every interaction adds its own."""

Rate = tuple[int, float]
"""A number of requests, and the seconds in which they are allowed."""

RATES: Mapping[str, Rate] = MappingProxyType(
    {
        "POST /channels/{channel_id}/messages": (5, 5.0),
        "PATCH /channels/{channel_id}/messages/{message_id}": (5, 5.0),
        "POST /webhooks/{webhook_id}/{webhook_token}": (5, 2.0),
        "GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": (5, 2.0),
        "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": (5, 2.0),
        "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": (5, 2.0),
        "PUT /applications/{application_id}/commands": (5, 20.0),
        "PUT /applications/{application_id}/guilds/{guild_id}/commands": (5, 20.0),
    }
)
"""Discord publishes no figures: these are of the order that clients see in its headers."""


@dataclass(frozen=True)
class Limits:
    """What the sandbox allows. Times in seconds, sizes in bytes; the defaults are Discord's."""

    rates: Mapping[str, Rate] = field(default_factory=lambda: RATES)
    """By `METHOD /route`; other routes have `default_rate`."""
    default_rate: Rate | None = (50, 1.0)
    global_rate: Rate | None = (50, 1.0)
    """For all routes with authorization together; interaction endpoints do not count, as with Discord."""
    invalid_rate: Rate = (10_000, 600.0)
    """This many answers of 401, 403 or 429 in this many seconds ban the address for the rest of the window."""
    answer_seconds: float = 3.0
    """From an interaction to its first answer."""
    token_seconds: float = 900.0
    """How long an interaction's token is valid."""
    attachment_bytes: int = 10 * 1024 * 1024
    gateway_rate: Rate = (120, 60.0)
    heartbeat_seconds: float = 41.25
    identify_seconds: float = 5.0
    """Between two sessions that shards of the same remainder begin, where `max_concurrency` is enforced."""
    daily_commands: int = 200
    """Commands that may be created per day and guild."""

    @classmethod
    def without_rates(cls) -> Limits:
        """All limits except the rate limits: for tests that must not wait for a bucket."""
        return cls(rates={}, default_rate=None, global_rate=None)


@dataclass(frozen=True)
class Verdict:
    """Whether a request may pass, and the headers that describe its bucket."""

    headers: Mapping[str, str]
    retry_after: float | None = None
    """Seconds; None if the request may pass."""
    everywhere: bool = False
    banned: bool = False


class _Window:
    """A fixed window that starts with its first request."""

    def __init__(self, rate: Rate) -> None:
        self.limit, self.per = rate
        self.opened = 0.0
        self.used = 0

    def take(self, now: float) -> bool:
        if now >= self.opened + self.per:
            self.opened, self.used = now, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def left(self, now: float) -> float:
        """Seconds until the window closes, rounded up to milliseconds so that it is closed after this wait."""
        return max(math.ceil((self.opened + self.per - now) * 1000), 1) / 1000


class RateLimiter:
    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._buckets: dict[tuple[str, tuple[str, ...]], _Window] = {}
        self._global = _Window(limits.global_rate) if limits.global_rate else None
        self._invalid: deque[float] = deque()

    @property
    def invalid(self) -> int:
        """Invalid requests (answered 401, 403 or 429) that still count towards a ban."""
        count, per = self._limits.invalid_rate
        while self._invalid and self._invalid[0] <= self._clock.time() - per:
            self._invalid.popleft()
        return min(len(self._invalid), count)

    def note(self, status: int) -> None:
        # Requests during a ban do not prolong it, so that the announced wait holds.
        if status in {401, 403, 429} and self.invalid < self._limits.invalid_rate[0]:
            self._invalid.append(self._clock.time())

    def ask(self, method: str, route: str, parameters: Mapping[str, str], *, authorized: bool) -> Verdict:
        """Count a request against its bucket and, if it needs authorization, against the global limit."""
        now = self._clock.time()
        if self.invalid >= self._limits.invalid_rate[0]:
            return Verdict({}, self._invalid[0] + self._limits.invalid_rate[1] - now, banned=True)
        if authorized and self._global is not None and not self._global.take(now):
            wait = self._global.left(now)
            return Verdict(
                {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, wait, everywhere=True
            )
        name = f"{method} {route}"
        rate = self._limits.rates.get(name, self._limits.default_rate)
        if rate is None:
            return Verdict({})
        major = tuple(parameters[key] for key in MAJOR if key in parameters)
        if len(self._buckets) > KEPT_BUCKETS:
            self._buckets = {
                key: bucket for key, bucket in self._buckets.items() if now < bucket.opened + bucket.per
            }
        bucket = self._buckets.setdefault((name, major), _Window(rate))
        passed = bucket.take(now)
        wait = bucket.left(now)
        headers = {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(bucket.limit - bucket.used),
            "X-RateLimit-Reset": f"{now + wait:.3f}",
            "X-RateLimit-Reset-After": f"{wait:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(name.encode()).hexdigest()[:32],
        }
        if passed:
            return Verdict(headers)
        return Verdict(headers | {"X-RateLimit-Scope": "user"}, wait)
