"""A benchmark's result: a table of what was asked and what was got, and the same as JSON."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engines.errors import EngineError

EXIT_MET, EXIT_MISSED, EXIT_FAILED = 0, 1, 2


class BenchmarkError(RuntimeError):
    """Nothing could be measured; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line. ``met`` None: nothing was asked."""

    what: str
    asked: str
    got: str
    met: bool | None = None


class Report:
    """Rows in the order in which they were told, and the numbers behind them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: list[Row] = []
        self._values: dict[str, Any] = {}

    def note(self, what: str, got: str) -> None:
        """Something worth knowing that nobody asked for."""
        self._rows.append(Row(what=what, asked="", got=got))

    def at_least(self, what: str, got: float, least: float, unit: str) -> None:
        """A number that must not be below ``least``; not a number is below everything."""
        self._number(what, got, f">= {_short(least)} {unit}".rstrip(), unit, met=got >= least)

    def at_most(self, what: str, got: float, most: float, unit: str) -> None:
        """A number that must not be above ``most``; not a number is above everything."""
        self._number(what, got, f"<= {_short(most)} {unit}".rstrip(), unit, met=got <= most)

    def claim(self, what: str, asked: str, got: str, *, met: bool) -> None:
        """Something that is so or not."""
        self._rows.append(Row(what=what, asked=asked, got=got, met=met))

    def keep(self, name: str, value: Any) -> None:
        """Put ``value`` (numbers, texts, lists, mappings, arrays) into the JSON."""
        self._values[name] = value

    @property
    def is_met(self) -> bool:
        """Whether all that was asked was got."""
        return all(row.met is not False for row in self._rows)

    def table(self) -> str:
        """Markdown."""
        lines = [f"| {self._name} | asked | got |", "|---|---|---|"]
        for row in self._rows:
            missed = " **(missed)**" if row.met is False else ""
            lines.append(f"| {row.what} | {row.asked} | {row.got}{missed} |")
        return "\n".join(lines)

    def to_plain(self) -> dict[str, Any]:
        """As JSON would have it; what is not finite is null."""
        rows = [
            {"what": row.what, "asked": row.asked, "got": row.got, "met": row.met}
            for row in self._rows
        ]
        values: dict[str, Any] = plain(self._values)
        return {"benchmark": self._name, "met": self.is_met, "rows": rows, "values": values}

    def publish(self, json_file: Path | None) -> int:
        """Print the table, write the JSON if a file is given, and give the exit code."""
        print(self.table(), flush=True)
        if json_file is not None:
            text = json.dumps(self.to_plain(), indent=2, allow_nan=False)
            json_file.write_text(text + "\n", encoding="utf-8")
        return EXIT_MET if self.is_met else EXIT_MISSED

    def _number(self, what: str, got: float, asked: str, unit: str, *, met: bool) -> None:
        self._rows.append(
            Row(what=what, asked=asked, got=f"{_short(got)} {unit}".rstrip(), met=bool(met))
        )


def plain(value: Any) -> Any:
    """Numpy's and the world's other types as JSON has them; not finite becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def command(main: Callable[[], int]) -> NoReturn:
    """Run a benchmark as a command: the exit code says whether all that was asked was got."""
    try:
        sys.exit(main())
    except (BenchmarkError, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_FAILED)


def command_line(description: str | None) -> argparse.ArgumentParser:
    """What every benchmark takes; the first line of ``description`` is shown."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    return parser


def _short(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:.2f}"
