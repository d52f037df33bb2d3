"""Other engines beside ours: asked as their programs answer, and left out of the table where they are not there."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench import beside
from bench.beside import NotInstalled, Peer, Situation, Speed

PROGRAM = """
import sys
from serving import serve

def load(folder, precision, scratch):
    if precision == "int4":
        raise SystemExit("no such precision")
    print("loading", folder)

    def generate(prompts, count, on_token):
        print("noise of a library")
        for step in range(count):
            for number, ids in enumerate(prompts):
                on_token(number, ids[0] + step)

    return f"fake, {precision}", generate

serve(load)
"""


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which one engine is installed."""
    (tmp_path / "fake.py").write_text(PROGRAM)
    (tmp_path / "serving.py").write_text((beside.PROGRAMS / "serving.py").read_text())
    environment = tmp_path / "fake" / "bin"
    environment.mkdir(parents=True)
    (environment / "python").symlink_to(sys.executable)
    monkeypatch.setattr(beside, "PROGRAMS", tmp_path)
    monkeypatch.setattr(beside, "PEERS", {"fake": "fake.py", "other": "other.py"})
    return tmp_path


def test_a_peer_answers_in_its_own_process(peers: Path, tmp_path: Path) -> None:
    peer = Peer(peers, "fake", tmp_path, "int8", tmp_path / "scratch")
    assert peer.name == "fake, int8"
    for _ in range(2):
        times = peer.ask([[1, 2], [3]], 4)
        assert [len(row) for row in times] == [4, 4]
        assert all(row == sorted(row) for row in times)
    peer.close()


def test_what_is_not_installed_or_cannot_load_says_why(peers: Path, tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="not installed"):
        Peer(peers, "other", tmp_path, "int8", tmp_path / "scratch")
    with pytest.raises(NotInstalled, match="no such precision"):
        Peer(peers, "fake", tmp_path, "int4", tmp_path / "scratch")


def test_speed_with_and_without_the_prompts() -> None:
    speed = Speed.of([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])
    assert speed == Speed(whole=6 / 4, writing=3 / 2, last_first=2.0)


def test_the_table_has_everybody_and_the_limit() -> None:
    one, eight = Situation(1, 24, 32), Situation(8, 24, 32)
    out = StringIO()
    speeds = {
        ("ours", one): Speed(10, 12, 0.5),
        ("ours", eight): Speed(40, 50, 2),
        ("theirs", one): Speed(9, 9, 1),
    }
    beside.report(
        speeds, [one, eight], {"int8": 20.0}, {"vllm": "not installed"}, Console(file=out, width=160)
    )
    text = out.getvalue()
    for part in ("ours", "10.0 (12.0), 0.50", "40.0 (50.0), 2.00", "theirs", "20.0", "vllm", "not installed"):
        assert part in text


def test_one_that_dies_is_left_out() -> None:
    def dies(*_: object) -> list[list[float]]:
        raise NotInstalled("it ended")

    out = StringIO()
    ways: dict[str, beside.Ask] = {
        "dies": dies,
        "lives": lambda prompts, count: [[1.0] * count for _ in prompts],
    }
    best = beside.measure(ways, {Situation(1, 2, 3): [[1, 2]]}, 2, Console(file=out))
    assert {name for name, _ in best} == {"lives"}
    assert "dies: it ended" in out.getvalue()
