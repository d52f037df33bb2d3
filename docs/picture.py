"""Draws the README's picture: what the demo answers, as it stands in a terminal.

python -m docs.picture
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from bot.config import load
from bot.demo import demo

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / "models" / "demo" / "config.toml"
LINES = (
    "/tokens text:CAPITALIZATION and other stuff",
    "/generate prompt:Write an email apologizing to Sarah for the tragic gardening mishap.",
)


def main() -> int:
    # The colours of `record` do not depend on the terminal that this runs in.
    console = Console(record=True, width=100)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TOKENWISE_DATA_DIR"] = folder
        code = asyncio.run(demo(load(CONFIG), LINES, "student", console))
    svg = console.export_svg(title="make demo", theme=MONOKAI, unique_id="demo")
    # rich names a web font in every picture; the reader's own monospace does as well.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (HERE / "demo.svg").write_text(svg, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
