"""A model's card, for people: what it knows, what it was taught, its scores, where it fails.

    python -m training card models/live

writes ``README.md`` into the folder, all of it from ``model.json``, so that the two cannot differ.
What is said of a score is in ``training.card_scores``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pixelplayer.one_line import OneLineParser
from training.card_scores import CONDITIONS, LABELS, REPRINTS, TITLES, WHILE_TRAINING, Label
from training.whole import TrainingError, write_text

UNKNOWN = "How to print it again is not written down (REPRINTS in training/card_scores.py)"
_DRAWN = "band_"  # of a class that is the virtual band's drawing
_UNITS = {"_db": " dB", "_s": " s", "_ms": " ms", "_percent": " %"}
_NONE: Mapping[str, Any] = MappingProxyType({})
_SHARES = ("_right", "_share")


class CardError(Exception):
    """``model.json`` does not say what a card must; the message names it."""


def card(description: Mapping[str, Any]) -> str:
    """The whole text, of the content of a ``model.json``.

    Raises:
        CardError: a score's command wants a condition that its group does not tell.
    """
    parts = [_head(description)]
    if "classes" in description:
        parts.append(_knows(description["classes"]))
    if "provenance" in description:
        parts.append("## What it was taught on\n\n" + "\n\n".join(_told(description["provenance"])))
    if "scores" in description:
        parts.append(_scores(description["scores"]))
    if "limits" in description:
        parts.append(f"## Where it fails\n\n{description['limits']}")
    if "license" in description:
        parts.append(f"## Licence\n\n{description['license']}")
    return "\n\n".join(parts) + "\n"


def _head(description: Mapping[str, Any]) -> str:
    audio, sound = description["audio"], description["sound"]
    vision = description["vision"]
    return (
        f"# The model “{description['name']}”\n\n"
        "Written by `python -m training card FOLDER` from `model.json`; do not edit it here.\n\n"
        f"It hears {audio['rate_hz']} Hz in {audio['frequency_bins']} bands, and sees "
        f"{vision['rate_hz']:g} pictures a second. K is {description['channels']}; its networks "
        f"are {vision['width']} (eyes) and {sound['width']} (ears, {sound['network']}) channels "
        "wide."
    )


def _knows(classes: Sequence[str]) -> str:
    played = [_spoken(name) for name in classes if not name.startswith(_DRAWN)]
    drawn = [_spoken(name.removeprefix(_DRAWN)) for name in classes if name.startswith(_DRAWN)]
    lines = ["## What it knows", f"{len(played)} classes: {', '.join(played)}."]
    if drawn:
        lines.append(f"And {len(drawn)} drawings of the virtual band: {', '.join(drawn)}.")
    return "\n\n".join(lines)


def _told(provenance: Any) -> Iterator[str]:
    """Paragraphs and lists, as the values are."""
    if not isinstance(provenance, Mapping):
        yield str(provenance)
        return
    for name, value in provenance.items():
        spoken = _spoken(name).capitalize()
        if isinstance(value, Mapping):
            inside = "; ".join(f"{_spoken(key)}: {one}" for key, one in value.items())
            yield f"**{spoken}**: {inside}."
        elif isinstance(value, list):
            yield f"**{spoken}**:\n\n" + "\n".join(f"- {one}" for one in value)
        else:
            yield f"**{spoken}**: {value}"


def _scores(scores: Mapping[str, Any]) -> str:
    """A table for each group below its command, and one for what stands in no group."""
    parts = [
        "## Scores",
        "DATA holds the material (docs/models.md), CACHE its decoded sounds. All is of what no "
        "training has seen or heard, unless said otherwise.",
    ]
    alone: list[tuple[str, Any]] = []
    for group, values in scores.items():
        if not isinstance(values, Mapping):
            alone.append((group, values))
            continue
        parts.append(f"### {TITLES.get(group, _spoken(group).capitalize())}")
        conditions = [f"{_spoken(key)}: {values[key]}" for key in values if key in CONDITIONS]
        if conditions:
            parts.append(f"Measured with {', '.join(conditions)}.")
        parts.append(_again(group, values))
        inside = {key: value for key, value in values.items() if key not in CONDITIONS}
        parts.append(_table(_row(*one, f"{group}.") for one in _flat(f"{group}.", inside)))
    if alone:
        parts.append("### Other numbers")
        parts.append(_table(([*_row(*one), _again(one[0])] for one in alone), "printed again"))
    return "\n\n".join(parts)


def _again(name: str, conditions: Mapping[str, Any] = _NONE) -> str:
    """How a group, or what stands in none, is printed again.

    Raises:
        CardError: the group does not say what its command needs.
    """
    how = REPRINTS.get(name)
    if how is None:
        return UNKNOWN
    if how == WHILE_TRAINING:
        return how
    try:
        return f"To print it again: `{how.format_map(conditions)}`"
    except KeyError as missing:
        raise CardError(
            f"scores.{name} has no {missing}, which its command wants: `{how}`"
        ) from None


def _flat(before: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{before}{key}.", value)
        else:
            yield before + key, value


def _row(name: str, value: Any, group: str = "") -> list[str]:
    label = LABELS.get(name, Label(_spoken(name.removeprefix(group))))
    return [label.what, _written(name, value), label.asked]


def _table(rows: Iterable[Sequence[str]], *more: str) -> str:
    """Of what ``_row`` gives, and of columns headed ``more``."""
    heads = ["what", "score", "asked", *more]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [f"| {' | '.join(row)} |" for row in (heads, *escaped)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


def _written(name: str, value: Any) -> str:
    """A score with the unit that its name ends in."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        inside = ", ".join(_number(one) for one in value)
        return inside + _unit(name)
    if name.endswith(_SHARES):
        return f"{100 * value:.1f} %"
    return _number(value) + _unit(name)


def _unit(name: str) -> str:
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace(".", ", ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 where the folder is no model; 1 if the card cannot be written."""
    parser = OneLineParser(prog="training card", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, metavar="FOLDER", help="as models/live")
    folder = parser.parse_args(arguments).model
    try:
        text = card(json.loads((folder / "model.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        print(
            f"error: {folder} is no model folder: {error!r}; "
            "try `python -m training card models/live`",
            file=sys.stderr,
        )
        return 2
    except CardError as error:
        print(f"error: {folder / 'model.json'}: {error}", file=sys.stderr)
        return 2
    try:
        write_text(folder / "README.md", text)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{folder / 'README.md'} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
