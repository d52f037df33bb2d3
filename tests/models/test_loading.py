"""Finding models, choosing how they run, and what is refused."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants

from models import pretrained
from models.encoder import Encoder
from models.failures import BadInput, ModelError, NotThere
from models.files import finding, names
from models.language.model import LanguageModel
from models.results import Finish
from models.sampling import Sampling
from models.specs import EncoderSpec, LanguageSpec, PretrainedSpec, SongsSpec, TokenizersSpec, WordsSpec
from models.text import usable_text
from models.tokenizers.tokenizer import Tokenizer
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
        finding.find(name)
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
            assert "its own program code" in refused(folder)
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
    assert "an architecture" in refused(folder)


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
    assert model.generate("word", max_new_tokens=3, sampling=Sampling(temperature=1.0, seed=1)).output_ids


LARGE, SMALL = 10 * pretrained.WORTH_HALVING, 10_000


@pytest.mark.parametrize(
    ("able", "parameters", "dtype"),
    [
        ({"avx512_bf16": True}, LARGE, torch.bfloat16),
        ({"amx_bf16": True, "avx512_bf16": False}, LARGE, torch.bfloat16),
        ({"bf16": True, "architecture": "aarch64"}, LARGE, torch.bfloat16),
        ({"avx2": True, "avx512_f": True, "amx_tile": True}, LARGE, torch.float32),
        ({}, LARGE, torch.float32),
        ({"avx512_bf16": True, "amx_bf16": True}, SMALL, torch.float32),
    ],
)
def test_a_cpu_halves_what_it_has_units_for(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, Any], parameters: int, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert pretrained.choose("cpu", "auto", parameters=parameters) == (torch.device("cpu"), dtype)
    assert pretrained.choose("cpu", "float16", parameters=parameters)[1] is torch.float16


@pytest.mark.parametrize(
    ("able", "trained_as", "dtype"),
    [
        (True, "bfloat16", torch.bfloat16),
        (False, "bfloat16", torch.float16),
        (True, "float16", torch.float16),
        (True, "", torch.float16),
    ],
)
def test_a_gpu_halves_everything(
    monkeypatch: pytest.MonkeyPatch, able: bool, trained_as: str, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: able)
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)
    for device in ("auto", "cuda"):
        found = pretrained.choose(device, "auto", parameters=SMALL, trained_as=trained_as)
        assert found == (torch.device("cuda"), dtype)
    assert pretrained.choose("cpu", "auto", parameters=SMALL, trained_as=trained_as)[1] is torch.float32
    assert pretrained.choose("auto", "float32", parameters=SMALL)[1] is torch.float32


def test_without_a_gpu_it_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pretrained.choose("auto", "auto", parameters=SMALL) == (torch.device("cpu"), torch.float32)


def test_models_that_load_at_once_do_not_disturb_each_other(phi: Path) -> None:
    """While transformers builds a model, it switches the tying of weights off for all threads."""
    from transformers import AutoModelForCausalLM, PreTrainedModel

    ties, source = PreTrainedModel.tie_weights, finding.find(str(phi))
    waiting = threading.Event()
    inside: list[int] = []

    class Auto:
        @staticmethod
        def from_pretrained(*args: Any, **options: Any) -> Any:
            inside.append(len(inside))
            if len(inside) == 1:
                other.start()
                waiting.wait(20)
                assert pretrained._BUILDING.locked()
            return AutoModelForCausalLM.from_pretrained(*args, **options)

    loaded: list[Any] = []

    def load() -> None:
        loaded.append(
            pretrained.pretrained(
                Auto, source, device="cpu", dtype="float32", progress=lambda _what, _share: waiting.set()
            )
        )

    other = threading.Thread(target=load)
    pretrained.pretrained(Auto, source, device="cpu", dtype="float32")
    other.join(20)
    assert inside == [0, 1]
    assert len(loaded) == 1
    assert PreTrainedModel.tie_weights is ties


def test_parameters_are_counted_without_reading_them(phi: Path) -> None:
    model = LanguageModel.load(LanguageSpec(str(phi), device="cpu"))
    assert pretrained.parameters_in(phi) == model.parameters


def test_a_folder_wins_over_a_hub_name(
    tmp_path: Path, four: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "somebody").mkdir()
    (tmp_path / "somebody" / "model").symlink_to(four["bytes"])
    monkeypatch.chdir(tmp_path)
    assert Tokenizer.load("somebody/model").name == "model"


def test_folders_are_called_by_their_last_part(monkeypatch: pytest.MonkeyPatch, phi: Path) -> None:
    monkeypatch.chdir(phi)
    assert [names.label(name) for name in (".", f"{phi}/", "../phi", str(phi))] == ["phi"] * 4
    assert names.label("microsoft/phi-1_5") == "microsoft/phi-1_5"


def test_text_that_can_be_encoded_is_left_alone() -> None:
    assert usable_text("a 🙂\0") == "a 🙂\0"
    with pytest.raises(BadInput):
        usable_text("\ud83d")


# What is not here -------------------------------------------------------------------------------------------


def test_a_hub_name_that_is_not_here_says_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    sentences = []
    for load in (
        lambda: LanguageModel.load(LanguageSpec("somebody/model", revision="v2")),
        lambda: Encoder.load(EncoderSpec("somebody/model")),
        lambda: Tokenizer.load("somebody/model"),
    ):
        with pytest.raises(NotThere) as caught:
            load()
        sentences.append(str(caught.value))
    assert sentences == [
        "somebody/model (v2) is not on this machine yet. “python -m bot fetch language” downloads it.",
        "somebody/model is not on this machine yet. “python -m bot fetch encoder” downloads it.",
        "somebody/model is not on this machine yet. “python -m bot fetch tokenizers” downloads it.",
    ]


@pytest.mark.parametrize("name", ["gpt2", "microsoft/phi-1_5", "a/b.c-d_e"])
def test_what_looks_like_a_hub_name(name: str) -> None:
    assert names.is_hub_name(name)


@pytest.mark.parametrize("name", ["", "a/b/c", "-a", "a/", "ä/b", "a b", "https://a.example/b"])
def test_what_does_not_look_like_a_hub_name(name: str) -> None:
    assert not names.is_hub_name(name)


def test_specs_know_what_they_are_called_and_whether_they_have_revisions() -> None:
    assert TokenizersSpec(("a/b", "/models/c")).label == "a/b, c"
    assert SongsSpec("/films/songs.tsv", "/films/lists.txt").label == "films"
    spec = EncoderSpec("a/b", "c", dtype="float16")
    assert spec.revised("v2") == EncoderSpec("a/b", "c", dtype="float16", revision="v2")
    assert isinstance(LanguageSpec("a"), PretrainedSpec)
    assert not isinstance(WordsSpec("a"), PretrainedSpec)
    assert WordsSpec("a").weight() is None


def test_addresses_lie_under_the_data_folder(tmp_path: Path) -> None:
    def place(address: str) -> str:
        return names.downloaded(address, tmp_path).relative_to(tmp_path / "downloads").as_posix()

    assert place("https://a.example/films/films.tsv") == "a.example/films/films.tsv"
    assert place("https://a.example:8000/a%20b/c") == "a.example_8000/a_b/c"
    assert place("https://user:secret@a.example/b") == "a.example/b"
    assert place("https://a.example/../../etc/passwd") == "a.example/etc/passwd"
    assert place("https://a.example/%2e%2e/b") == "a.example/b"
    assert place("https://a.example") == "a.example/index"
    one, other = place("https://a.example/b.txt?version=1"), place("https://a.example/b.txt?version=2")
    assert one != other
    assert one.endswith("-b.txt")


def test_an_address_is_called_by_its_last_part() -> None:
    assert names.label("https://a.example/films/films.tsv") == "films.tsv"
    assert names.catalogue_label("https://a.example/films/films.tsv") == "films"
    assert names.catalogue_label("https://films.example/films.tsv") == "films.example"


def test_an_address_is_a_place_on_this_machine(tmp_path: Path) -> None:
    here = tmp_path / "a file"
    here.touch()
    assert finding.local(here.as_uri()) == here
    assert finding.local(here) == here
    address = "https://a.example/b.tsv"
    with pytest.raises(NotThere, match=r"b\.tsv is not on this machine yet. “python -m bot fetch songs”"):
        finding.local(address, tmp_path, slot="songs")
    kept = names.downloaded(address, tmp_path)
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert finding.local(address, tmp_path, slot="songs") == kept
    for nothing in ("", "no-such", (tmp_path / "none").as_uri(), str(tmp_path / "none")):
        with pytest.raises(NotThere, match="no file or folder"):
            finding.local(nothing, tmp_path, slot="songs")


def test_a_model_may_be_named_by_a_file_address(phi: Path) -> None:
    assert finding.find(phi.as_uri()).folder == phi
    assert names.label(phi.as_uri()) == "phi"
    with pytest.raises(NotThere, match="no model folder called none"):
        finding.find("file:///none")


def test_a_cached_model_is_complete_with_all_its_shards(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").touch()
    assert not finding._complete(tmp_path, weights=False)
    (tmp_path / "spiece.model").touch()
    assert finding._complete(tmp_path, weights=False)
    assert not finding._complete(tmp_path, weights=True)
    shards = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (tmp_path / "model-1.safetensors").touch()
    assert not finding._complete(tmp_path, weights=True)
    (tmp_path / "model-2.safetensors").touch()
    assert finding._complete(tmp_path, weights=True)


def test_a_catalogue_is_called_by_its_folder(tmp_path: Path) -> None:
    assert names.catalogue_label(tmp_path / "films" / "songs.tsv") == "films"
    assert names.catalogue_label("/songs.tsv") == "songs.tsv"


def renamed(folder: Path, name: str) -> Path:
    return (folder / "model.safetensors").rename(folder / name)


WHY_NOT: dict[str, tuple[Callable[[Path], object], str]] = {
    "only half precision": (
        lambda folder: renamed(folder, "model.fp16.safetensors"),
        "only as model.fp16.safetensors",
    ),
    "another library": (lambda folder: renamed(folder, "model.onnx"), "other libraries (ONNX)"),
    "two libraries": (lambda folder: renamed(folder, "tf_model.h5"), "other libraries (TensorFlow)"),
    "several GGUF files": (
        lambda folder: (renamed(folder, "a.gguf"), (folder / "b.gguf").write_bytes(b"")),
        "several GGUF files. Name one of them: a.gguf, b.gguf",
    ),
    "an adapter": (
        lambda folder: (
            renamed(folder, "adapter_model.safetensors"),
            (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "some/base"}'),
        ),
        "belongs to some/base",
    ),
    "an adapter of nothing": (
        lambda folder: (
            renamed(folder, "adapter_model.safetensors"),
            (folder / "adapter_config.json").write_text("{}"),
        ),
        "does not say which model",
    ),
    "a pointer": (
        lambda folder: (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n"),
        "contains a Git LFS pointer",
    ),
    "a missing shard": (
        lambda folder: (
            renamed(folder, "model-00001-of-00002.safetensors"),
            (folder / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})
            ),
        ),
        "model-00002-of-00002.safetensors is missing",
    ),
    **{
        f"quantised with {method}": (
            lambda folder, method=method: config_of(folder, quantization_config={"quant_method": method}),  # type: ignore[misc]
            f"quantised with {method}",
        )
        for method in ("bitsandbytes", "gptq", "awq", "fp8", "compressed-tensors")
    },
}  # fmt: skip


@pytest.mark.parametrize("why", WHY_NOT)
def test_what_lies_in_place_of_weights_is_called_by_its_name(why: str, tmp_path: Path) -> None:
    change, said = WHY_NOT[why]
    folder = tiny.phi(tmp_path / "strange")
    change(folder)
    assert said in refused(folder)


def test_weights_that_are_there_twice_count_once(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "twice")
    once = pretrained.parameters_in(folder)
    for name in ("consolidated.safetensors", "model.fp16.safetensors"):
        shutil.copy(folder / "model.safetensors", folder / name)
    (folder / "original").mkdir()
    shutil.copy(folder / "model.safetensors", folder / "original" / "model.safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"\x80")
    assert pretrained.parameters_in(folder) == once
    assert pretrained.weight(str(folder), None, "cpu", "float32") == ("cpu", once * 4)
    assert LanguageModel.load(LanguageSpec(str(folder), device="cpu")).parameters == once


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ModelError, match="needs the Python package sentencepiece"), pretrained.reading("x"):
        raise ImportError("No module named 'sentencepiece'")
    with pytest.raises(ModelError, match="needs the Python package tiktoken"), pretrained.reading("x"):
        raise ValueError("You need it: `pip install tiktoken`")
    with pytest.raises(ModelError, match="a Python package that is not"), pretrained.reading("x"):
        raise ImportError("something is missing")


def test_only_positions_depend_on_the_length_of_a_text() -> None:
    assert "too long" in str(pretrained.index_failure("x", IndexError("index out of range in self")))
    assert "failed on this text" in str(pretrained.index_failure("x", IndexError("list index")))


def test_the_time_limit_of_a_model_is_told_as_such(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "hasty")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(settings | {"max_time": 0.0001}))
    model = LanguageModel.load(LanguageSpec(str(folder), device="cpu", dtype="float32"))
    assert model.generate("word", max_new_tokens=50).finish is Finish.MAX_TIME


def test_kinds_without_a_vocabulary_are_whole(tmp_path: Path) -> None:
    folder = tmp_path / "bytes"
    folder.mkdir()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    assert finding._complete(folder, weights=False)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PhobertTokenizer"}')
    assert not finding._complete(folder, weights=False)
    (folder / "bpe.codes").touch()
    assert finding._complete(folder, weights=False)
