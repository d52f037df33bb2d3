"""Finding models, choosing how they run, and what is refused."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from huggingface_hub import constants

from models import loading
from models.encoder import Encoder
from models.failures import BadInput, ModelError, NotThere
from models.language import LanguageModel
from models.specs import EncoderSpec, LanguageSpec
from models.tokenizers import Tokenizer
from tests.models import tiny

ROOT = Path(__file__).resolve().parents[2]


def config_of(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def refused(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        LanguageModel.load(LanguageSpec(str(folder), device="cpu"))
    sentence = str(caught.value)
    assert str(folder) not in sentence
    assert "\n" not in sentence
    assert folder.name in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize(
    "name",
    ["", "./none", "/none/at/all", "~/none", "~nobody/at-all", "a/b/c", "C:\\models", "no such name", "x\0y"],
)
def test_what_cannot_be_a_hub_name_is_looked_for_here_only(name: str) -> None:
    began = time.monotonic()
    with pytest.raises(NotThere) as caught:
        loading.find(name)
    assert time.monotonic() - began < 0.5
    assert "/" not in str(caught.value)


def test_weights_in_a_pickle_are_refused(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "pickled")
    weights = LanguageModel.load(LanguageSpec(str(folder), device="cpu"))._model.state_dict()
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert "pickle" in refused(folder)


def test_a_folder_without_weights(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "bare")
    (folder / "model.safetensors").unlink()
    assert "no weights" in refused(folder)


def test_code_in_a_folder_is_never_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for part in ("config", "tokenizer_config"):
        folder = tiny.phi(tmp_path / part)
        (folder / "evil.py").write_text(
            f"open({str(ran)!r}, 'w').close()\n"
            "from transformers import PhiConfig as C, PhiForCausalLM as M, PreTrainedTokenizerFast as T\n"
        )
        file = folder / f"{part}.json"
        settings = json.loads(file.read_text())
        settings["auto_map"] = {
            "AutoConfig": "evil.C",
            "AutoModelForCausalLM": "evil.M",
            "AutoTokenizer": ["evil.T", None],
        }
        if part == "config":
            settings["model_type"] = "of-its-own"
        else:
            settings["tokenizer_class"] = "OfItsOwn"
        file.write_text(json.dumps(settings))
        if part == "config":
            assert "code of its own" in refused(folder)
        else:
            # The settings name a class that nobody has, but tokenizer.json says all there is to know.
            Tokenizer.load(str(folder)).tokenize("a word")
    assert not ran.exists()


def test_attention_from_the_hub_is_never_fetched(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "kernels")
    config_of(folder, attn_implementation="somebody/kernel")
    assert "code from the hub" in refused(folder)


def test_damaged_files_get_a_sentence(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "damaged")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refused(folder)
    (folder / "model.safetensors").write_bytes(whole)
    (folder / "tokenizer.json").write_text("{")
    refused(folder)
    (folder / "config.json").write_text("{")
    assert "damaged" in refused(folder)
    (folder / "config.json").write_text("[1]")
    refused(folder)
    (folder / "config.json").unlink()
    refused(folder)


def test_a_kind_that_nobody_knows(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "strange")
    config_of(folder, model_type="nobody-knows")
    assert "of a kind" in refused(folder)


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "mute")
    for file in folder.glob("token*"):
        file.unlink()
    refused(folder)
    bert = tiny.bert(tmp_path / "bert")
    for file in bert.glob("token*"):
        file.unlink()
    with pytest.raises(NotThere, match="no tokenizer"):
        Encoder.load(EncoderSpec(str(bert), device="cpu"))


def test_weights_of_other_shapes(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "other")
    config_of(folder, hidden_size=64)
    refused(folder)


def test_devices_and_numbers_that_are_none(phi: Path) -> None:
    for spec in (LanguageSpec(str(phi), device="abacus"), LanguageSpec(str(phi), device="cpu", dtype="int7")):
        with pytest.raises(ModelError, match="auto"):
            LanguageModel.load(spec)
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="cuda"):
            LanguageModel.load(LanguageSpec(str(phi), device="cuda"))


def test_numbers_can_be_chosen(phi: Path) -> None:
    model = LanguageModel.load(LanguageSpec(str(phi), device="cpu", dtype="bfloat16"))
    assert model.dtype == "bfloat16"
    assert model.generate("word", max_new_tokens=3, temperature=1.0, seed=1).output_ids


def test_what_auto_means(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(parameters: int, *, halves: bool) -> torch.dtype:
        monkeypatch.setattr(loading, "_cpu_has_bfloat16", lambda: halves)
        return loading.choose("cpu", "auto", parameters=parameters)[1]

    large, small = 10 * loading.WORTH_HALVING, 10_000
    assert chosen(large, halves=True) is torch.bfloat16
    assert chosen(large, halves=False) is torch.float32
    assert chosen(small, halves=True) is torch.float32
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert loading.choose("auto", "float32", parameters=small)[0].type == expected


def test_parameters_are_counted_without_reading_them(phi: Path) -> None:
    model = LanguageModel.load(LanguageSpec(str(phi), device="cpu"))
    assert loading.parameters_in(phi) == model.parameters


def test_a_folder_wins_over_a_hub_name(
    tmp_path: Path, four: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "somebody").mkdir()
    (tmp_path / "somebody" / "model").symlink_to(four["bytes"])
    monkeypatch.chdir(tmp_path)
    assert Tokenizer.load("somebody/model").name == "model"


def test_folders_are_called_by_their_last_part(monkeypatch: pytest.MonkeyPatch, phi: Path) -> None:
    monkeypatch.chdir(phi)
    assert [loading.label(name) for name in (".", f"{phi}/", "../phi", str(phi))] == ["phi"] * 4
    assert loading.label("microsoft/phi-1_5") == "microsoft/phi-1_5"


def test_text_that_can_be_encoded_is_left_alone() -> None:
    assert loading.usable_text("a 🙂\0") == "a 🙂\0"
    with pytest.raises(BadInput):
        loading.usable_text("\ud83d")


# The hub ---------------------------------------------------------------------------------------------------

ASK = """
import sys
from models.failures import ModelError
from models.tokenizers import Tokenizer
try:
    print(Tokenizer.load(sys.argv[1]).tokenize("a word").ids)
