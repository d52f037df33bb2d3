"""The choice between ways to keep weights: the fastest that is slower at nothing, found out once for a processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from models import kernels
from models.files import kept
from models.kernels import PLAIN, ROWS, Choice, best, choose, measure
from models.packed import BFloat16, Float16, Int8, Int8OfTorch, Packed
from tests.models import tiny

NAMES: dict[str, type[Packed]] = {"float16 fbgemm": Float16, "bfloat16 oneDNN": BFloat16}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model whose weights are worth a measurement here, in float32."""
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    monkeypatch.setattr(kernels, "_CACHE", 1 << 12)
    monkeypatch.setattr(kernels, "works", lambda _: True)
    return AutoModelForCausalLM.from_pretrained(tiny.phi(tmp_path / "phi"), dtype=torch.float32).eval()


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Measurements are made up; the list gets what each was asked for."""
    asked: list[list[str]] = []

    def answer(_: object, kinds: list[type[Packed]]) -> dict[str, kernels.Seconds]:
        names = [f"{kind.name} {kind.library}" for kind in kinds]
        asked.append(names)
        times: dict[str, kernels.Seconds] = {"plain": (4.0, 4.0, 4.0)}
        return times | dict.fromkeys(names, (1.0, 2.0, 4.0))

    monkeypatch.setattr(kernels, "measure", answer)
    return asked


@pytest.mark.parametrize(
    ("float16", "bfloat16", "kind"),
    [
        ((5.0, 9.0, 90.0), (6.0, 9.0, 90.0), Float16),
        ((5.0, 19.0, 90.0), (6.0, 6.0, 90.0), BFloat16),
        ((5.0, 22.0, 90.0), (6.0, 6.0, 120.0), None),
        ((9.9, 20.2, 99.0), (10.3, 19.0, 99.0), None),
        ((12.0, 2.0, 20.0), (9.0, 18.0, 90.0), BFloat16),
    ],
)
def test_the_fastest_that_is_slower_at_nothing(
    float16: kernels.Seconds, bfloat16: kernels.Seconds, kind: type[Packed] | None
) -> None:
    times = {"plain": (10.0, 20.0, 100.0), "float16 fbgemm": float16, "bfloat16 oneDNN": bfloat16}
    found = best(times, NAMES)
    assert found.kind is kind
    if kind is not None:
        winner = float16 if kind is Float16 else bfloat16
        assert found.gains == pytest.approx((10 / winner[0], 20 / winner[1]))
        assert f"{10 / winner[0]:.1f} times as fast for one text" in found.detail


def test_what_is_asked_for_is_chosen_even_if_it_is_slower() -> None:
    kinds: dict[str, type[Packed]] = {"int8 fbgemm": Int8, "int8 torch": Int8OfTorch}
    times = {"plain": (1.0, 1.0, 1.0), "int8 fbgemm": (3.0, 3.0, 3.0), "int8 torch": (2.0, 5.0, 9.0)}
    assert best(times, kinds, required=True).kind is Int8
    assert best(times, kinds) == PLAIN


@pytest.mark.parametrize(
    ("half", "dtype", "int8", "asked"),
    [
        (False, "auto", False, [Float16]),
        (True, "auto", False, [Float16, BFloat16]),
        (True, "bfloat16", False, [BFloat16]),
        (True, "bfloat16", True, [Int8, Int8OfTorch]),
        (True, "auto", True, [Int8, Int8OfTorch]),
    ],
)
def test_the_settings_say_what_is_tried(
    small: Any, timed: list[list[str]], half: bool, dtype: str, int8: bool, asked: list[type[Packed]]
) -> None:
    model = small.bfloat16() if half else small
    choice = choose(model, dtype, int8=int8)
    assert timed == [[f"{kind.name} {kind.library}" for kind in asked]]
    assert choice == Choice(asked[0], (4.0, 2.0))


def test_float32_is_left_alone(small: Any, timed: list[list[str]]) -> None:
    assert choose(small, "float32", int8=False) == PLAIN
    assert not timed


def test_where_there_is_no_choice_nothing_is_measured(small: Any, timed: list[list[str]]) -> None:
    assert choose(small.half(), "float16", int8=False) == Choice(Float16)
    assert choose(small.float(), "auto", int8=True) == Choice(Int8)
    assert not timed


def test_small_models_stay_as_they_are(
    small: Any, timed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 20_000_000)
    assert choose(small, "auto", int8=False) == PLAIN
    assert not timed


def test_a_second_start_does_not_measure(small: Any, timed: list[list[str]], tmp_path: Path) -> None:
    first = choose(small, "auto", int8=False, folder=tmp_path)
    assert choose(small, "auto", int8=False, folder=tmp_path) == first
    assert len(timed) == 1


def test_another_processor_or_another_model_measures(
    small: Any, timed: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(small, "auto", int8=False, folder=tmp_path)
    monkeypatch.setattr(kernels, "processor", lambda: "another")
    choose(small, "auto", int8=False, folder=tmp_path)
    larger = AutoModelForCausalLM.from_pretrained(tiny.gpt2(tmp_path / "gpt2", n_embd=64)).eval()
    choose(larger, "auto", int8=False, folder=tmp_path)
    assert len(timed) == 3
    monkeypatch.undo()


@pytest.mark.parametrize(
    "damage",
    [
        lambda times: times.pop("plain"),
        lambda times: times.update({"float16 fbgemm": [1.0]}),
        lambda times: times.update({"float16 fbgemm": [1.0, -1.0, 1.0]}),
        lambda times: times.update({"float16 fbgemm": "fast"}),
        lambda times: times.update({"abacus": [1.0, 1.0, 1.0]}),
    ],
)
def test_what_does_not_hold_is_measured_again(
    small: Any, timed: list[list[str]], tmp_path: Path, damage: Any
) -> None:
    choose(small, "auto", int8=False, folder=tmp_path)
    file = tmp_path / "kernels.json"
    content = kept.read_json(file)
    assert content
    for times in content.values():
        damage(times)
    kept.write_json(file, content)
    assert choose(small, "auto", int8=False, folder=tmp_path).kind is Float16
    file.write_text("[")
    assert choose(small, "auto", int8=False, folder=tmp_path).kind is Float16
    assert len(timed) == 3


def test_a_disk_that_takes_nothing_does_no_harm(small: Any, timed: list[list[str]], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert choose(small, "auto", int8=False, folder=blocked / "folder").kind is Float16
    assert timed


def test_few_choices_are_kept(small: Any, timed: list[list[str]], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(kernels, "_REMEMBERED", 3)
    for number in range(5):
        monkeypatch.setattr(kernels, "processor", lambda number=number: str(number))
        choose(small, "auto", int8=False, folder=tmp_path)
    assert len(kept.read_json(tmp_path / "kernels.json") or ()) == 3
    choose(small, "auto", int8=False, folder=tmp_path)
    assert len(timed) == 5


@pytest.mark.skipif(not kernels.works(Float16), reason="not on this CPU")
def test_a_measurement_has_a_time_for_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_CACHE", 1 << 12)
    model = AutoModelForCausalLM.from_pretrained(tiny.gpt2(tmp_path / "gpt2"), dtype=torch.float32).eval()
    times = measure(model, [Float16, Int8])
    assert times.keys() == {"plain", "float16 fbgemm", "int8 fbgemm"}
    assert all(len(each) == len(ROWS) and min(each) > 0 for each in times.values())


@pytest.mark.skipif(not kernels.works(Float16), reason="not on this CPU")
def test_a_kernel_that_is_off_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Float16):
        library = "broken"

        def product(self, states: torch.Tensor) -> torch.Tensor:
            return super().product(states) * 1.1

    monkeypatch.setattr(kernels, "_CACHE", 1 << 12)
    model = AutoModelForCausalLM.from_pretrained(tiny.phi(tmp_path / "phi"), dtype=torch.float32).eval()
    assert measure(model, [Broken, Float16]).keys() == {"plain", "float16 fbgemm"}
    assert "of broken is off by" in caplog.text


@pytest.mark.parametrize("required", [False, True])
def test_a_kernel_that_was_left_out_is_not_chosen(required: bool) -> None:
    kinds: dict[str, type[Packed]] = {"float16 fbgemm": Float16, "bfloat16 oneDNN": BFloat16}
    times = {"plain": (1.0,) * 3, "bfloat16 oneDNN": (0.5,) * 3}
    assert best(times, kinds, required=required).kind is BFloat16
    assert best({"plain": (1.0,) * 3}, kinds, required=required) == PLAIN


def test_a_format_that_is_missing_is_not_tried() -> None:
    class Missing(Float16):
        def __init__(self, *_: object) -> None:
            raise RuntimeError("no such kernel")

    assert not kernels.works(Missing)


def test_the_processor_has_a_name() -> None:
    assert kernels.processor()
