"""The command line: exact JSON, one sentence for what cannot be done, and nothing loaded in vain."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bot.cli import COMMANDS, _parser, main
from bot.client import Tokenwise
from tests.bot.conftest import WriteConfig
from tests.wire import tiny

ROOT = Path(__file__).resolve().parents[2]
TEXT = "The engineer 🎸 builds\n a machine"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models of every kind, with a settings file."""
    folder = tmp_path_factory.mktemp("tiny")
    config = tiny.build(folder)
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(folder / "bert")
    torch.manual_seed(0)
    settings = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    BertModel(settings).save_pretrained(folder / "encoder")
    tokenizer.save_pretrained(folder / "encoder")
    if "[encoder]" not in config.read_text(encoding="utf-8"):
        with config.open("a", encoding="utf-8") as file:
            file.write('[encoder]\nname = "encoder"\n')
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TOKENWISE_DATA_DIR", str(tmp_path / "data"))


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    answer: dict[str, Any] = json.loads(output)
    return answer


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if line.strip()]
    assert len(lines) == 1, captured.err
    return lines[0]


def test_tokens_are_those_of_the_library(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    from transformers import AutoTokenizer

    answer = asked(capsys, "tokens", TEXT)
    assert set(answer) == {"text", "tokenizers"}
    assert answer["text"] == TEXT
    assert [it["name"] for it in answer["tokenizers"]] == ["phi", "bert"]
    for it in answer["tokenizers"]:
        assert set(it) == {"name", "count", "ids", "tokens", "vocab_size", "algorithm"}
        theirs = AutoTokenizer.from_pretrained(folder / it["name"])
        assert it["ids"] == theirs(TEXT)["input_ids"]
        assert it["count"] == len(it["ids"])
        assert it["tokens"] == [theirs.decode([number]) for number in it["ids"]]
        assert it["vocab_size"] == len(theirs)
    assert [it["algorithm"] for it in answer["tokenizers"]] == ["byte-level BPE", "WordPiece"]


def test_a_tokenizer_needs_no_settings(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = asked(
        capsys, "tokens", TEXT, "--tokenizer", str(folder / "bert"), "--tokenizer", str(folder / "phi")
    )
    assert [it["name"] for it in answer["tokenizers"]] == ["bert", "phi"]
    assert asked(capsys, "decode", "--tokenizer", str(folder / "phi"), "40")["ids"] == [40]


def test_a_configured_tokenizer_is_known_by_its_name(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = str(folder / "config.toml")
    for arguments in (["--config", config, "tokens", TEXT], ["tokens", TEXT, "--config", config]):
        answer = asked(capsys, *arguments, "--tokenizer", "bert")
        assert [it["name"] for it in answer["tokenizers"]] == ["bert"]


def test_a_tokenizer_that_fails_takes_no_other_with_it(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, write_config: WriteConfig
) -> None:
    from tokenizers import Tokenizer, models

    lacking = tmp_path / "lacking"
    lacking.mkdir()
    Tokenizer(models.Unigram([(letter, -1.0) for letter in "helo "], None)).save(
        str(lacking / "tokenizer.json")
    )
    (lacking / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    names = f'["{lacking}", "./no-such-folder", "{folder / "phi"}"]'
    config = write_config(f"[tokenizers]\nnames = {names}\n")
    assert main(["tokens", "hello Ω", "--json", "--config", str(config)]) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert [it["name"] for it in answer["tokenizers"]] == ["phi"]
    assert set(answer["failures"]) == {"lacking", "no-such-folder"}
    assert "lacking has no token for Ω" in answer["failures"]["lacking"]
    assert "lacking has no token for Ω" in captured.err
    named = ["--tokenizer", str(lacking), "--tokenizer", str(folder / "phi")]
    assert main(["tokens", "hello Ω", *named]) == 0
    captured = capsys.readouterr()
    assert "phi" in captured.out
    assert "lacking has no token for Ω" in captured.err
    assert "lacking has no token for Ω" in refused(capsys, "tokens", "hello Ω", *named[:2])


def test_vectors_of_zeros_and_files_that_contradict_themselves(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, write_config: WriteConfig
) -> None:
    (tmp_path / "words.vec").write_text("4 3\nking 1 2 3\nqueen 1 2 4\nzero 0 0 0\nman 3 2 1\n")
    config = str(write_config('[words]\nname = "words.vec"\n'))
    assert "“zero” is all zeros" in refused(capsys, "similar", "zero", "--config", config)
    near = asked(capsys, "similar", "king", "--config", config)["neighbours"]
    assert [it["word"] for it in near] == ["queen", "man"]
    (tmp_path / "words.vec").write_text("4 2\nking 1 2 3\n")
    assert "line 2 has 3 numbers" in refused(capsys, "similar", "king", "--config", config)


def test_text_comes_from_standard_input_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert asked(capsys, "tokens", "-", "--tokenizer", "phi")["text"] == TEXT
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))
    assert refused(capsys, "tokens", "-", "--tokenizer", "phi") == "Standard input is not valid UTF-8."


def test_decoding_gives_the_text_back(capsys: pytest.CaptureFixture[str]) -> None:
    ids = asked(capsys, "tokens", TEXT, "--tokenizer", "phi")["tokenizers"][0]["ids"]
    answer = asked(capsys, "decode", "--tokenizer", "phi", *map(str, ids))
    assert set(answer) == {"tokenizer", "ids", "text", "tokens"}
    assert answer["text"] == TEXT
    assert answer["ids"] == ids
    assert len(answer["tokens"]) == len(ids)
    assert "99999" in refused(capsys, "decode", "--tokenizer", "phi", "99999")
    assert refused(capsys, "decode", "--tokenizer", "phi", "-5")


def test_nobody_waits_for_a_pace_in_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr("models.language.engine.time.sleep", rests.append)
    monkeypatch.setenv("TOKENWISE_LANGUAGE__TOKENS_PER_SECOND", "1")
    asked(capsys, "generate", "The engineer", "--max-new-tokens", "3")
    assert max(rests, default=0) < 0.1, "a pace would rest for a second"


def test_generation_is_greedy_unless_asked_and_repeats_with_its_seed(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    answer = asked(capsys, "generate", "The engineer", "--max-new-tokens", "12")
    assert {"prompt", "text", "input_ids", "output_ids"} <= set(answer)
    tokenizer = AutoTokenizer.from_pretrained(folder / "phi")
    model: Any = AutoModelForCausalLM.from_pretrained(folder / "phi")
    inputs = tokenizer("The engineer", return_tensors="pt")
    theirs = model.generate(**inputs, max_new_tokens=12, do_sample=False)[0].tolist()
    assert answer["input_ids"] + answer["output_ids"] == theirs
    assert answer["prompt"] == "The engineer"

    sampled = ["generate", "The engineer", "--max-new-tokens", "12", "--temperature", "1.5", "--seed", "7"]
    first, second = (asked(capsys, *sampled) for _ in range(2))
    assert first == second
    assert first["output_ids"] != answer["output_ids"]


def test_the_likeliest_tokens_alone_may_be_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    greedy = asked(capsys, "generate", "The engineer", "--max-new-tokens", "12")
    drawn = ["generate", "The engineer", "--max-new-tokens", "12", "--temperature", "2", "--seed", "7"]
    assert asked(capsys, *drawn, "--top-k", "1")["output_ids"] == greedy["output_ids"]
    assert asked(capsys, *drawn, "--top-k", "0") == asked(capsys, *drawn)


def test_what_could_follow_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "next", TEXT, "--top", "4")
    assert set(answer) == {"text", "ids", "entropy_bits", "candidates"}
    assert answer["text"] == TEXT
    assert [set(one) for one in answer["candidates"]] == [{"id", "token", "probability", "kept"}] * 4
    assert all(one["kept"] == pytest.approx(one["probability"]) for one in answer["candidates"])
    cut = asked(capsys, "next", TEXT, "--top", "4", "--temperature", "0.5", "--top-k", "2")
    assert [one["probability"] for one in cut["candidates"]] == [
        one["probability"] for one in answer["candidates"]
    ]
    assert [bool(one["kept"]) for one in cut["candidates"]] == [True, True, False, False]
    assert sum(one["kept"] for one in cut["candidates"]) == pytest.approx(1)
    for options in (("--top-p", "0.01"), ("--min-p", "1")):
        narrow = asked(capsys, "next", TEXT, *options)
        assert [one["kept"] for one in narrow["candidates"]] == [1.0] + [0.0] * 14


def test_how_much_a_text_surprises(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "surprise", TEXT)
    assert set(answer) == {"ids", "tokens", "bits", "perplexity"}
    assert len(answer["ids"]) == len(answer["tokens"]) == len(answer["bits"])
    assert answer["bits"][0] is None
    mean = sum(answer["bits"][1:]) / (len(answer["bits"]) - 1)
    assert answer["perplexity"] == pytest.approx(2**mean)


def test_what_the_layers_would_say(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "lens", TEXT)
    assert set(answer) == {"ids", "tokens", "layers"}
    assert {len(row) for row in answer["layers"]} == {len(answer["ids"])}
    assert set(answer["layers"][0][0]) == {"id", "token", "probability"}
    best = asked(capsys, "next", TEXT)["candidates"][0]
    assert answer["layers"][-1][-1]["id"] == best["id"]


def test_where_tokens_look(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "attention", TEXT, "--layer", "1")
    assert set(answer) == {"ids", "tokens", "weights"}
    count = len(answer["ids"])
    for head in answer["weights"]:
        assert [len(row) for row in head] == [count] * count
        assert [sum(row) for row in head] == pytest.approx([1.0] * count)
    one = asked(capsys, "attention", TEXT, "--layer", "1", "--head", "0")
    assert one["weights"] == answer["weights"][:1]
    assert main(["attention", TEXT, "--layer", "99"]) == 1
    assert "no layer 99" in capsys.readouterr().err


def test_what_a_token_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    first = asked(capsys, "why", TEXT)
    assert set(first) == {"ids", "tokens", "target", "occlusion", "gradient"}
    assert {len(first[key]) for key in ("tokens", "occlusion", "gradient")} == {len(first["ids"])}
    written = asked(capsys, "generate", TEXT, "--max-new-tokens", "3")["output_ids"]
    third = asked(capsys, "why", TEXT, "--token", "2")
    assert [first["target"]["id"], third["target"]["id"]] == [written[0], written[2]]
    assert third["ids"] == [*first["ids"], *written[:2]]


def test_the_tree_of_continuations(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "paths", TEXT, "--width", "4", "--depth", "2")
    assert set(answer) == {"id", "token", "probability", "next"}
    best = asked(capsys, "next", TEXT)["candidates"][:4]
    assert {one["id"] for one in answer["next"]} >= {one["id"] for one in best}
    assert answer["next"][0]["probability"] == pytest.approx(best[0]["probability"])
    assert all(child["next"] == [] for one in answer["next"] for child in one["next"])


def test_embedding_says_its_shape(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "embed", "the engineer")
    assert {"tokens", "ids", "shape"} <= set(answer)
    assert answer["shape"] == [1, len(answer["ids"]), 16]
    assert len(answer["tokens"]) == len(answer["ids"])


def test_a_second_text_is_compared_with_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "embed", "the engineer sings", "an engineer writes the song")
    assert {word["word"] for word in answer["words"]} == {"the", "engineer"}
    assert answer["moved"] == "engineer"
    assert all(-1 <= word["cosine"] <= 1 for word in answer["words"])
    assert main(["embed", "the engineer sings", "an engineer writes the song"]) == 0
    assert "the context changed “engineer” the most" in capsys.readouterr().out
    assert "have no word in common" in refused(capsys, "embed", "engineer", "song")


def test_similar_takes_sums(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "similar", "king", "-", "man", "+", "woman", "-n", "3")
    assert set(answer) == {"neighbours"}
    assert [set(it) for it in answer["neighbours"]] == [{"word", "score"}] * 3
    assert answer == asked(capsys, "similar", "king - man + woman", "-n", "3")
    assert "Did you mean" in refused(capsys, "similar", "enginer")


def test_similar_by_vector_begins_with_the_word(capsys: pytest.CaptureFixture[str]) -> None:
    (first, *others) = asked(capsys, "similar", "king", "-n", "4", "--by", "vector")["neighbours"]
    assert first["word"] == "king"
    assert first["score"] == pytest.approx(1.0)
    assert others == asked(capsys, "similar", "king", "-n", "3")["neighbours"]


def test_similar_compares_two_words_and_finds_the_odd_one(capsys: pytest.CaptureFixture[str]) -> None:
    pair = asked(capsys, "similar", "king,", "queen")
    assert pair["words"] == ["king", "queen"]
    assert -1 <= pair["cosine"] <= 1
    assert all(rank >= 1 for rank in pair["ranks"])
    several = asked(capsys, "similar", "king, queen, man, engineer")
    assert several["odd"] == several["words"][-1]["word"]
    for query, says in (("king, queen", "number"), ("king, queen, man", "does not belong")):
        assert main(["similar", query]) == 0
        assert says in capsys.readouterr().out


def test_recommend_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    answer = asked(capsys, "recommend", "--song", "1", "--song", "2", "-n", "4")
    assert set(answer) == {"songs"}
    assert len(answer["songs"]) == 4
    for song in answer["songs"]:
        assert set(song) == {"id", "title", "artist", "because", "reasons"}
        assert [reason["id"] for reason in song["reasons"]] == song["because"]
        assert song["id"] not in {"1", "2"}
        assert song["because"]
        assert set(song["because"]) <= {"1", "2"}
    alone = asked(capsys, "recommend", "--song", "1")["songs"]
    assert all(song["because"] == ["1"] for song in alone)
    assert all(0 < song["reasons"][0]["shared"] <= song["reasons"][0]["playlists"] for song in alone)
    vectors = asked(capsys, "recommend", "--song", "1", "--by", "vectors")["songs"]
    assert [song["id"] for song in vectors] != [song["id"] for song in alone]
    assert all(song["because"] == [] for song in vectors)
    unlike = asked(capsys, "recommend", "--like", "1", "--unlike", alone[0]["id"])["songs"]
    assert alone[0]["id"] not in {song["id"] for song in unlike}
    assert len(asked(capsys, "recommend", "-n", "5")["songs"]) == 5
    assert "nosuch" in refused(capsys, "recommend", "--song", "nosuch")


def test_the_one_song_that_was_named_is_not_in_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recommend", "--song", "1", "--per-artist", "0"]) == 0
    first, head, *rows = capsys.readouterr().out.strip().splitlines()
    assert first.startswith("Goes with ")
    label = first.removeprefix("Goes with ").strip()
    assert "playlists in common" in head
    assert len(rows) == 10
    assert all(re.search(r"\d+ of \d+$", row.strip()) and label not in row for row in rows)


def test_a_song_may_be_named_by_its_title(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    songs = (folder / "songs.tsv").read_text(encoding="utf-8").splitlines()
    number, title, artist = songs[0].split("\t")[:3]
    by_id = asked(capsys, "recommend", "--song", number)
    for name in (title, f"{title} {artist}".upper(), f"{title}s {artist}"):
        assert main(["recommend", "--song", name, "--json"]) == 0
        captured = capsys.readouterr()
        assert json.loads(captured.out) == by_id
        assert f"to mean {title} - {artist} (id {number})." in captured.err


def test_a_title_that_two_songs_have_is_asked_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "songs.tsv").write_text("1\tHurt\tTent\n2\tHurt\tGranary\n3\tJump\tHalen\n", encoding="utf-8")
    (tmp_path / "lists.txt").write_text("1 2 3\n" * 9, encoding="utf-8")
    config = tmp_path / "config.toml"
    config.write_text('[songs]\nsongs = "songs.tsv"\nplaylists = "lists.txt"\n', encoding="utf-8")
    line = refused(capsys, "recommend", "--song", "hurt", "--config", str(config))
    assert "more than one song: Hurt - " in line
    assert "(id 1)" in line
    assert "(id 2)" in line
    assert main(["recommend", "--song", "hurt granary", "--config", str(config), "--json"]) == 0
    assert "Hurt - Granary (id 2)" in capsys.readouterr().err


def test_an_answer_is_apart_from_the_prompt_and_a_continuation_is_not(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder / "phi", tmp_path / "chat")
    template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    (tmp_path / "chat" / "chat_template.jinja").write_text(template, encoding="utf-8")
    for name, apart in ((folder / "phi", ""), (tmp_path / "chat", "\n\n")):
        monkeypatch.setenv("TOKENWISE_LANGUAGE__NAME", str(name))
        arguments = ("generate", "The engineer", "--max-new-tokens", "5")
        text = asked(capsys, *arguments)["text"]
        assert main(arguments) == 0
        assert capsys.readouterr().out.startswith(f"The engineer{apart}{text}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("tokens", TEXT),
        ("tokens", TEXT, "--tokenizer", "phi"),
        ("decode", "--tokenizer", "phi", "40", "41"),
        ("generate", "The engineer", "--max-new-tokens", "5"),
        ("embed", "the engineer"),
        ("next", "The engineer", "--top-k", "3"),
        ("surprise", "The engineer builds"),
        ("lens", "The engineer builds"),
        ("attention", "The engineer builds"),
        ("why", "The engineer builds"),
        ("paths", "The engineer"),
        ("similar", "engineer"),
        ("recommend", "--song", "1"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_people_get_something_to_look_at(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert main(arguments) == 0
    output = capsys.readouterr().out
    assert output.strip()
    assert not output.startswith("{")


@pytest.mark.parametrize(
    "arguments",
    [("tokens", "x"), ("generate", "x"), ("embed", "x"), ("similar", "x"), ("recommend",)],
    ids=lambda arguments: arguments[0],
)
def test_a_section_that_is_left_out_is_a_mistake_in_the_settings(
    capsys: pytest.CaptureFixture[str], write_config: WriteConfig, arguments: tuple[str, ...]
) -> None:
    line = refused(capsys, *arguments, "--config", str(write_config("")), code=2)
    assert "section in the settings" in line


def test_a_model_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere" in refused(capsys, "tokens", "x", "--tokenizer", "./nowhere")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], ""),
        (["nonsense"], ""),
        (["tokens"], ""),
        (["decode", "--tokenizer", "phi", "x"], ""),
        (["similar", "a", "-n", "0"], "argument -n: '0' is not a whole number from 1 to 1,000"),
        (["similar", "a", "-n", "many"], "'many' is not a whole number"),
        (["generate", "x", "--temperature", "2.1"], "--temperature: '2.1' is not a number from 0 to 2"),
        (["generate", "x", "--temperature", "nan"], "'nan' is not a number"),
        (["generate", "x", "--top-p", "0"], "--top-p: '0' is not a number from 0.01 to 1"),
        (["generate", "x", "--top-k", "-1"], "--top-k: '-1' is not a whole number of at least 0"),
        (["generate", "x", "--seed", "-1"], "--seed: '-1' is not a whole number of at least 0"),
        (["generate", "x", "--max-new-tokens", "10000000"], "from 1 to 8,192"),
        (["recommend", "Jump\x1b[2J"], "usage: tokenwise recommend"),
        (["recommend", "Jump\x1b[2J"], "unrecognized arguments: Jump‹U+001B›[2J"),
    ],
)
def test_misuse_exits_with_2(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage: " in captured.err
    assert complaint in captured.err


EVIL = "a\x1b[2J\u202e\x9bz\u2800 🎸"


@pytest.mark.parametrize(
    "question",
    [
        "tokens",
        "embed",
        "generate",
        "similar",
        "next",
        "surprise",
        "lens",
        "attention",
        "why",
        "paths",
    ],
)
def test_nothing_that_steers_a_terminal_reaches_it(capsys: pytest.CaptureFixture[str], question: str) -> None:
    main([question, EVIL])
    captured = capsys.readouterr()
    assert captured.out + captured.err
    assert not set(captured.out + captured.err) & {"\x1b", "\u202e", "\x9b"}
    if question == "tokens":
        assert asked(capsys, "tokens", EVIL)["text"] == EVIL


def test_bytes_of_partial_characters_are_shown_as_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "🎸", "--tokenizer", "phi"]) == 0
    assert "‹F0" in capsys.readouterr().out


def test_a_prompt_that_is_refused_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "empty" in refused(capsys, "generate", "")


def test_models_that_are_not_there_point_at_those_that_come_with_the_bot(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text('[words]\nname = "./nowhere"\n', encoding="utf-8")
    assert "--config demo/config.toml" in refused(capsys, "similar", "x")
    assert "--config models" not in refused(capsys, "similar", "x", "--config", "config.toml")


def test_a_path_is_named_as_it_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "decode", "--tokenizer", "/nowhere/at/all", "1")
    assert line == "No such file or folder: /nowhere/at/all."


def test_check_prints_every_problem_and_exits_with_2(
    capsys: pytest.CaptureFixture[str], write_config: WriteConfig
) -> None:
    path = write_config("[lanes.words]\nqueue = -1\n[log]\nlevel = 'LOUD'\n")
    assert main(["check", "--config", str(path)]) == 2
    captured = capsys.readouterr()
    assert [line.partition(":")[0] for line in captured.out.splitlines()] == [
        "lanes.words.queue",
        "log.level",
    ]
    assert captured.err == ""

    path = write_config("[language]\nname = './nowhere'\n")
    assert main(["--config", str(path), "check"]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("language.name: there is no file or folder")


def test_check_shows_what_is_in_force(
    capsys: pytest.CaptureFixture[str], write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    monkeypatch.setenv("TOKENWISE_LANES__WORDS__QUEUE", "7")
    assert main(["check", "--config", str(write_config(""))]) == 0
    output = capsys.readouterr()
    assert "token: set\n" in output.out
    assert "lanes.words.queue = 7\n" in output.out
    assert "very-secret" not in output.out + output.err


def test_check_tells_of_every_model_that_is_missing(
    capsys: pytest.CaptureFixture[str],
    write_config: WriteConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a-token")
    (tmp_path / "hollow").mkdir()
    path = write_config(
        """
        [language]
        name = "nobody/has-this"
        [tokenizers]
        names = ["nobody/has-that", "hollow"]
        [encoder]
        name = "hollow"
        [words]
        name = "no-such-vectors"
        [songs]
        songs = "songs.tsv"
        playlists = "https://films.example/lists.txt"
        """
    )
    assert main(["check", "--config", str(path)]) == 0
    warnings = capsys.readouterr().err.splitlines()
    assert [line.removeprefix("warning: ").partition(":")[0] for line in warnings] == [
        "songs.songs", "songs.playlists", "tokenizers", "words", "encoder", "language",
    ]  # fmt: skip
    assert (
        "nobody/has-this is not on this machine yet. “python -m bot fetch language” downloads it."
        in warnings[-1]
    )
    assert "contains no weights" in warnings[-2]


def test_check_tries_every_model(
    capsys: pytest.CaptureFixture[str], write_config: WriteConfig, folder: Path
) -> None:
    path = write_config(
        f"""
        [words]
        name = "{(folder / "words").as_posix()}"
        [encoder]
        name = "nobody/has-this"
        """
    )
    assert main(["check", "--load", "--config", str(path)]) == 1
    captured = capsys.readouterr()
    assert "words: loaded words (0." in captured.out
    assert "encoder: nobody/has-this is not on this machine yet." in captured.err


def test_run_without_a_token_says_how_to_set_it(
    capsys: pytest.CaptureFixture[str], write_config: WriteConfig
) -> None:
    assert "set DISCORD_TOKEN" in refused(capsys, "run", "--config", str(write_config("")), code=2)


def test_health_of_nobody(
    capsys: pytest.CaptureFixture[str], write_config: WriteConfig, unused_tcp_port: int
) -> None:
    path = write_config("")
    assert "health.enabled is false" in refused(capsys, "health", "--config", str(path))
    path = write_config(f"[health]\nenabled = true\nport = {unused_tcp_port}\n")
    assert "No bot responds at" in refused(capsys, "health", "--config", str(path))


def in_a_process(
    *arguments: str, stdout: int = subprocess.PIPE, check: bool = True
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(  # noqa: S603 - this very Python
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=check, timeout=60, env=environment
    )


IMPORTED = "import sys; from bot.cli import main; main({!r}); print(*sys.modules, file=sys.stderr)"


@pytest.mark.parametrize(
    ("arguments", "not_loaded"),
    [
        (["check"], {"torch", "transformers", "gensim", "discord", "numpy", "rich", "aiohttp"}),
        (["health"], {"torch", "transformers", "gensim", "discord", "numpy", "rich", "aiohttp"}),
        (["similar", "engineer", "--json"], {"torch", "transformers", "discord", "aiohttp"}),
        (["tokens", "x", "--json"], {"gensim", "discord", "aiohttp"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_nothing_is_loaded_in_vain(arguments: list[str], not_loaded: set[str]) -> None:
    script = IMPORTED.format([*arguments])
    ended = in_a_process("-c", script)
    loaded = {name.partition(".")[0] for name in ended.stderr.split()}
    assert not loaded & not_loaded


def test_an_answer_that_nobody_reads_is_no_failure_to_talk_about() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = in_a_process("-m", "bot", "tokens", "a b c", "--tokenizer", "phi", stdout=writer, check=False)
    os.close(writer)
    assert ended.returncode == 1
    assert ended.stderr == ""


STUCK = """
import logging, sys, threading
from concurrent.futures import ThreadPoolExecutor
from bot.cli.terminal import leave
logging.basicConfig()
ThreadPoolExecutor(1, thread_name_prefix="lane-stuck").submit(threading.Event().wait)
print("answered")
sys.exit(leave(0))
"""


def test_a_stuck_thread_does_not_keep_the_process() -> None:
    began = time.monotonic()
    ended = in_a_process("-c", STUCK)
    assert time.monotonic() - began < 15
    assert ended.stdout == "answered\n"
    assert "leaving without lane-stuck" in ended.stderr


def test_a_load_that_nobody_waits_for_is_left_without_a_word() -> None:
    loading = STUCK.replace("lane-stuck", "lane-loading")
    # transformers reads weights in a pool of its own, whose threads have only the library's names.
    pool = loading.replace("print(", "ThreadPoolExecutor(1).submit(threading.Event().wait)\nprint(")
    for program in (loading, pool):
        ended = in_a_process("-c", program)
        assert (ended.stdout, ended.stderr) == ("answered\n", "")
    unknown = in_a_process("-c", STUCK.replace(', thread_name_prefix="lane-stuck"', ""))
    assert "leaving without ThreadPoolExecutor-0_0" in unknown.stderr


def test_a_demo_that_is_asked_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing to ask" in refused(capsys, "demo", "--say", " \n ", code=2)


@pytest.mark.parametrize(
    ("text", "ids", "count"),
    [
        ("0-3/16", [0, 1, 2, 3], 16),
        ("5/16", [5], 16),
        ("0/1", [0], 1),
        ("6,0,2-3/8", [0, 2, 3, 6], 8),
        ("12-15/16", [12, 13, 14, 15], 16),
    ],
)
def test_shards_are_a_range_of_all(
    text: str, ids: list[int], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Tokenwise] = []

    async def serve(bot: Tokenwise, _: str) -> int:
        started.append(bot)
        return 0

    monkeypatch.setattr("bot.process.serve", serve)
    monkeypatch.setattr("bot.logs.setup", lambda *_: None)
    monkeypatch.setenv("DISCORD_TOKEN", "a.token.of.no.use")
    assert main(["run", "--shards", text]) == 0
    (bot,) = started
    assert (bot.shard_ids, bot.shard_count) == (ids, count)


@pytest.mark.parametrize(
    "text", ["0-3", "3/3", "4-2/8", "0-3/0", "/4", "a/4", "0,0/4", "0-9999999/4", "-1/4", "0-3/²"]
)
def test_what_names_no_shards_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", f"--shards={text}"])
    assert ended.value.code == 2
    assert "does not name shards" in capsys.readouterr().err


def test_the_commands_for_operators_are_as_the_terminal_takes_them() -> None:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    text += (ROOT / "deploy" / "tokenwise.service").read_text(encoding="utf-8")
    text = re.sub(r"\$\(.*?\)", "DATE", text)
    commands = re.findall(r"python -m bot ([^`\n#]+)", text)
    commands += re.findall(r"docker compose run --rm tokenwise (\S+)", text)
    assert len(commands) > 12
    for command in commands:
        arguments, unknown = _parser().parse_known_args(shlex.split(command))
        assert not unknown, command
        assert arguments.command in COMMANDS
