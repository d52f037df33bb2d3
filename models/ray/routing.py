"""Which replica writes a text: the one that wrote the person's previous one, as long as it is not busier than others.

That replica may still hold what it read for them (`models.language.prefixes`), so it does not read it again.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from typing import Any

from ray.serve.request_router import LocalityMixin, PendingRequest, ReplicaID, RequestRouter, RunningReplica

from models.service import Generate

REMEMBERED = 10_000
"""People whose last replica is remembered. Replicas forget much sooner what they read."""
MARGIN = 2
"""Requests by which the previous replica may be busier than another one."""


class PreferPrevious(LocalityMixin, RequestRouter):  # type: ignore[misc]
    """The router of a handle in one bot process. Other requests go to the less busy of two random replicas."""

    def initialize_state(self, ongoing: int) -> None:
        """`ongoing` is the number of texts that a replica writes at once."""
        self._ongoing = ongoing
        self._previous: OrderedDict[int, ReplicaID] = OrderedDict()

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        ids = self.apply_locality_routing(pending_request=pending_request)
        candidates = [replica for replica in candidate_replicas if replica.replica_id in ids]
        chosen = [random.sample(candidates, min(2, len(candidates)))]
        previous = self._previous.get(_user(pending_request))
        if previous in ids and self._has_room(previous, candidates):
            chosen.insert(0, [self.curr_replicas[previous]])
        return chosen

    def on_request_routed(self, pending_request: PendingRequest, replica_id: ReplicaID, _result: Any) -> None:
        if user := _user(pending_request):
            self._previous[user] = replica_id
            self._previous.move_to_end(user)
            if len(self._previous) > REMEMBERED:
                self._previous.popitem(last=False)

    def _has_room(self, previous: ReplicaID, candidates: list[RunningReplica]) -> bool:
        # Replicas with unknown queues have had no requests from here lately.
        lengths = {
            one.replica_id: self.replica_queue_len_cache.get(one.replica_id) or 0 for one in candidates
        }
        return lengths[previous] < min(self._ongoing, min(lengths.values()) + MARGIN + 1)


def _user(pending: PendingRequest | None) -> int:
    """Who asks for a text; 0 for any other request."""
    request = pending.args[0] if pending and pending.args else None
    return request.caller.user if isinstance(request, Generate) else 0
