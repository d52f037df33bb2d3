"""Any state of the models is shown within Discord's limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import texts
from cogs.models import messages
from cogs.shared.reply import Reply
from models.results import ReplicaStatus, SlotStatus, State
from models.service import LoadProgress, ServiceStatus
from tests.cogs.drawing import obeys


@given(
    st.lists(
        st.builds(
            SlotStatus,
            st.text(max_size=20),
            st.text(max_size=300),
            st.sampled_from(State),
            detail=st.text(max_size=2000),
            memory=st.integers(0, 10**13),
        ),
        max_size=30,
    )
)
def test_any_status_keeps_to_discords_limits(slots: list[SlotStatus]) -> None:
    obeys(Reply(embed=messages.statuses(ServiceStatus(tuple(slots), {}))))
    for slot in slots:
        obeys(Reply(messages.not_loaded(slot.slot, slot.detail, serving=slot.state is State.READY)))
        obeys(Reply(messages.loading(slot.slot, LoadProgress(slot.detail, 0.3, serving=True), 1)))


def test_memory_is_readable() -> None:
    assert [texts.size(n) for n in (999, 14_500_000, 2_840_000_000)] == [
        "999 Bytes",
        "14.5 MB",
        "2.84 GB",
    ]


def test_copies_on_other_machines_are_listed_as_far_as_there_is_room() -> None:
    replicas = tuple(
        ReplicaStatus(f"r{number}", f"{number:08x}", 12, State.READY, 554_000_000, number)
        for number in range(1000)
    )
    slots = [
        SlotStatus(slot, "a" * 200, State.READY, detail="b" * 400, generation=12, replicas=replicas)
        for slot in ("language", "tokenizers", "encoder", "words", "songs")
    ]
    embed = messages.statuses(ServiceStatus(tuple(slots), {}))
    obeys(Reply(embed=embed))
    lines = (embed.fields[0].value or "").splitlines()
    assert lines[2] == "-# version 12 on `00000000`: ready, 554 MB, 0 running"
    assert lines[-1] == "-# and 996 more replicas"
