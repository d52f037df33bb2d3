"""What every test needs, whichever folder it is in."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from cluster import postgresql
from tests.postgresql import Cluster
from tests.skips import pytest_terminal_summary as pytest_terminal_summary  # noqa: PLC0414 - a hook, by its name

# Tests run in as many processes as there are cores. With a thread for each core in each of them, threads that spin while
# they wait keep those that work off the cores: sixty times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says more about what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for this process, in a folder that the account it runs as can reach."""
    if reason := postgresql.why_not():
        pytest.skip(reason)
    with postgresql.reachable_folder() as folder, postgresql.running(server := Cluster(folder)):
        yield server


@pytest.fixture(autouse=True)
def torch_threads() -> Iterator[None]:
    """Serving models sets the number of torch's threads for the process, and results depend on it in the last bit."""
    torch = sys.modules.get("torch")
    # A bot may be importing it on another thread.
    before: int = torch.get_num_threads() if torch and hasattr(torch, "set_num_threads") else 0
    yield
    if before and torch is not None and torch.get_num_threads() != before:
        torch.set_num_threads(before)
