"""A kind of model is defined once: an entry in the registry is all that the settings and the terminal need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings.schema import Lanes, Settings
from models.slots import SLOTS, in_display_order

ROOT = Path(__file__).resolve().parents[2]

# A separate process, because the settings are created from the registry once, on import.
WITH_A_SLOT_MORE = """
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import Field

from models import slots
from models.files import items
from models.sections import ADDRESS, ModelSection
from models.specs import Spec


@dataclass(frozen=True, slots=True)
class PicturesSpec(Spec):
    file: str
    threads: int

    @property
    def label(self):
        return "pictures"

    def items(self, slot):
        return [items.file(slot, self.file)]


class PicturesSection(ModelSection):
    file: str = Field(description="Pictures.", json_schema_extra=ADDRESS)
    width: int = Field(64, ge=1, le=512, description="Pixels.")

    def spec(self, data_dir, workers, /):
        return PicturesSpec(self.file, workers)


class Pictures:
    name, memory, device, dtype, detail = "pictures", 0, "", "", ""

    @classmethod
    def load(cls, spec, progress):
        return cls()

    def probe(self):
        pass


lane = slots.LaneLimits(3, 5, 7, "Brushes.")
pictures = slots.Slot("pictures", PicturesSpec, PicturesSection, "__main__:Pictures", lane)
slots.SLOTS = MappingProxyType({"pictures": pictures, **slots.SLOTS})
"""


def python(script: str, config: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this very Python
        [sys.executable, "-c", f"{WITH_A_SLOT_MORE}\nCONFIG = {str(config)!r}\n{script}"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "pictures.bin").touch()
    path = tmp_path / "config.toml"
    path.write_text('[pictures]\nfile = "pictures.bin"\n[words]\nname = "./words.txt"\n', encoding="utf-8")
    (tmp_path / "words.txt").touch()
    return path


def test_another_slot_has_its_section_and_its_lane(config: Path, tmp_path: Path) -> None:
    script = """
from bot.settings.load import load
settings = load(Path(CONFIG))
print(settings.section(PicturesSection).width, settings.pictures.file, settings.lane("pictures").workers)
print(settings.lanes.pictures.queue, settings.lanes.pictures.timeout)
print(*settings.specs(), settings.specs()["pictures"].threads)
"""
    environment = {"TOKENWISE_PICTURES__WIDTH": "32", "TOKENWISE_LANES__PICTURES__WORKERS": "4"}
    done = python(script, config, **environment)
    assert done.stdout.splitlines() == [
        f"32 {tmp_path / 'pictures.bin'} 4",
        "5 7",
        "pictures words 4",
    ], done.stderr


def test_another_slot_is_checked(config: Path) -> None:
    script = "from bot.cli import main; sys.exit(main(['--config', CONFIG, 'check']))"
    done = python(script, config)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "lanes.pictures.workers = 3" in lines
    assert "pictures.width = 64" in lines
    done = python(script, config, TOKENWISE_PICTURES__WIDTH="0", TOKENWISE_LANES__PICTURES__QUEUE="many")
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        'lanes.pictures.queue (from TOKENWISE_LANES__PICTURES__QUEUE): got "many"; allowed: a whole number, at least 0 and at most 1,000',
        "pictures.width (from TOKENWISE_PICTURES__WIDTH): got 0; allowed: a whole number, at least 1 and at most 512",
    ]  # fmt: skip
    (config.parent / "pictures.bin").unlink()
    done = python(script, config)
    assert "pictures.bin is not on this machine\n" in done.stderr


def test_another_slot_is_fetched(config: Path) -> None:
    script = "from bot.cli import main; sys.exit(main(['--config', CONFIG, 'fetch', 'pictures', '--json']))"
    done = python(script, config)
    assert done.returncode == 0, done.stderr
    (item,) = json.loads(done.stdout)["items"]
    assert (item["slot"], item["kind"], item["there"]) == ("pictures", "path", True)


def test_another_slot_is_loaded_in_its_turn(config: Path) -> None:
    script = """
from bot.settings.load import load
from models.hub import Hub
from models.local import LocalService
settings = load(Path(CONFIG))
hub = Hub(settings.specs())
print(*LocalService(hub, {slot: settings.lane(slot) for slot in hub.slots}, 1).slots)
print(hub.load("pictures").name)
"""
    done = python(script, config)
    assert done.stdout.splitlines() == ["pictures words", "pictures"], done.stderr


def test_the_settings_have_what_the_registry_has() -> None:
    order = [slot.name for slot in in_display_order()]
    assert sorted(order) == sorted(SLOTS)
    assert list(Lanes.model_fields) == order
    assert [name for name in Settings.model_fields if name in SLOTS] == order
    for slot in SLOTS.values():
        lane = Settings().lane(slot.name)
        assert (lane.workers, lane.queue, lane.timeout) == (
            slot.lane.workers,
            slot.lane.queue,
            slot.lane.timeout,
        )
