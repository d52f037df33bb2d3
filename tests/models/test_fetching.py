"""Downloads: atomic, resumed, verified, and one sentence on failure."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from huggingface_hub import constants

import texts
from models.failures import ModelError, NotThere
from models.files import downloading, fetching, finding
from models.files.downloading import RemoteFile
from models.files.items import Item, Kind
from models.language.model import LanguageModel
from models.specs import EncoderSpec, LanguageSpec, SongsSpec, TokenizersSpec, WordsSpec
from models.tokenizers.tokenizer import Tokenizer
from models.words.vectors import WordVectors
from tests.models import serving

DATA = bytes(range(256)) * 4000


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(downloading, "PAUSE", 0.001)
    monkeypatch.setenv("GENSIM_DATA_DIR", str(tmp_path / "gensim"))


@pytest.fixture
def files() -> Iterator[tuple[serving.Files, str]]:
    server = serving.Files({"a/list.txt": DATA})
    with serving.serving(server) as address:
        yield server, address


def item(address: str, data_dir: Path) -> Item:
    return Item("songs", f"{address}/a/list.txt", Kind.FILE, data_dir=data_dir)


def failure(wanted: Item, *, update: bool = False) -> str:
    with pytest.raises(NotThere) as caught:
        fetching.fetch(wanted, update=update)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


def left(folder: Path) -> list[str]:
    return sorted(it.name for it in folder.rglob("*") if it.is_file())


# Files -----------------------------------------------------------------------------------------------------


def test_a_file_is_downloaded_once(files: tuple[serving.Files, str], tmp_path: Path) -> None:
    server, address = files
    told: list[tuple[str, int, int | None]] = []
    assert fetching.present(item(address, tmp_path)) is None
    found = fetching.fetch(item(address, tmp_path), lambda *it: told.append(it))
    assert found.path == finding.local(f"{address}/a/list.txt", tmp_path, slot="songs")
    assert (found.path.read_bytes(), found.downloaded) == (DATA, len(DATA))
    assert found.path.parent.name == "a"
    assert told[0] == ("list.txt", 0, len(DATA))
    assert told[-1] == ("list.txt", len(DATA), len(DATA))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert left(tmp_path) == ["list.txt"]
    again = fetching.fetch(item(address, tmp_path))
    assert again == fetching.Fetched(found.path, 0)
    assert len(server.seen) == 1


@pytest.mark.parametrize("mark", ["ETag", "Last-Modified"])
def test_what_breaks_off_is_gone_on_with(files: tuple[serving.Files, str], tmp_path: Path, mark: str) -> None:
    server, address = files
    server.headers = {mark: 'W/"1"' if mark == "ETag" else "Mon, 01 Jan 2024 00:00:00 GMT"}
    server.breaks = [300_000, 200_000, 0, 100_000]
    assert fetching.fetch(item(address, tmp_path)).path.read_bytes() == DATA
    starts = [int(it.partition("=")[2].strip("-") or 0) for it in server.sent()]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert starts[1] > 0
    assert len(starts) == 5


def test_a_later_run_goes_on_where_the_one_before_ended(
    files: tuple[serving.Files, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, address = files
    server.headers = {"ETag": '"1"'}
    server.breaks = [700_000]
    with monkeypatch.context() as patch:
        patch.setattr(downloading, "ATTEMPTS", 0)
        assert "kept" in failure(item(address, tmp_path))
    (partial,) = tmp_path.rglob("*.incomplete")
    kept = partial.stat().st_size
    assert kept > 100_000
    assert fetching.present(item(address, tmp_path)) is None
    found = fetching.fetch(item(address, tmp_path))
    assert found.path.read_bytes() == DATA
    assert found.downloaded == len(DATA) - kept
    assert server.sent()[-1].endswith(f"bytes={kept}-")
    assert left(tmp_path) == ["list.txt"]


def test_of_another_version_nothing_is_gone_on_with(
    files: tuple[serving.Files, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, address = files
    server.headers = {"ETag": '"1"'}
    server.breaks = [700_000]
    with monkeypatch.context() as patch:
        patch.setattr(downloading, "ATTEMPTS", 0)
        failure(item(address, tmp_path))
    server.headers, server.files["a/list.txt"] = {"ETag": '"2"'}, DATA[::-1]
    assert fetching.fetch(item(address, tmp_path)).path.read_bytes() == DATA[::-1]


def test_a_server_that_changes_its_mind_in_the_middle(
    files: tuple[serving.Files, str], tmp_path: Path
) -> None:
    server, address = files
    server.headers = {"ETag": '"1"'}
    server.breaks = [500_000]

    def watch(_what: str, done: int, _total: int | None) -> None:
        if done:
            server.headers, server.files["a/list.txt"] = {"ETag": '"2"'}, DATA[::-1]

    assert fetching.fetch(item(address, tmp_path), watch).path.read_bytes() == DATA[::-1]


@pytest.mark.parametrize(("ranges", "lengths"), [(False, True), (True, False), (False, False)])
def test_servers_without_ranges_or_lengths(
    files: tuple[serving.Files, str], tmp_path: Path, ranges: bool, lengths: bool
) -> None:
    server, address = files
    server.ranges, server.lengths = ranges, lengths
    server.headers = {"ETag": '"1"'}
    server.breaks = [300_000]
    assert fetching.fetch(item(address, tmp_path)).path.read_bytes() == DATA


@pytest.mark.parametrize("marked", [True, False])
def test_a_run_that_was_killed_after_the_last_byte(
    files: tuple[serving.Files, str], tmp_path: Path, marked: bool
) -> None:
    server, address = files
    server.headers = {"ETag": '"1"'} if marked else {}

    def killed(_what: str, done: int, total: int | None) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetching.fetch(item(address, tmp_path), killed)
    found = fetching.fetch(item(address, tmp_path))
    assert found.path.read_bytes() == DATA
    assert found.downloaded == (0 if marked else len(DATA)), "what has no mark may be of another version"
    assert left(tmp_path) == ["list.txt"]


def test_compression_that_nobody_asked_for_is_undone(
    files: tuple[serving.Files, str], tmp_path: Path
) -> None:
    server, address = files
    server.compressed = True
    server.headers = {"ETag": '"1"'}
    server.breaks = [100]
    found = fetching.fetch(item(address, tmp_path))
    assert found.path.read_bytes() == DATA
    assert left(tmp_path) == ["list.txt"]


def test_what_is_whole_of_another_version_is_not_taken(
    files: tuple[serving.Files, str], tmp_path: Path
) -> None:
    server, address = files
    server.headers = {"ETag": '"1"'}

    def killed(_what: str, done: int, total: int | None) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetching.fetch(item(address, tmp_path), killed)
    server.headers = {"ETag": '"2"'}
    server.files["a/list.txt"] = DATA[::-1]
    assert fetching.fetch(item(address, tmp_path)).path.read_bytes() == DATA[::-1]


def test_two_at_once_download_it_once(files: tuple[serving.Files, str], tmp_path: Path) -> None:
    server, address = files
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(fetching.fetch, [item(address, tmp_path)] * 2))
    assert sorted(it.downloaded for it in found) == [0, len(DATA)]
    assert len(server.seen) == 1


def test_an_update_asks_whether_there_is_something_newer(
    files: tuple[serving.Files, str], tmp_path: Path
) -> None:
    server, address = files
    server.headers = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    fetching.fetch(item(address, tmp_path))
    assert fetching.fetch(item(address, tmp_path), update=True).downloaded == 0
    server.headers = {"Last-Modified": "Tue, 02 Jan 2024 00:00:00 GMT"}
    server.files["a/list.txt"] = b"newer"
    found = fetching.fetch(item(address, tmp_path), update=True)
    assert (found.path.read_bytes(), found.downloaded) == (b"newer", 5)


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "nothing at this address"), (403, "denied access"), (503, "503"), (429, "too many requests")],
)
def test_a_server_that_refuses(
    files: tuple[serving.Files, str], tmp_path: Path, status: int, words: str
) -> None:
    server, address = files
    server.status = status
    sentence = failure(item(address, tmp_path))
    assert words in sentence
    assert "127.0.0.1" in sentence
    assert left(tmp_path) == []


def test_without_a_network(tmp_path: Path) -> None:
    assert "cannot be reached" in failure(item("http://127.0.0.1:9", tmp_path))


def test_offline_nothing_is_asked(
    files: tuple[serving.Files, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, address = files
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in failure(item(address, tmp_path))
    assert not server.seen


def test_without_space_nothing_is_begun(
    files: tuple[serving.Files, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = files
    nearly_full = shutil._ntuple_diskusage(10**9, 0, downloading.MARGIN + 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: nearly_full)
    assert "needs 1.02 MB, and 1 kB is free" in failure(item(address, tmp_path))
    assert left(tmp_path) == []


def test_a_disk_that_fills_up_keeps_what_has_arrived(
    files: tuple[serving.Files, str], tmp_path: Path
) -> None:
    server, address = files
    server.headers = {"ETag": '"1"'}

    def full(_what: str, done: int, _total: int | None) -> None:
        if done:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(NotThere, match="disk is full"):
        fetching.fetch(item(address, tmp_path), full)
    assert list(tmp_path.rglob("*.incomplete"))
    assert fetching.fetch(item(address, tmp_path)).downloaded < len(DATA)


def test_a_folder_that_cannot_be_written_to(files: tuple[serving.Files, str], tmp_path: Path) -> None:
    (tmp_path / "downloads").touch()
    assert "Cannot write" in failure(item(files[1], tmp_path))


def test_a_local_file_is_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    assert fetching.fetch(Item("songs", str(tmp_path / "here"), Kind.PATH)).downloaded == 0
    assert "no file or folder called there" in failure(Item("songs", str(tmp_path / "there"), Kind.PATH))


def test_only_the_web_is_downloaded_from(tmp_path: Path) -> None:
    secret = RemoteFile((tmp_path / "secret").as_uri(), "a file")
    with pytest.raises(ModelError, match="https"):
        downloading.download(secret, tmp_path / "copy", lambda *_: None)


# gensim's data sets ----------------------------------------------------------------------------------------

GLOVE = b"".join(b"word%d %f %f\n" % (number, number / 9, 1 - number / 9) for number in range(9))


@pytest.fixture
def gensim(monkeypatch: pytest.MonkeyPatch) -> Iterator[serving.Files]:
    """As gensim's list and its releases are laid out, with one data set in one part and one in three."""
    data = gzip.compress(GLOVE)
    parts = [data[:50], data[50:90], data[90:]]

    def md5(content: bytes) -> str:
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    known = {
        "glove-of-nine": {"checksum": md5(data), "parts": 1, "file_name": "glove-of-nine.gz"},
        "in-parts": {"parts": 3} | {f"checksum-{n}": md5(part) for n, part in enumerate(parts)},
    }
    server = serving.Files(
        {
            "list.json": json.dumps({"corpora": {}, "models": known}).encode(),
            "glove-of-nine/glove-of-nine.gz": data,
            "glove-of-nine/__init__.py": b"raise SystemExit(3)",
        }
        | {f"in-parts/in-parts.gz_0{n}": part for n, part in enumerate(parts)}
    )
    with serving.serving(server) as address:
        monkeypatch.setattr(fetching, "GENSIM_LIST", f"{address}/list.json")
        monkeypatch.setattr(fetching, "GENSIM_FILES", address)
        yield server