except ModelError as error:
    print(error)
"""


def ask(name: str, **environment: str) -> str:
    """Load a tokenizer from the hub in a process of its own; what it says."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", ASK, name],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert not done.stderr, done.stderr
    return done.stdout.strip()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("silent", [False, True])
def test_without_a_network_the_hub_fails_fast(
    tmp_path: Path, silent_port: int, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent_port if silent else 9}")
    began = time.monotonic()
    with pytest.raises(NotThere) as caught:
        Tokenizer.load("somebody/model")
    assert str(caught.value) == "somebody/model is not on this machine and could not be downloaded."
    assert time.monotonic() - began < loading.HUB_SECONDS + 3


def test_offline_the_hub_is_not_even_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(NotThere, match="could not be downloaded"):
        LanguageModel.load(LanguageSpec("somebody/model"))


class _Hub(BaseHTTPRequestHandler):
    """As much of the hub as one repository takes."""

    files: dict[str, bytes]
    requests: list[str]
    sha = "0123456789abcdef0123456789abcdef01234567"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is inherited
        self.requests.append(format % args)

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        data, headers, status = b"{}", {}, 200
        if path.startswith("/api/models/somebody/model"):
            siblings = [{"rfilename": name, "size": len(data)} for name, data in self.files.items()]
            info = {"id": "somebody/model", "sha": self.sha, "siblings": siblings, "private": False}
            data = json.dumps(info).encode()
            if "/tree/" in path:
                tree = [
                    {"type": "file", "path": name, "size": len(data), "oid": "0" * 40}
                    for name, data in self.files.items()
                ]
                data = json.dumps(tree).encode()
        elif (name := path.rpartition("/")[2]) in self.files and path.startswith("/somebody/model/resolve/"):
            data = self.files[name]
            headers = {"ETag": f'"{name}"', "X-Repo-Commit": self.sha}
        else:
            headers, status = {"X-Error-Code": "RepoNotFound"}, 404
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def hub(four: dict[str, Path]) -> Iterator[tuple[str, type[_Hub]]]:
    files = {file.name: file.read_bytes() for file in four["bytes"].iterdir()}
    files |= {"evil.py": b"raise SystemExit(3)", "pytorch_model.bin": b"\x80"}

    class Handler(_Hub):
        pass

    Handler.files, Handler.requests = files, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", Handler
        server.shutdown()
        thread.join()


def test_a_cached_model_is_complete_with_all_its_shards(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").touch()
    assert not loading._complete(tmp_path, weights=False)
    (tmp_path / "spiece.model").touch()
    assert loading._complete(tmp_path, weights=False)
    assert not loading._complete(tmp_path, weights=True)
    shards = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (tmp_path / "model-1.safetensors").touch()
    assert not loading._complete(tmp_path, weights=True)
    (tmp_path / "model-2.safetensors").touch()
    assert loading._complete(tmp_path, weights=True)


def test_of_a_repository_only_what_is_read_is_downloaded() -> None:
    files = [
        "config.json",
        "model.safetensors",
        "consolidated.safetensors",
        "pytorch_model.bin",
        "evil.py",
        "onnx/a.json",
    ]
    assert loading._wanted(files, "some/model", weights=True) == ["config.json", "model.safetensors"]
    assert loading._wanted(files, "some/model", weights=False) == ["config.json"]
    with pytest.raises(ModelError, match="pickle"):
        loading._wanted(["config.json", "pytorch_model.bin"], "some/model", weights=True)


def test_a_hub_name_is_downloaded_once_and_then_cached(
    tmp_path: Path, hub: tuple[str, type[_Hub]], four: dict[str, Path]
) -> None:
    endpoint, handler = hub
    home = {"HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    expected = str(Tokenizer.load(str(four["bytes"])).tokenize("a word").ids)
    assert ask("somebody/model", HF_ENDPOINT=endpoint, **home) == expected
    assert not [line for line in handler.requests if ".py" in line or ".bin" in line]
    handler.requests.clear()
    assert ask("somebody/model", HF_ENDPOINT=endpoint, **home) == expected
    assert not handler.requests, "\n".join(handler.requests)
    assert "no model of that name" in ask("somebody/else", HF_ENDPOINT=endpoint, **home)


def test_a_catalogue_is_called_by_its_folder(tmp_path: Path) -> None:
    assert loading.catalogue_label(tmp_path / "films" / "songs.tsv") == "films"
    assert loading.catalogue_label("/songs.tsv") == "songs.tsv"
