"""The hub: loading beside a model that serves, exchanging, failing, leasing, waiting, closing."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from models import hub as hub_module
from models import memory
from models.failures import BadInput, ModelError, NotDownloaded, NotReady, NotThere
from models.hub import Hub
from models.progress import Progress
from models.results import SlotStatus, State
from models.specs import LanguageSpec, TokenizersSpec, WordsSpec

SPEC = WordsSpec("vectors")


@dataclass(eq=False)
class Model:
    name: str = "a model"
    memory: int = 7
    device: str = "cpu"
    dtype: str = "float32"
    detail: str = "It is one."
    broken: bool = False

    def probe(self) -> None:
        if self.broken:
            raise ModelError("It does not work.")


def hub(make: Callable[[Any, Progress | None], Any] = lambda _spec, _progress: Model()) -> Hub:
    return Hub({"words": SPEC}, {"words": make})


def status(of: Hub) -> SlotStatus:
    return of.status("words")[0]


def refuse(_spec: Any, _progress: Any) -> Any:
    raise NotThere("It is not here.")


def test_before_anything_is_loaded() -> None:
    made = hub()
    assert made.slots == ["words"]
    assert status(made).state is State.EMPTY
    assert status(made).name == "vectors"
    with pytest.raises(NotReady, match="not loaded"), made.lease("words"):
        pass
    with pytest.raises(NotReady):
        made.wait("words", 0)


def test_a_slot_that_there_is_not() -> None:
    made = hub()
    for ask in (
        made.load,
        made.status,
        lambda slot: made.wait(slot, 0),
        lambda slot: made.lease(slot).__enter__(),
    ):
        with pytest.raises(BadInput, match="words"):
            ask("wrods")


def test_loading_fills_the_slot_and_says_so() -> None:
    told: list[tuple[str, float | None]] = []

    def make(spec: Any, progress: Progress | None) -> Model:
        assert spec is SPEC
        assert progress is not None
        progress("reading", 0.5)
        return Model()

    made = hub(make)
    heard: list[State] = []
    made.listen(lambda slot, it: heard.append(it.state) if slot == "words" else None)
    found = made.load("words", lambda what, share: told.append((what, share)))
    assert told[0] == ("reading", 0.5)
    assert heard == [State.LOADING, State.READY]
    assert found == status(made)
    assert (found.state, found.name, found.memory, found.generation) == (State.READY, "a model", 7, 1)
    assert found.load_seconds >= 0
    made.wait("words", 0)
    with made.lease("words") as model:
        assert model.name == "a model"
        assert status(made).leases == 1
    assert status(made).leases == 0


def test_a_listener_that_fails_is_no_failed_load(caplog: pytest.LogCaptureFixture) -> None:
    made = hub()
    made.listen(lambda _slot, _status: 1 / 0)
    assert made.load("words").state is State.READY
    assert "listener" in caplog.text


def test_a_load_that_fails_is_a_failed_slot() -> None:
    made = hub(refuse)
    with pytest.raises(NotThere, match="not here"):
        made.load("words")
    assert status(made).state is State.FAILED
    assert status(made).detail == "It is not here."
    with pytest.raises(NotReady, match="It is not here"):
        made.wait("words", 5)
    with pytest.raises(NotReady, match="It is not here"), made.lease("words"):
        pass


def test_a_model_that_fails_its_probe_never_serves() -> None:
    models = iter([Model("old"), Model("new", broken=True)])
    made = hub(lambda _spec, _progress: next(models))
    made.load("words")
    with pytest.raises(ModelError, match="does not work"):
        made.load("words")
    found = status(made)
    assert (found.state, found.name, found.generation) == (State.READY, "old", 1)
    assert "does not work" in found.detail
    with made.lease("words") as model:
        assert model.name == "old"


def test_an_unforeseen_failure_is_a_sentence_too() -> None:
    def make(_spec: Any, _progress: Any) -> Any:
        raise ZeroDivisionError("at /some/path")

    made = hub(make)
    with pytest.raises(ModelError, match="vectors could not be loaded") as caught:
        made.load("words")
    assert "/" not in str(caught.value)
    assert status(made).state is State.FAILED


def test_a_failed_slot_keeps_the_hint_apart_and_nothing_of_what_was_loaded() -> None:
    read: list[weakref.ref[Model]] = []

    def make(_spec: Any, _progress: Any) -> Any:
        half = Model()
        read.append(weakref.ref(half))
        raise NotDownloaded("vectors", "python -m bot fetch words")

    made = hub(make)
    with pytest.raises(NotDownloaded):
        made.load("words")
    assert read[0]() is None
    failure = status(made).failure
    assert failure is not None
    assert failure.sentence == "vectors is not on this machine yet."
    assert failure.hint == "“python -m bot fetch words” downloads it."
    with pytest.raises(NotReady) as caught, made.lease("words"):
        pass
    travelled = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert travelled.sentence == "vectors is not available. vectors is not on this machine yet."
    assert travelled.hint == failure.hint
    assert str(travelled) == str(caught.value) == f"{travelled.sentence} {failure.hint}"


def test_an_interrupted_load_leaves_the_slot_usable() -> None:
    def make(_spec: Any, _progress: Any) -> Any:
        raise KeyboardInterrupt

    made = hub(make)
    with pytest.raises(KeyboardInterrupt):
        made.load("words")
    assert status(made).state is State.FAILED
    made._loaders["words"] = lambda _spec, _progress: Model()
    assert made.load("words").state is State.READY


def test_another_spec_stays_only_if_it_works() -> None:
    def make(spec: Any, _progress: Any) -> Model:
        return refuse(spec, None) if spec.name == "bad" else Model(spec.name)

    made = hub(make)
    made.load("words", spec=WordsSpec("good"))
    with pytest.raises(NotThere):
        made.load("words", spec=WordsSpec("bad"))
    assert made.load("words").name == "good"


def test_the_old_model_serves_to_the_end_of_its_lease_and_is_gone_then() -> None:
    loads = iter(["old", "new"])
    made = hub(lambda _spec, _progress: Model(next(loads)))
    made.load("words")
    with made.lease("words") as model:
        old = weakref.ref(model)
        assert made.load("words").name == "new"
        assert status(made).leases == 0
        with made.lease("words") as other:
            assert other.name == "new"
        assert model.name == "old"
        del model, other
        assert old() is not None
    assert old() is None
    assert status(made).generation == 2


def test_a_model_that_nobody_uses_is_gone_at_the_exchange() -> None:
    made = hub(lambda _spec, _progress: Model())
    made.load("words")
    with made.lease("words") as model:
        old = weakref.ref(model)
    del model
    made.load("words")
    assert old() is None


def test_who_waits_for_a_turn_gets_the_model_that_was_there_when_they_came() -> None:
    loads = iter(["old", "new"])
    made = hub(lambda _spec, _progress: Model(next(loads)))
    made.load("words")

    def use() -> str:
        with made.lease("words") as model:
            name: str = model.name
            return name

    with ThreadPoolExecutor(1) as pool:
        with made.lease("words"):
            waiting = pool.submit(use)
            while status(made).leases < 2:
                time.sleep(0.001)
            made.load("words")
        assert waiting.result(5) == "old"
        assert pool.submit(use).result(5) == "new"


def test_one_thread_at_a_time() -> None:
    made = hub()
    made.load("words")
    inside = 0
    most = 0
    gate = threading.Lock()

    def use() -> None:
        nonlocal inside, most
        for _ in range(50):
            with made.lease("words"):
                with gate:
                    inside += 1
                    most = max(most, inside)
                with gate:
                    inside -= 1

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(use) for _ in range(8)]:
            done.result(20)
    assert most == 1
    assert status(made).leases == 0


def test_a_concurrent_model_serves_several_threads_at_once() -> None:
    class Several(Model):
        concurrent = True

    made = hub(lambda _spec, _progress: Several())
    made.load("words")
    together = threading.Barrier(3, timeout=10)

    def use() -> None:
        with made.lease("words"):
            together.wait()

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(use) for _ in range(3)]:
            done.result(20)
    assert status(made).leases == 0


def test_an_error_inside_a_lease_ends_it() -> None:
    made = hub()
    made.load("words")
    with pytest.raises(ZeroDivisionError), made.lease("words"):
        raise ZeroDivisionError
    with made.lease("words"):
        assert status(made).leases == 1


def test_two_loads_at_once_are_one_too_many_and_status_never_waits() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make(_spec: Any, _progress: Any) -> Model:
        begun.set()
        assert go_on.wait(5)
        return Model()

    made = hub(make)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(made.load, "words")
        assert begun.wait(5)
        assert status(made).state is State.LOADING
        with pytest.raises(NotReady, match="already"):
            made.load("words")
        with pytest.raises(NotReady, match="still loading"), made.lease("words"):
            pass
        with pytest.raises(NotReady, match="still loading"):
            made.wait("words", 0.01)
        waiting = pool.submit(made.wait, "words", 5)
        go_on.set()
        assert first.result(5).state is State.READY
        waiting.result(5)
        begun.clear()
        go_on.clear()
        second = pool.submit(made.load, "words")
        assert begun.wait(5)
        assert status(made).state is State.READY
        assert "while a new one loads" in status(made).detail
        with made.lease("words"):
            pass
        go_on.set()
        assert second.result(5).generation == 2


def test_closing() -> None:
    made = hub()
    made.load("words")
    with made.lease("words") as model:
        alive = weakref.ref(model)
        made.close()
        assert model.name == "a model"
        assert status(made).state is State.EMPTY
        del model
    assert alive() is None
    for ask in (lambda: made.load("words"), lambda: made.wait("words", 5), made.lease("words").__enter__):
        with pytest.raises(NotReady, match="shutting down"):
            ask()


def test_a_load_that_ends_after_closing_is_thrown_away() -> None:
    begun, go_on = threading.Event(), threading.Event()
    made_models: list[weakref.ref[Model]] = []

    def make(_spec: Any, _progress: Any) -> Model:
        begun.set()
        assert go_on.wait(5)
        model = Model()
        made_models.append(weakref.ref(model))
        return model

    made = hub(make)
    with ThreadPoolExecutor(2) as pool:
        load = pool.submit(made.load, "words")
        waiting = pool.submit(made.wait, "words", 5)
        assert begun.wait(5)
        made.close()
        with pytest.raises(NotReady):
            waiting.result(5)
        go_on.set()
        with pytest.raises(NotReady):
            load.result(5)
    del load
    assert made_models[0]() is None
    assert status(made).state is not State.READY


def test_the_usual_loaders(four: dict[str, Path]) -> None:
    made = Hub({"tokenizers": TokenizersSpec((str(four["bytes"]),))})
    found = made.load("tokenizers")
    assert found.name == "bytes"
    with made.lease("tokenizers") as tokenizers:
        assert tokenizers.compare("a word")[0].count > 0


def test_importing_the_hub_imports_no_model() -> None:
    heavy = ("torch", "transformers", "gensim", "pandas", "numpy")
    program = f"import sys, models.hub; print([it for it in {heavy!r} if it in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"


# Two that do not fit -----------------------------------------------------------------------------------------


def crowded(make: Callable[[Any, Progress | None], Any]) -> Hub:
    return Hub({"words": SPEC}, {"words": make}, fits=lambda _spec, _there: False)


def test_a_reload_tells_the_memory_before_and_after() -> None:
    sizes = iter([7, 9])
    made = hub(lambda _spec, _progress: Model(memory=next(sizes)))
    first = made.reload("words")
    second = made.reload("words")
    assert (first.before.models, first.after.models) == (0, 7)
    assert (second.before.models, second.after.models) == (7, 9)
    assert second.status == status(made)
    assert not second.drained
    assert min(it.process for it in (second.before, second.after)) > 1_000_000


def test_where_two_do_not_fit_the_old_one_goes_first() -> None:
    alive: list[weakref.ref[Model]] = []

    def make(_spec: Any, _progress: Any) -> Model:
        assert not any(it() for it in alive), "the old one is still in memory"
        model = Model()
        alive.append(weakref.ref(model))
        return model

    made = crowded(make)
    assert not made.reload("words").drained
    found = made.reload("words")
    assert found.drained
    assert (found.status.state, found.status.generation) == (State.READY, 2)


def test_draining_lets_running_jobs_end_and_begins_no_new_ones() -> None:
    loads = iter(["old", "new"])
    made = crowded(lambda _spec, _progress: Model(next(loads)))
    made.load("words")
    told: list[str] = []
    waiting = threading.Event()

    def progress(what: str, _share: float | None) -> None:
        told.append(what)
        waiting.set()

    with ThreadPoolExecutor(1) as pool:
        with made.lease("words") as model:
            reload = pool.submit(made.reload, "words", progress)
            assert waiting.wait(5)
            assert told[0].startswith("waiting for 1 request to finish")
            assert status(made).state is State.LOADING
            assert "do not fit" in status(made).detail
            with pytest.raises(NotReady, match="still loading"), made.lease("words"):
                pass
            assert model.name == "old"
            del model
        assert reload.result(5).drained
    with made.lease("words") as model:
        assert model.name == "new"


def test_if_the_new_one_fails_the_old_one_is_loaded_again() -> None:
    tries: list[str] = []

    def make(spec: Any, _progress: Any) -> Model:
        tries.append(spec.name)
        return refuse(spec, None) if spec.name == "bad" else Model(spec.name)

    made = crowded(make)
    made.load("words", spec=WordsSpec("good"))
    with pytest.raises(NotThere, match="not here"):
        made.load("words", spec=WordsSpec("bad"))
    assert tries == ["good", "bad", "good"]
    assert (status(made).state, status(made).name, status(made).generation) == (State.READY, "good", 2)
    assert "It is not here" in status(made).detail
    with made.lease("words") as model:
        assert model.name == "good"


def test_if_neither_can_be_loaded_both_reasons_are_told() -> None:
    made = crowded(lambda _spec, _progress: Model())
    made.load("words")
    made._loaders["words"] = refuse
    with pytest.raises(
        ModelError, match=r"It is not here\. The previous model could not .* It is not here\."
    ):
        made.load("words", spec=WordsSpec("bad"))
    assert status(made).state is State.FAILED


def test_a_job_that_never_ends_keeps_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "DRAIN", 0.05)
    made = crowded(lambda _spec, _progress: Model())
    made.load("words")
    with ThreadPoolExecutor(1) as pool, made.lease("words"):
        with pytest.raises(ModelError, match="do not finish"):
            pool.submit(made.load, "words").result(10)
        assert status(made).state is State.READY
        assert status(made).generation == 1
    with made.lease("words"):
        pass


def test_closing_ends_a_wait_for_jobs() -> None:
    made = crowded(lambda _spec, _progress: Model())
    made.load("words")
    waiting = threading.Event()
    with ThreadPoolExecutor(1) as pool, made.lease("words"):
        reload = pool.submit(made.load, "words", lambda *_: waiting.set())
        assert waiting.wait(5)
        made.close()
        with pytest.raises(NotReady, match="shutting down"):
            reload.result(5)


def test_whether_two_fit_goes_by_the_weights_and_the_memory(
    phi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = LanguageSpec(str(phi), device="cpu")
    there = SlotStatus("language", "phi", State.READY, device="cpu", memory=10**12)
    device, size = spec.weight()
    assert device == "cpu"
    assert replace(spec, dtype="bfloat16").weight() == ("cpu", size // 2)
    asked: list[str] = []

    def free(room: int) -> None:
        def answer(device: str) -> int:
            asked.append(device)
            return room

        monkeypatch.setattr(memory, "free", answer)

    free(2 * size)
    assert hub_module._fits(spec, there)
    free(size)
    assert not hub_module._fits(spec, there)
    # Of what cannot be loaded nothing is known; the old one stays.
    assert hub_module._fits(LanguageSpec("/not/there"), there)
    # Of others it is known only what the one there takes.
    assert not hub_module._fits(SPEC, replace(there, memory=size))
    assert hub_module._fits(SPEC, replace(there, memory=size // 2))
    assert set(asked) == {"cpu"}


def test_what_loading_has_left_in_reserve_is_returned_once_all_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trimmed: list[int] = []
    monkeypatch.setattr(memory, "_in_libc", {"malloc_trim": trimmed.append}.get)
    monkeypatch.setattr(gc, "freeze", lambda: None)  # this process goes on with other tests
    memory.settle()
    assert trimmed == [0]


def test_free_memory_is_what_the_machine_or_the_container_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0 < memory.free("cpu") < 2**50
    paths = tmp_path / "memory.max", tmp_path / "memory.current"
    monkeypatch.setattr(memory, "_GROUPS", ((*paths, "inactive_file"),))
    unlimited = memory.free("cpu")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 30\n")
    paths[1].write_text("80\n")
    paths[0].write_text("max\n")
    assert memory.free("cpu") > 1000 or unlimited < 1000
    paths[0].write_text("100\n")
    assert memory.free("cpu") == 50
