"""What a reload loads: what the settings file says by now, or another revision of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.failures import NoRevisions, NoSection, Refused, RevisionOfFolder, SettingsWrong
from bot.reload import reload_request
from bot.settings.load import load
from bot.settings.schema import Settings
from models.sections import LanguageSection
from models.specs import LanguageSpec, WordsSpec
from tests.bot.conftest import WriteConfig

CONFIG = "[language]\nname = 'somebody/model'\n[words]\nname = 'glove'\n[encoder]\nname = './folder'\n"


@pytest.fixture
def settings(write_config: WriteConfig) -> Settings:
    return load(write_config(CONFIG))


def test_the_file_as_it_is_now(settings: Settings, write_config: WriteConfig, tmp_path: Path) -> None:
    write_config(CONFIG.replace("glove", "word2vec"))
    section, spec, fetch = reload_request(settings, "words", None)
    assert spec == WordsSpec("word2vec", tmp_path / "data")
    assert section.model_dump() == {"name": "word2vec", "neighbours": 10}
    assert not fetch


def test_a_revision_is_downloaded(settings: Settings) -> None:
    section, spec, fetch = reload_request(settings, "language", "v2")
    assert spec == LanguageSpec("somebody/model", revision="v2")
    assert isinstance(section, LanguageSection)
    assert section.revision == "v2"
    assert fetch


def test_settings_without_a_file_stand_as_they_are() -> None:
    settings = Settings().model_copy(update={"language": LanguageSection(name="a/b")})
    assert reload_request(settings, "language", None).spec == LanguageSpec("a/b")


@pytest.mark.parametrize(
    ("slot", "revision", "kind"),
    [
        ("songs", None, NoSection),
        ("words", "v2", NoRevisions),
        ("encoder", "v2", RevisionOfFolder),
    ],
)
def test_what_cannot_be_reloaded_is_refused(
    settings: Settings, slot: str, revision: str | None, kind: type[Refused]
) -> None:
    with pytest.raises(kind):
        reload_request(settings, slot, revision)


def test_wrong_settings_are_refused_without_their_path(
    settings: Settings, write_config: WriteConfig, tmp_path: Path
) -> None:
    write_config("[words]\nname = 7\n[log]\nlevel = 'LOUD'\n")
    with pytest.raises(
        SettingsWrong, match=r"nothing was changed. words.name: got 7; allowed: .*; log.level: "
    ):
        reload_request(settings, "words", None)
    write_config("[words")
    with pytest.raises(SettingsWrong, match=r"config.toml: not valid TOML") as error:
        reload_request(settings, "words", None)
    assert str(tmp_path) not in str(error.value)