@pytest.mark.parametrize("name", ["glove-of-nine", "in-parts"])
def test_a_data_set_of_gensim(gensim: serving.Files, tmp_path: Path, name: str) -> None:
    spec = WordsSpec(name, tmp_path)
    with pytest.raises(NotThere, match="python -m bot fetch words"):
        WordVectors.load(spec)
    (wanted,) = spec.items("words")
    assert fetching.fetch(wanted).path == tmp_path / "gensim-data" / name / f"{name}.gz"
    assert len(WordVectors.load(spec)) == 9
    assert left(tmp_path / "gensim-data") == [f"{name}.gz"]
    assert not [it for it in gensim.sent() if ".py" in it]
    assert fetching.fetch(wanted).downloaded == 0


def test_a_wrong_checksum_is_found_out(gensim: serving.Files, tmp_path: Path) -> None:
    (wanted,) = WordsSpec("glove-of-nine", tmp_path).items("words")
    whole = gensim.files["glove-of-nine/glove-of-nine.gz"]
    gensim.files["glove-of-nine/glove-of-nine.gz"] = whole[:-1] + b"x"
    assert "md5 checksum is wrong" in failure(wanted)
    assert fetching.present(wanted) is None
    assert not list(tmp_path.rglob("*.incomplete"))
    gensim.files["glove-of-nine/glove-of-nine.gz"] = whole
    assert fetching.fetch(wanted).downloaded == len(whole)


