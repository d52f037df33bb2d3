"""Settings: every mistake is one line that names the key and says what is allowed, and no secret is printed."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.settings.check import allowed, effective, inspect, value_of
from bot.settings.load import load
from bot.settings.schema import API_URL, ConfigError, Settings, env_name, keys
from models.sections import LanguageSection, SongsSection, TokenizersSection
from models.specs import EncoderSpec, LanguageSpec, SongsSpec, TokenizersSpec, WordsSpec
from tests.bot.conftest import WriteConfig

ROOT = Path(__file__).resolve().parents[2]
# In the shape of a token, and none.
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.G3mplX.abcdefghijklmnopqrstuvwxyz0123456789AB"


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as failure:
        load(path)
    assert all("\n" not in line for line in failure.value.problems)
    return failure.value.problems


def test_an_empty_file_means_the_defaults(write_config: WriteConfig, tmp_path: Path) -> None:
    settings = load(write_config(""))
    assert settings.data_dir == tmp_path / "data"
    assert settings.discord.api_url == API_URL
    assert settings.lanes.language.queue == 16
    assert settings.lanes.language.timeout == 300
    assert settings.lanes.words.queue == 32
    assert settings.language is None
    assert settings.token is None
    assert settings.specs() == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[lanes.language]\nqueue = 'many'", 'lanes.language.queue: got "many"; allowed: a whole number, at least 0 and at most 1,000'),
        ("[lanes.language]\nqueue = '16'", 'lanes.language.queue: got "16"; allowed: a whole number, at least 0 and at most 1,000'),
        ("[lanes.words]\nworkers = 0", "lanes.words.workers: got 0; allowed: a whole number, at least 1 and at most 64"),
        ("[discord]\nshard_ids = [0, 4]\nshard_count = 4", "discord.shard_ids: got [0, 4]; allowed: different numbers below discord.shard_count (4)"),
        ("[discord]\nshard_ids = [1, 1]\nshard_count = 4", "discord.shard_ids: got [1, 1]; allowed: different numbers below discord.shard_count (4)"),
        ("[discord]\nshard_ids = [0]", "discord.shard_ids: got [0]; allowed: different numbers below discord.shard_count (0)"),
        ("[limits]\nper_user = true", "limits.per_user: got true; allowed: a whole number, at least 1 and at most 100"),
        ("[limits]\nseconds = -1", "limits.seconds: got -1; allowed: a number, more than 0 and at most 3,600"),
        ("[health]\nenabled = 1", "health.enabled: got 1; allowed: true or false"),
        ("[health]\nport = 70000", "health.port: got 70000; allowed: a whole number, at least 1 and at most 65,535"),
        ("[log]\nlevel = 'LOUD'", 'log.level: got "LOUD"; allowed: one of "DEBUG", "INFO", "WARNING", "ERROR"'),
        ("[language]\nname = 'a'\ndevice = 'tpu'", 'language.device: got "tpu"; allowed: "auto", "cpu", "mps", "cuda" or "cuda:N"'),
        ("[language]\nname = 'a'\ndtype = 'int8'", 'language.dtype: got "int8"; allowed: one of "auto", "float32", "bfloat16", "float16"'),
        ("[language]\nname = ''", 'language.name: got ""; allowed: a model name on the hub, or a local file or folder'),
        ("[language]\ndevice = 'cpu'", "language.name: missing; allowed: a model name on the hub, or a local file or folder"),
        ("[language]\nname = 'a'\nmax_new_tokens = 5\ndefault_new_tokens = 9", "language.default_new_tokens: got 9; allowed: at most language.max_new_tokens (5)"),
        ("[tokenizers]\nnames = []", "tokenizers.names: got []; allowed: a list with at least one entry, each a model name on the hub, or a local file or folder"),
        ("[tokenizers]\nnames = 'one'", 'tokenizers.names: got "one"; allowed: a list with at least one entry, each a model name on the hub, or a local file or folder'),
        ("[discord]\nguild_ids = ['x']", 'discord.guild_ids: got "x"; allowed: a list of: ids (whole numbers)'),
        ("[discord]\napi_url = 'discord.com'", 'discord.api_url: got "discord.com"; allowed: a URL that starts with https:// or http://'),
        ("[discord]\ngateway_url = 'https://x'", 'discord.gateway_url: got "https://x"; allowed: a URL that starts with wss:// or ws://, or empty'),
        ("[database]\nurl = 'mysql://h/d'", 'database.url: got "mysql://h/d"; allowed: a URL that starts with sqlite or postgresql, or empty'),
        ("[database]\nurl = 'likes.db'", 'database.url: got "likes.db"; allowed: a URL that starts with sqlite or postgresql, or empty'),
        ("language = 3", "language: got 3; allowed: a table, starting with the line [language]"),
        ("lanes = 3", "lanes: got 3; allowed: a table, starting with the line [lanes]"),
        ("[lanes]\nwords = 3", "lanes.words: got 3; allowed: a table, starting with the line [lanes.words]"),
        ("[limit]\nper_user = 1", "limit: unknown key; did you mean limits?"),
        ("[limits]\nper_usr = 1", "limits.per_usr: unknown key; did you mean limits.per_user?"),
        ("data_dirr = 'x'", "data_dirr: unknown key; did you mean data_dir?"),
        ("[lanes.lang]\nqueue = 1", "lanes.lang: unknown key; did you mean lanes.language?"),
        ("[lane.words]\nqueue = 1", "lane: unknown key; did you mean lanes?"),
        ("[limits]\nroles = 3", "limits.roles: got 3; allowed: one table of limits per id"),
        ("[limits.roles]\n7 = 3", "limits.roles.7: got 3; allowed: a table, starting with the line [limits.roles.7]"),
        ("[limits.roles.tutors]\nper_user = 3", 'limits.roles.tutors: got "tutors"; allowed: ids (whole numbers)'),
        ("[limits.roles.0]\nper_user = 3", "limits.roles.0: got 0; allowed: ids (whole numbers)"),
        ("[limits.roles.7]\nper_user = 0", "limits.roles.7.per_user: got 0; allowed: a whole number, at least 1 and at most 100"),
        ("[limits.channels.7]\nmax_new_tokens = 'all'", 'limits.channels.7.max_new_tokens: got "all"; allowed: a whole number, at least 1 and at most 8,192'),
        ("[limits.channels.7]\nseconds = 0", "limits.channels.7.seconds: got 0; allowed: a number, more than 0 and at most 3,600"),
        ("[limits.channels.7]\nper_usr = 1", "limits.channels.7.per_usr: unknown key; did you mean limits.channels.7.per_user?"),
        ("[limits.channels.7]\ncolour = 1", "limits.channels.7.colour: unknown key"),
        ("[discord]\nchannel_ids = ['#bots']", 'discord.channel_ids: got "#bots"; allowed: a list of: ids (whole numbers)'),
        ("[audit]\nkeep = 0", "audit.keep: got 0; allowed: a whole number, at least 1 and at most 1,000"),
    ],
)  # fmt: skip
def test_each_mistake_in_the_file_is_one_line(write_config: WriteConfig, text: str, line: str) -> None:
    assert problems(write_config(text)) == [line]


def test_all_mistakes_are_told_at_once(write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENWISE_LIMITS__PER_USR", "1")
    found = problems(
        write_config("[lanes.words]\nqueue = -1\n[log]\nlevel = 'LOUD'\n[discord]\ntoken = 'x'\n")
    )
    assert [line.partition(":")[0] for line in found] == [
        "discord.token", "TOKENWISE_LIMITS__PER_USR", "lanes.words.queue", "log.level",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"[discord\n", "not valid TOML"),
        (b"\xff\xfe", "not valid TOML: the file is not UTF-8 text"),
        (None, "no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes | None, part: str) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    (line,) = problems(path)
    assert part in line


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as failure:
        load(tmp_path)
    assert failure.value.problems == [f"{tmp_path}: this is a folder; pass a file with --config"]


def test_a_level_may_be_written_in_small_letters(write_config: WriteConfig) -> None:
    assert load(write_config("[log]\nlevel = 'debug'\n")).log.level == "DEBUG"


def test_a_section_and_a_lane_are_had_by_their_type_and_their_slot(write_config: WriteConfig) -> None:
    settings = load(write_config("[language]\nname = 'a'\n[lanes.language]\nqueue = 3"))
    language = settings.section(LanguageSection)
    assert language is settings.language
    assert language is not None
    assert language.name == "a"
    assert settings.section(SongsSection) is None
    assert settings.lane("language") is settings.lanes.language
    assert (settings.lane("language").workers, settings.lane("language").queue) == (8, 3)


# The database


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/tokenwise.db",
        "sqlite+aiosqlite:///likes.db",
        "postgresql://db.example/tokenwise",
        "postgresql+asyncpg://bot@db.example:5432/tokenwise",
    ],
)
def test_a_database_is_a_url(write_config: WriteConfig, url: str) -> None:
    settings = load(write_config(f"[database]\nurl = '{url}'"))
    assert settings.database.url == url
    assert f'database.url = "{url}"' in effective(settings)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://bot:s3cret@db/t", "postgresql://bot:***@db/t"),
        ("postgresql://bot:s3cr@t/s3cret@db/t", "postgresql://bot:***@db/t"),
        ("postgresql://:s3cret@db/t", "postgresql://:***@db/t"),
        ("postgresql://db/t?user=bot&password=s3cret&port=1", "postgresql://db/t?user=bot&password=***&port=1"),
        ("postgresql+asyncpg://bot:s3cret@db/t?sslpassword=s3cret", "postgresql+asyncpg://bot:***@db/t?sslpassword=***"),
    ],
)  # fmt: skip
def test_a_password_is_not_printed(write_config: WriteConfig, url: str, shown: str) -> None:
    settings = load(write_config(f"[database]\nurl = '{url}'"))
    assert f'database.url = "{shown}"' in effective(settings)
    assert "s3cret" not in "".join(effective(settings)) + repr(settings) + str(settings)


@pytest.mark.parametrize(
    "text",
    [
        "[database]\nurl = 'mysql://bot:s3cret@db/t'",
        "[database]\nurl = 'bot:s3cret@db/t'",
        "[database]\nurl = 'postgres ://bot:s3cret@db/t'",
        "[database]\nurl = ['postgresql://bot:s3cret@db/t']",
        "[database.url]\nurl = 'postgresql://bot:s3cret@db/t'",
        "database = 'postgresql://bot:s3cret@db/t'",
        "[log]\nlevel = 'postgresql://bot:s3cret@db/t'",
    ],
)
def test_a_password_in_a_mistake_is_not_printed(write_config: WriteConfig, text: str) -> None:
    (line,) = problems(write_config(text))
    assert "s3cret" not in line.casefold()


# The environment


def test_the_environment_wins(write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_config(
        "[discord]\napi_url = 'https://one.example'\n[lanes.language]\nworkers = 2\nqueue = 3"
    )
    monkeypatch.setenv("TOKENWISE_DISCORD__API_URL", "http://127.0.0.1:8080/api/v10/")
    monkeypatch.setenv("TOKENWISE_LANES__LANGUAGE__QUEUE", "4")
    monkeypatch.setenv("TOKENWISE_LANES__LANGUAGE__TIMEOUT", "2.5")
    monkeypatch.setenv("TOKENWISE_HEALTH__ENABLED", "true")
    settings = load(path)
    assert settings.discord.api_url == "http://127.0.0.1:8080/api/v10"
    assert (settings.lanes.language.workers, settings.lanes.language.queue) == (2, 4)
    assert settings.lanes.language.timeout == 2.5
    assert settings.health.enabled


def test_a_gateway_keeps_the_path_that_it_was_given(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config("[discord]\ngateway_url = 'ws://127.0.0.1:9/gateway/'")
    assert load(path).discord.gateway_url == "ws://127.0.0.1:9/gateway/"
    monkeypatch.setenv("TOKENWISE_DISCORD__GATEWAY_URL", "ws://127.0.0.1:9")
    assert load(path).discord.gateway_url == "ws://127.0.0.1:9"


@pytest.mark.parametrize("text", ["[1, 2]", "1,2", " 1 , 2 "])
def test_lists_in_the_environment_may_go_without_brackets(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("TOKENWISE_DISCORD__GUILD_IDS", text)
    monkeypatch.setenv("TOKENWISE_TOKENIZERS__NAMES", "bert-base-uncased, google/flan-t5-small")
    settings = load(write_config(""))
    assert settings.discord.guild_ids == [1, 2]
    tokenizers = settings.section(TokenizersSection)
    assert tokenizers is not None
    assert tokenizers.names == ["bert-base-uncased", "google/flan-t5-small"]


def test_a_list_of_one_in_the_environment_needs_no_brackets_either(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENWISE_DISCORD__GUILD_IDS", "222222222222222222")
    monkeypatch.setenv("TOKENWISE_TOKENIZERS__NAMES", "bert-base-uncased")
    settings = load(write_config(""))
    assert settings.discord.guild_ids == [222222222222222222]
    tokenizers = settings.section(TokenizersSection)
    assert tokenizers is not None
    assert tokenizers.names == ["bert-base-uncased"]


def test_mistakes_in_the_environment_name_the_variable(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENWISE_LANES__WORDS__QUEUE", "many")
    monkeypatch.setenv("TOKENWISE_DISCORD__API_URI", "http://x")
    monkeypatch.setenv("TOKENWISE_XYZZY", "1")
    monkeypatch.setenv("TOKENWISE_DISCORD__GUILD_IDS", "one")
    found = problems(write_config(""))
    assert sorted(found) == [
        "TOKENWISE_DISCORD__API_URI: unknown setting; did you mean TOKENWISE_DISCORD__API_URL?",
        "TOKENWISE_XYZZY: unknown setting",
        'discord.guild_ids (from TOKENWISE_DISCORD__GUILD_IDS): got "one"; allowed: a list of: ids (whole numbers)',
        'lanes.words.queue (from TOKENWISE_LANES__WORDS__QUEUE): got "many"; allowed: a whole number, at least 0 and at most 1,000',
    ]  # fmt: skip


def test_limits_by_id_may_come_from_the_environment(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENWISE_LIMITS__ROLES", '{"7": {"per_user": 5, "seconds": 2}}')
    settings = load(write_config("[limits.roles.8]\nmax_new_tokens = 50\n[limits.channels.9]\ncommands = 1"))
    assert {role: limits.per_user for role, limits in settings.limits.roles.items()} == {7: 5, 8: None}
    assert 'limits.roles = {"8": {"max_new_tokens": 50}, "7": {"per_user": 5, "seconds": 2.0}}' in effective(
        settings
    )
    assert settings.limits.channels[9].commands == 1


def test_every_key_has_a_variable(write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set to nonsense, every variable leads to a complaint about its own key: each is really read."""
    free_text = {"language.revision", "encoder.revision", "encoder.tokenizer", "health.host"}
    for key, field in keys():
        if key in free_text or key.startswith(("songs.columns.", "songs.words.")) or field.json_schema_extra:
            continue
        with monkeypatch.context() as patch:
            patch.setenv(env_name(key), "?!")
            lines = problems(
                write_config(
                    "[language]\nname='a'\n[encoder]\nname='a'\n[words]\nname='a'\n"
                    "[songs]\nsongs='a'\nplaylists='b'"
                )
            )
        assert lines[0].startswith(f"{key} (from {env_name(key)}): got "), key


