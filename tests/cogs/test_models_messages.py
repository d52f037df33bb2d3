"""Any state of the models is shown within Discord's limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import texts
from cogs.models import messages
from cogs.shared.reply import Reply
from models.results import SlotStatus, State
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