def test_a_data_set_that_gensim_has_not(gensim: serving.Files, tmp_path: Path) -> None:
    (wanted,) = WordsSpec("glove-of-ten", tmp_path).items("words")
    assert failure(wanted) == "gensim has no word vectors called glove-of-ten."
    gensim.files["list.json"] = b"<html>"
    assert "invalid response" in failure(wanted)


def test_what_gensim_downloaded_itself_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "gensim" / "glove-of-nine"
    folder.mkdir(parents=True)
    (folder / "glove-of-nine.gz").write_bytes(gzip.compress(GLOVE))
    spec = WordsSpec("glove-of-nine", tmp_path / "data")
    assert len(WordVectors.load(spec)) == 9
    assert fetching.fetch(spec.items("words")[0]).downloaded == 0


# The hub ---------------------------------------------------------------------------------------------------


class Cloud(NamedTuple):
    hub: serving.Hub
    cache: Path


def contents(folder: Path, **more: bytes) -> dict[str, bytes]:
    return {it.name: it.read_bytes() for it in folder.iterdir()} | more


@pytest.fixture
def cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phi: Path, four: dict[str, Path]
) -> Iterator[Cloud]:
    """A hub with a model, a tokenizer and what nobody should download."""
    bad = {"evil.py": b"raise SystemExit(3)", "pytorch_model.bin": b"\x80", "onnx": b"\0"}
    hub = serving.Hub(
        repositories={
            "somebody/model": serving.Repository({"main": contents(phi) | bad}),
            "pieces": serving.Repository({"main": contents(four["pieces"]) | bad}),
        }
    )
    cache = tmp_path / "cache"
    with serving.serving(hub) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setenv("HF_TOKEN", serving.TOKEN)
        yield Cloud(hub, cache)