# Paths


def test_paths_count_from_where_they_are_written(
    write_config: WriteConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny-phi").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "vectors.txt").touch()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("TOKENWISE_WORDS__NAME", "vectors.txt")
    monkeypatch.setenv("TOKENWISE_DATA_DIR", "kept")
    settings = load(
        write_config(
            """
            [language]
            name = "tiny-phi"
            [tokenizers]
            names = ["tiny-phi", "microsoft/phi-1_5", "./not-there", "../models/bert"]
            [songs]
            songs = "songs.tsv"
            playlists = "/abs/playlists.txt"
            """
        )
    )
    assert settings.specs() == {
        "tokenizers": TokenizersSpec(
            (
                str(tmp_path / "tiny-phi"),
                "microsoft/phi-1_5",
                str(tmp_path / "not-there"),
                str(tmp_path.parent / "models" / "bert"),
            )
        ),
        "words": WordsSpec(str(elsewhere / "vectors.txt"), elsewhere / "kept"),
        "songs": SongsSpec(
            str(tmp_path / "songs.tsv"),
            "/abs/playlists.txt",
            cache=elsewhere / "kept" / "songs",
            data_dir=elsewhere / "kept",
        ),
        "language": LanguageSpec(str(tmp_path / "tiny-phi")),
    }


def test_addresses_are_left_as_they_are(write_config: WriteConfig, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "data" / "downloads" / "films.example" / "a").mkdir(parents=True)
    (tmp_path / "data" / "downloads" / "films.example" / "a" / "films.tsv").touch()
    settings = load(
        write_config(
            f"""
            [language]
            name = "{(tmp_path / "model").as_uri()}"
            [words]
            name = "https://vectors.example/cc.de.300.vec.gz"
            [songs]
            songs = "https://films.example/a/films.tsv"
            playlists = "https://films.example/a/lists.txt?version=2"
            """
        )
    )
    songs = settings.specs()["songs"]
    assert isinstance(songs, SongsSpec)
    assert songs.songs == "https://films.example/a/films.tsv"
    found, warnings = inspect(settings)
    assert found == []
    assert warnings[0] == (
        "songs.playlists: https://films.example/a/lists.txt?version=2 is not on this machine yet, so /recommend "
        "will not work; “python -m bot fetch songs” downloads it"
    )
    assert not [line for line in warnings if "songs.songs" in line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[words]\nname = 'https://'", 'words.name: "https://" is not a complete address'),
        ("[words]\nname = 'ftp://a.example/b'", 'words.name: "ftp://a.example/b" is not a local file'),
        (
            "[language]\nname = 'https://a.example/b'",
            'language.name: "https://a.example/b" is not a model name on the hub',
        ),
        (
            "[language]\nname = 'file:///not/there'",
            "language.name: there is no file or folder called /not/there",
        ),
    ],
)
def test_what_is_no_address_is_one_line(write_config: WriteConfig, text: str, line: str) -> None:
    found, _ = inspect(load(write_config(text)))
    assert len(found) == 1
    assert found[0].startswith(line)


