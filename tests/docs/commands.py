"""The command lines that the README and the pages of docs/ print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_INLINE = re.compile(r"`([^`]+)`")
_BEFORE = re.compile(r"^(?:sudo |nsys profile )?")  # what runs the command
_FIRST = ("python", "python3", "pixelplayer", "make", "pip")


@dataclass(frozen=True)
class Printed:
    """One command of one page; in a block it is whole, within a sentence it may be a mere name."""

    page: str
    line: int
    words: tuple[str, ...]
    is_whole: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {' '.join(self.words)}"


def printed() -> Iterator[Printed]:
    """All of them."""
    for page in PAGES:
        is_block = False
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("```"):
                is_block = not is_block
                continue
            for text in [line] if is_block else _INLINE.findall(line):
                for part in text.split(" && "):
                    command = _BEFORE.sub("", part.strip())
                    if command.split(" ", 1)[0] in _FIRST:
                        words = tuple(shlex.split(command, comments=True))
                        yield Printed(page.name, number, words, is_block)
