"""The encoder against transformers' own, and tokenizers that do not belong to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForMaskedLM

from models.encoder import Encoder
from models.failures import BadInput, ModelError
from models.specs import EncoderSpec
from tests.models import tiny


def load(folder: Path, tokenizer: str = "") -> Encoder:
    return Encoder.load(EncoderSpec(str(folder), tokenizer, device="cpu"))


def test_vectors_are_those_of_the_last_layer(bert: Path) -> None:
    found = load(bert).embed("Hello world")
    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert)
    tokens = tokenizer("Hello world", return_tensors="pt")
    with torch.no_grad():
        expected = model(**tokens)[0]
    assert found.shape == tuple(expected.shape) == (1, len(found.ids), 24)
    assert list(found.ids) == tokens.input_ids[0].tolist()
    assert found.tokens[0] == "[CLS]"
    assert found.tokens[-1] == "[SEP]"
    assert torch.allclose(torch.tensor(found.vectors), expected[0], atol=1e-6)


def test_a_token_has_another_vector_in_another_text(bert: Path) -> None:
    encoder = load(bert)
    assert encoder.embed("the word").vectors[1] != encoder.embed("the song").vectors[1]


@pytest.mark.parametrize("make", [tiny.roberta, tiny.t5, tiny.phi])
def test_other_architectures(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    encoder = load(make(tmp_path / "model"))
    found = encoder.embed("An engineer")
    assert found.shape == (1, len(found.ids), len(found.vectors[0]))
    assert len(found.vectors) == len(found.ids)
    encoder.probe()


@pytest.mark.parametrize("make", [tiny.bert, tiny.roberta])
def test_a_text_longer_than_the_positions_is_refused_and_one_that_fits_is_not(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    encoder = load(make(tmp_path / "model"))
    assert encoder.limit is not None
    fitting = next(
        text
        for count in range(encoder.limit, 0, -1)
        if len(encoder._tokenizer(text := "a " * count).input_ids) <= encoder.limit
    )
    assert encoder.embed(fitting).shape[1] >= encoder.limit - 2
    with pytest.raises(BadInput, match="at most"):
        encoder.embed("a " * (encoder.limit + 1))


def test_a_checkpoint_of_a_masked_language_model_will_do(tmp_path: Path) -> None:
    folder = tiny.bert(tmp_path / "bert")
    BertForMaskedLM(BertConfig.from_pretrained(folder)).save_pretrained(folder)
    encoder = load(folder)
    assert encoder.embed("a word").shape[2] == 24


def test_a_text_without_tokens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="empty"):
        load(tiny.roberta(tmp_path / "roberta")).embed("")
    with pytest.raises(BadInput, match="surrogate"):
        load(tmp_path / "roberta").embed("\udc00")


def test_a_tokenizer_with_more_entries_than_the_model_is_refused(tmp_path: Path) -> None:
    folder = tiny.bert(tmp_path / "bert", vocab_size=50)
    with pytest.raises(ModelError, match="do not belong together"):
        load(folder)


def test_another_vocabulary_is_refused_even_if_it_would_fit(tmp_path: Path, four: dict[str, Path]) -> None:
    """The notebook's mistake: deberta-base's ids, each a valid row of deberta-v3's table, and all wrong."""
    folder = tiny.bert(tmp_path / "bert", vocab_size=1000)
    with pytest.raises(ModelError, match="does not have the vocabulary"):
        load(folder, str(four["bytes"]))


def test_the_same_vocabulary_under_another_name_is_fine(bert: Path, four: dict[str, Path]) -> None:
    assert load(bert, str(four["pieces"])).embed("a word").ids == load(bert).embed("a word").ids


def test_a_model_that_comes_without_a_tokenizer_takes_one_that_fits(
    tmp_path: Path, four: dict[str, Path]
) -> None:
    folder = tiny.bert(tmp_path / "bert")
    for file in folder.glob("token*"):
        file.unlink()
    assert load(folder, str(four["pieces"])).embed("a word").ids
    with pytest.raises(ModelError):
        load(folder, str(four["bytes"]))


def test_numbers_that_are_not_finite_fail_the_probe(bert: Path) -> None:
    encoder = load(bert)
    with torch.no_grad():
        encoder._model.get_input_embeddings().weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        encoder.probe()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_single_bad_row_is_found_when_its_token_is_asked_for(bert: Path, bad: float) -> None:
    encoder = load(bert)
    token = encoder.embed("king").ids[1]
    with torch.no_grad():
        encoder._model.get_input_embeddings().weight[token] = bad
    encoder.probe()
    with pytest.raises(ModelError, match="not finite"):
        encoder.embed("king")
    assert encoder.embed("queen").ids


def test_a_vector_of_zeros_has_no_cosine(bert: Path) -> None:
    encoder = load(bert)
    norm = encoder._model.encoder.layer[-1].output.LayerNorm
    with torch.no_grad():
        norm.weight.fill_(0)
        norm.bias.fill_(0)
    with pytest.raises(BadInput, match="“song” is all zeros"):
        encoder.contexts("a song", "the song")


def test_the_words_of_a_text_know_their_tokens(bert: Path) -> None:
    found = load(bert).embed("The gardening, mishap!")
    assert [word.text for word in found.words] == ["The", "gardening", "mishap"]
    for word in found.words:
        joined = "".join(found.pieces[place].token.removeprefix("##") for place in word.places)
        assert joined == word.text.lower()
    assert [piece.id for piece in found.pieces] == list(found.ids)


@pytest.mark.parametrize("make", [tiny.bert, tiny.roberta, tiny.t5])
def test_a_word_moves_with_its_context(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    encoder = load(make(tmp_path / "model"))
    found = encoder.contexts("the song plays", "a song, the song")
    assert {word.text for word in found.words} == {"the", "song"}
    assert [word.cosine for word in found.words] == sorted(word.cosine for word in found.words)
    for word in found.words:
        one = torch.tensor([found.first.vectors[place] for place in word.first.places]).mean(0)
        other = torch.tensor([found.second.vectors[place] for place in word.second.places]).mean(0)
        assert word.cosine == pytest.approx(float(torch.cosine_similarity(one, other, 0)), abs=1e-4)
    assert found.unrelated is not None
    assert -1 <= found.unrelated <= 1


def test_the_same_text_moves_nothing(bert: Path) -> None:
    found = load(bert).contexts("song", "Song")
    assert found.words[0].cosine == pytest.approx(1.0)
    assert found.unrelated is None


def test_texts_that_share_no_word_are_refused(bert: Path) -> None:
    with pytest.raises(BadInput, match="no word in common"):
        load(bert).contexts("a song", "the king")