def test_the_options_of_the_models_reach_their_specs(write_config: WriteConfig) -> None:
    settings = load(
        write_config(
            """
            [language]
            name = "a/b"
            device = "cuda:1"
            dtype = "bfloat16"
            revision = "v2"
            [encoder]
            name = "c/d"
            tokenizer = "e/f"
            device = "cpu"
            [songs]
            songs = "/s"
            playlists = "/p"
            epochs = 30
            seed = 7
            """
        )
    )
    specs = settings.specs()
    assert specs["language"] == LanguageSpec("a/b", "cuda:1", "bfloat16", "v2")
    assert specs["encoder"] == EncoderSpec("c/d", "e/f", "cpu")
    songs = specs["songs"]
    assert isinstance(songs, SongsSpec)
    assert (songs.epochs, songs.seed, songs.window) == (30, 7, 20)


# The token


@pytest.mark.parametrize(
    "text",
    [
        f"token = '{TOKEN}'",
        f"[discord]\ntoken = '{TOKEN}'",
        f"[discord]\nbot_token = '{TOKEN}'",
        f"[discord]\napi_url = '{TOKEN}'",
        f"[tokenizers]\nnames = ['{TOKEN}']",
        "[discord]\nTOKEN = 'short'",
    ],
)
def test_a_token_in_the_file_is_refused_and_not_printed(write_config: WriteConfig, text: str) -> None:
    lines = problems(write_config(text))
    assert "do not put the token here; set DISCORD_TOKEN" in lines[0]
    assert TOKEN not in "".join(lines)
    assert "short" not in "".join(lines)