MODEL = LanguageSpec("somebody/model", device="cpu")
(WANTED,) = MODEL.items("language")


def test_a_model_is_downloaded_into_the_usual_cache(cloud: Cloud, phi: Path) -> None:
    with pytest.raises(
        NotThere, match=r"not on this machine yet\. “python -m bot fetch language” downloads it"
    ):
        LanguageModel.load(MODEL)
    assert not cloud.hub.seen
    told: dict[str, int | None] = {}
    found = fetching.fetch(WANTED, lambda what, _done, total: told.update({what: total}))
    size = (phi / "model.safetensors").stat().st_size
    assert told["somebody/model model.safetensors"] == size
    assert found.downloaded > size
    assert not [it for it in cloud.hub.sent() if ".py" in it or ".bin" in it or "onnx" in it]
    assert cloud.hub.sent("/store/")
    cloud.hub.seen.clear()
    prompt = "A word"
    expected = LanguageModel.load(LanguageSpec(str(phi), device="cpu")).generate(prompt, max_new_tokens=5)
    assert LanguageModel.load(MODEL).generate(prompt, max_new_tokens=5).text == expected.text
    assert fetching.fetch(WANTED) == fetching.Fetched(found.path, 0)
    assert not cloud.hub.seen, "nothing is asked for what is there"
    assert not list(cloud.cache.rglob("*.incomplete"))


@pytest.mark.parametrize("statuses", [[429], [503, 429, 500]])
def test_a_hub_that_is_busy_is_asked_again(cloud: Cloud, statuses: list[int]) -> None:
    cloud.hub.busy = [*statuses]
    assert fetching.fetch(WANTED).downloaded
    assert not cloud.hub.busy