@pytest.mark.parametrize("name", ["TOKENWISE_TOKEN", "TOKENWISE_DISCORD__TOKEN", "tokenwise_discord__token"])
def test_a_token_under_another_name_is_refused_and_not_printed(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, TOKEN)
    (line,) = problems(write_config(""))
    assert line.startswith(f"{name}: do not put the token here")
    assert TOKEN not in line


def test_the_token_comes_from_the_environment_or_a_file(
    write_config: WriteConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def token() -> str | None:
        found = load(path).token
        return found.get_secret_value() if found else None

    (tmp_path / "first").write_text(f"  {TOKEN}1\n")
    (tmp_path / "second").write_text(f"{TOKEN}2")
    path = write_config("[discord]\ntoken_file = 'first'")
    assert token() == f"{TOKEN}1"
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(tmp_path / "second"))
    assert token() == f"{TOKEN}2"
    monkeypatch.setenv("DISCORD_TOKEN", f" {TOKEN}3 ")
    assert token() == f"{TOKEN}3"
    settings = load(path)
    assert (
        TOKEN
        not in repr(settings) + str(settings) + "".join(effective(settings)) + settings.model_dump_json()
    )
    assert effective(settings)[0] == "token: set"


@pytest.mark.parametrize(
    ("content", "part"),
    [(None, "cannot read"), ("", "is empty"), (f"{TOKEN} and more", "not a token")],
)
def test_a_bad_token_file_is_one_line(
    write_config: WriteConfig, tmp_path: Path, content: str | None, part: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_text(content)
    (line,) = problems(write_config("[discord]\ntoken_file = 'secret'"))
    assert line.startswith("discord.token_file: ")
    assert part in line
    assert TOKEN not in line


# What `check` looks at


def test_what_is_named_must_be_there_or_look_like_a_hub_name(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    path = write_config(
        """
        data_dir = "file/below"
        [language]
        name = "./nowhere"
        [tokenizers]
        names = ["microsoft/phi-1_5", "bert-base-uncased", "not a name"]
        [encoder]
        name = "file"
        tokenizer = "a//b"
        [songs]
        songs = "songs.tsv"
        playlists = "file"
        [discord]
        api_url = "http://proxy.example/api/v10"
        """
    )
    found, warnings = inspect(load(path))
    assert found == [
        f"language.name: there is no file or folder called {tmp_path / 'nowhere'}",
        'tokenizers.names: "not a name" is not a model name on the hub, or a local file or folder',
        f"encoder.tokenizer: there is no file or folder called {tmp_path / 'a/b'}",
        f"data_dir: cannot write to {tmp_path / 'file' / 'below'}",
    ]
    assert [line.partition(":")[0] for line in warnings] == ["songs.songs", "no token", "discord.api_url"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_without_permission_is_a_problem(write_config: WriteConfig, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    found, _ = inspect(load(write_config("data_dir = 'locked'")))
    assert found == [f"data_dir: cannot write to {locked}"]


# The files in the repository


@pytest.mark.parametrize("path", ["config.toml", "demo/config.toml"])
def test_the_configurations_that_come_along_are_valid(path: str) -> None:
    settings = load(ROOT / path)
    assert set(settings.specs()) == {"language", "tokenizers", "encoder", "words", "songs"}
    found, _ = inspect(settings)
    assert found == []


def test_config_toml_shows_every_key_with_its_default_and_a_comment() -> None:
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    # A line that is commented out stands for a key without a value by default.
    content = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))
    defaults = load(ROOT / "config.toml")
    for key, field in keys():
        value = content
        for part in key.split("."):
            assert part in value, f"config.toml does not show {key}"
            value = value[part]
        if not field.is_required() and not field.json_schema_extra and value_of(defaults, key) is not None:
            assert value == field.get_default(), key
    before = ""
    for line in text.splitlines():
        if re.match(r"(# )?\w+ = ", line):
            assert before, f"nothing explains {line!r}"
        before = line


def test_the_reference_describes_every_key_as_the_code_has_it() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9_.]+)` \| (.+) \|$", text, flags=re.MULTILINE))
    expected = {key: reference_row(key) for key, _ in keys()}
    assert rows == expected
    assert "DISCORD_TOKEN" in text


def reference_row(key: str) -> str:
    """The rest of a key's row in docs/configuration.md: default, what is allowed, what it is."""
    import json

    field = dict(keys())[key]
    if field.is_required():
        default = "must be given"
    elif (value := field.get_default()) is None or value == "":
        default = "none"
    else:
        default = f"`{json.dumps(value, default=str)}`"
    return f"{default} | {allowed(field)} | {field.description}"


def test_unknown_settings_cannot_be_made_in_code_either() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        Settings(nonsense=1)  # type: ignore[call-arg]


STRANGE: tuple[Any, ...] = (
    "~nosuchuser", "~nosuchuser/x", "https://[bad", "wss://[bad", "http://h:99999", "https://exa mple/x",
    "a" * 5000, "x/" * 3000, "a\0b", "file:///\0", "file://[bad/x", "sqlite:///\0", "postgresql://u:p@h:abc/x",
    "bad host!", "a..b", "256.256.256.256.", -1, 0, 10**30, float("inf"), float("nan"), True, [], {}, ["a", "\0"],
    [[[[1]]]],
)  # fmt: skip


def problems_of(file: Path) -> list[str]:
    try:
        return inspect(load(file))[0]
    except ConfigError as error:
        return error.problems


@pytest.mark.parametrize("key", [key for key, _ in keys()])
def test_a_strange_value_is_one_line_with_its_key(key: str, tmp_path: Path) -> None:
    for value in STRANGE:
        written = json.dumps(value) if not isinstance(value, float) else str(value)
        lines = {
            "language.name": '"gpt2"', "tokenizers.names": '["gpt2"]', "encoder.name": '"bert"',
            "words.name": '"glove"', "songs.songs": '"s.txt"', "songs.playlists": '"p.txt"', key: written,
        }  # fmt: skip
        file = tmp_path / "config.toml"
        file.write_text("".join(f"{name} = {text}\n" for name, text in lines.items()))
        problems = problems_of(file)
        assert all(line.startswith((key, f"{key.partition('.')[0]}:")) for line in problems), problems
        assert all("\n" not in line and 0 < len(line) < 600 for line in problems)
        assert "p@h" not in "".join(problems)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[lanes.words]\nqueue = " + "9" * 5000, "lanes.words.queue: a number of 5000 digits"),
        ("a = " + "[" * 20_000, "nested too deeply"),
        ("a = " + "[" * 90 + "]" * 90, "nested too deeply"),
        ("[" + ".".join(["a"] * 3000) + "]", "nested too deeply"),
    ],
)
def test_a_monstrous_file_is_one_line(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert len(caught.value.problems) == 1
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["[" * 3000, '{"a":' * 2000, "9" * 5000])
def test_a_monstrous_variable_is_one_line(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    monkeypatch.setenv("TOKENWISE_LIMITS__PER_USER", value)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value).startswith("TOKENWISE_LIMITS__PER_USER: too long to be valid")


@pytest.mark.parametrize("name", ["a" * 300, "x" * 5000, "~nosuchuser/x.toml"])
def test_a_strange_path_of_the_file_is_one_line(name: str) -> None:
    with pytest.raises(ConfigError, match="--config"):
        load(Path(name))