def test_a_hub_that_stays_busy_is_one_sentence(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PAUSES", (0.0, 0.0))
    cloud.hub.busy = [429] * 9
    with pytest.raises(NotThere, match="too many requests"):
        fetching.fetch(WANTED)
    assert len(cloud.hub.busy) == 6


@pytest.mark.parametrize("harm", ["cut", "emptied", "config"])
@pytest.mark.usefixtures("cloud")
def test_what_is_there_and_does_not_load_is_fetched_again(harm: str) -> None:
    found = fetching.fetch(WANTED)
    file = found.path / ("config.json" if harm == "config" else "model.safetensors")
    data = file.read_bytes()
    file.resolve().write_bytes({"cut": data[:-100], "emptied": b"", "config": b"{"}[harm])
    again = fetching.fetch(WANTED)
    assert again.downloaded
    assert file.read_bytes() == data
    assert LanguageModel.load(MODEL).parameters


def test_what_came_and_does_not_load_gets_no_tick(cloud: Cloud, phi: Path) -> None:
    whole = contents(phi)
    for name, broken in (
        ("some/config", whole | {"config.json": b'{"model_type": "nobody-knows"}'}),
        ("some/weights", whole | {"model.safetensors": whole["model.safetensors"][:-50]}),
        ("some/tokenizer", whole | {"tokenizer.json": b"{"}),
    ):
        cloud.hub.repositories[name] = serving.Repository({"main": broken})
        with pytest.raises(ModelError):
            fetching.fetch(Item("language", name, Kind.MODEL))


@pytest.mark.parametrize("kind", ["ByT5Tokenizer", "CanineTokenizer"])
def test_a_tokenizer_without_a_vocabulary_is_fetched_once(cloud: Cloud, kind: str) -> None:
    settings = json.dumps({"tokenizer_class": kind}).encode()
    cloud.hub.repositories["some/bytes"] = serving.Repository({"main": {"tokenizer_config.json": settings}})
    item = Item("tokenizers", "some/bytes", Kind.TOKENIZER)
    assert fetching.fetch(item).downloaded
    assert fetching.fetch(item).downloaded == 0
    assert Tokenizer.load("some/bytes").encode("hi")


def test_the_hubs_own_client_agrees_that_it_is_all_there(cloud: Cloud) -> None:
    from huggingface_hub import scan_cache_dir, snapshot_download

    found = fetching.fetch(WANTED)
    assert snapshot_download("somebody/model", local_files_only=True) == str(found.path)
    scanned = scan_cache_dir(cloud.cache)
    assert not scanned.warnings
    assert [(it.repo_id, set(it.refs)) for it in scanned.repos] == [("somebody/model", {"main"})]


def test_a_tokenizer_takes_no_weights_and_the_weights_only_come_on_top(cloud: Cloud) -> None:
    (tokenizer,) = TokenizersSpec(("somebody/model",)).items("tokenizers")
    few = fetching.fetch(tokenizer).downloaded
    assert not cloud.hub.sent("safetensors")
    assert Tokenizer.load("somebody/model").ids("a word")
    with pytest.raises(NotThere, match="only partly on this machine"):
        LanguageModel.load(MODEL)
    cloud.hub.seen.clear()
    assert fetching.fetch(WANTED).downloaded > few
    assert not cloud.hub.sent("tokenizer.json")


def test_weights_that_break_off_are_gone_on_with(cloud: Cloud) -> None:
    cloud.hub.breaks = [0] * 3
    cloud.hub.repositories["somebody/model"].revisions["main"]["config.json"] += b" " * 10
    fetching.fetch(WANTED)
    assert LanguageModel.load(MODEL).parameters


def test_a_later_run_goes_on_with_the_weights(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, phi: Path
) -> None:
    def interrupt(what: str, done: int, _total: int | None) -> None:
        if what.endswith("safetensors") and done > 20_000:
            raise KeyboardInterrupt

    size = (phi / "model.safetensors").stat().st_size
    monkeypatch.setattr(downloading, "CHUNK", 1 << 13)
    with pytest.raises(KeyboardInterrupt):
        fetching.fetch(WANTED, interrupt)
    assert fetching.present(WANTED) is None
    (partial,) = cloud.cache.rglob("*.incomplete")
    kept = partial.stat().st_size
    assert kept > 20_000
    assert fetching.fetch(WANTED).downloaded == size - kept
    assert [it for it in cloud.hub.sent("/store/") if it.endswith(f"bytes={kept}-")]


def test_damaged_weights_are_thrown_away(cloud: Cloud) -> None:
    cloud.hub.damaged = True
    assert "sha256 checksum is wrong" in failure(WANTED)
    assert fetching.present(WANTED) is None
    cloud.hub.damaged = False
    fetching.fetch(WANTED)
    assert LanguageModel.load(MODEL).parameters


def test_a_gated_model_opens_to_the_token_only(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.hub.repositories["somebody/model"].gated = True
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    assert "Accept them there and set HF_TOKEN" in failure(WANTED)
    assert "hf_another" not in failure(WANTED)
    monkeypatch.setenv("HF_TOKEN", serving.TOKEN)
    fetching.fetch(WANTED)
    stored = [headers for _, path, headers in cloud.hub.seen if "/store/" in path]
    assert stored
    assert not [it for it in stored if "Authorization" in it]


@pytest.mark.usefixtures("cloud")
def test_what_the_hub_has_not() -> None:
    assert "no model called somebody/else" in failure(Item("language", "somebody/else", Kind.MODEL))
    assert "no revision “v9”" in failure(Item("language", "somebody/model", Kind.MODEL, "v9"))


@pytest.mark.usefixtures("cloud")
def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert failure(WANTED) == (
        "somebody/model could not be downloaded: 127.0.0.1 cannot be reached. Check the network connection."
    )


@pytest.mark.usefixtures("cloud")
def test_a_hub_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(fetching, "HUB_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "cannot be reached" in failure(WANTED)


def test_offline_the_hub_is_not_asked(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in failure(WANTED)
    assert not cloud.hub.seen


def test_without_space_for_all_of_a_model_nothing_is_begun(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly_full = shutil._ntuple_diskusage(10**9, 0, downloading.MARGIN + 20_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: nearly_full)
    assert "not enough disk space for somebody/model" in failure(WANTED)
    assert not cloud.hub.sent("/store/")


def test_another_revision_is_another_folder(cloud: Cloud) -> None:
    first = fetching.fetch(WANTED).path
    revisions = cloud.hub.repositories["somebody/model"].revisions
    revisions["v2"] = {**revisions["main"], "config.json": revisions["main"]["config.json"] + b"\n"}
    second = fetching.fetch(Item("language", "somebody/model", Kind.MODEL, "v2"))
    assert second.path != first
    assert second.downloaded == len(revisions["v2"]["config.json"]), (
        "what is the same is not downloaded again"
    )
    assert LanguageModel.load(LanguageSpec("somebody/model", "cpu", revision="v2")).parameters


def test_an_update_moves_on_with_the_branch(cloud: Cloud) -> None:
    first = fetching.fetch(WANTED).path
    assert fetching.fetch(WANTED, update=True) == fetching.Fetched(first, 0)
    files = cloud.hub.repositories["somebody/model"].revisions["main"]
    files["config.json"] += b"\n"
    assert fetching.fetch(WANTED).path == first
    second = fetching.fetch(WANTED, update=True).path
    assert second != first
    assert finding.find("somebody/model").folder == second


def test_until_an_update_is_complete_the_name_means_what_was_there(cloud: Cloud) -> None:
    first = fetching.fetch(WANTED).path
    files = cloud.hub.repositories["somebody/model"].revisions["main"]
    files["model.safetensors"] = files["model.safetensors"][::-1]
    cloud.hub.damaged = True
    failure(WANTED, update=True)
    assert finding.find("somebody/model").folder == first
    assert LanguageModel.load(MODEL).parameters


def test_pickles_are_never_downloaded_but_the_hubs_conversion_is(cloud: Cloud, phi: Path) -> None:
    whole = contents(phi)
    weights = whole.pop("model.safetensors")
    repository = serving.Repository({"main": whole | {"pytorch_model.bin": b"\x80" * 9000}})
    cloud.hub.repositories["somebody/old"] = repository
    wanted = Item("language", "somebody/old", Kind.MODEL)
    with pytest.raises(ModelError, match="only as a pickle"):
        fetching.fetch(wanted)
    repository.revisions["refs/pr/3"] = whole | {"model.safetensors": weights}
    repository.conversion = "refs/pr/3"
    fetching.fetch(wanted)
    assert LanguageModel.load(LanguageSpec("somebody/old", "cpu")).parameters
    assert not cloud.hub.sent(".bin")


def test_word_vectors_of_the_hub(cloud: Cloud, tmp_path: Path) -> None:
    cloud.hub.repositories["somebody/vectors"] = serving.Repository(
        {"main": {"nine.txt": GLOVE, "README.md": b"#", "vectors.model": b"\x80"}}
    )
    spec = WordsSpec("somebody/vectors", tmp_path)
    (wanted,) = spec.items("words")
    assert fetching.fetch(wanted).downloaded == len(GLOVE)
    assert len(WordVectors.load(spec)) == 9
    cloud.hub.repositories["somebody/many"] = serving.Repository({"main": {"a.txt": b"", "b.txt": b""}})
    with pytest.raises(ModelError, match="one file of word vectors"):
        fetching.fetch(Item("words", "somebody/many", Kind.VECTORS))


def test_what_each_slot_needs(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    here = str(tmp_path / "folder")
    address = "https://films.example/films.tsv"

    def kinds(slot: str, spec: Any) -> list[tuple[str, str]]:
        return [(it.name, it.kind) for it in spec.items(slot)]

    assert kinds("language", LanguageSpec("a/b")) == [("a/b", "model")]
    assert kinds("tokenizers", TokenizersSpec(("a", here))) == [("a", "tokenizer"), (here, "path")]
    assert kinds("encoder", EncoderSpec("a", "a")) == [("a", "model")]
    assert kinds("encoder", EncoderSpec("a", "b")) == [("a", "model"), ("b", "tokenizer")]
    assert kinds("words", WordsSpec("glove")) == [("glove", "dataset")]
    assert kinds("words", WordsSpec("a/b")) == [("a/b", "vectors")]
    assert kinds("words", WordsSpec(address)) == [(address, "file")]
    assert kinds("words", WordsSpec(here)) == [(here, "path")]
    assert kinds("songs", SongsSpec(address, here, tags=address)) == [
        (address, "file"),
        (here, "path"),
        (address, "file"),
    ]


def test_of_a_repository_only_what_is_read_is_downloaded() -> None:
    files = [
        "config.json",
        "model.safetensors",
        "consolidated.safetensors",
        "model.bin",
        "a.py",
        "onnx/a.json",
    ]
    assert fetching.wanted(files, "some/model", weights=True) == ["config.json", "model.safetensors"]
    assert fetching.wanted(files, "some/model", weights=False) == ["config.json"]
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = "model.safetensors.index.json"
    assert fetching.wanted([*shards, index, "model.fp16.safetensors"], "x", weights=True) == [index, *shards]
    odd = ["bpe.codes", "source.spm", "target.spm", "vocab.txt", "qwen.tiktoken", "added_tokens.json"]
    assert (
        fetching.wanted([*odd, "LICENSE", "README.md", ".gitattributes", "x.png"], "x", weights=False) == odd
    )
    with pytest.raises(ModelError, match=r"only as model\.fp16\.safetensors"):
        fetching.wanted(["model.fp16.safetensors"], "some/model", weights=True)


def test_amounts_are_for_people() -> None:
    assert [texts.size(number) for number in (0, 999, 1000, 2_836_000_000, 5e15)] == [
        "0 Bytes",
        "999 Bytes",
        "1 kB",
        "2.84 GB",
        "5 PB",
    ]
