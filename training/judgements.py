"""The paper's Tables 4 and 5, from the answers of listeners.

    python -m training judgements --key test.key.json answers-*.json

A listener who misses too many of the hidden references did not listen, or could not; one who met
none of them cannot be judged by them. Such answers are named and left out. Intervals are Wilson's,
95 %.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pixelplayer.one_line import OneLineParser
from training.commands import UnusableError, command
from training.listen import Key

REFERENCE = "reference"
LEAST_REFERENCES = 0.7  # share of the references that a listener must have right
_CHOICES = {
    "separation": frozenset({"first", "second", "both", "neither"}),
    "correspondence": frozenset({"yes", "no"}),
}
_Z = 1.96


class JudgementError(UnusableError):
    """A file is not what it should be; the message names it."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One listener's, by item."""

    listener: str
    by_item: Mapping[str, str]


def read_key(path: Path) -> tuple[str, dict[str, Key]]:
    """The test's name, and its items.

    Raises:
        JudgementError: it is no key.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return str(values["test"]), {item["item"]: Key(**item) for item in values["items"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JudgementError(f"{path} is no key of `training listen`: {error!r}") from error


def read_answers(path: Path, test: str, keys: Mapping[str, Key]) -> Answers:
    """One listener's file.

    Raises:
        JudgementError: it is no such file, of another test, or has no answer, or one there is not.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        by_item = {str(one["item"]): str(one["answer"]) for one in values["answers"]}
        listener, found = str(values["listener"]), str(values["test"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JudgementError(f"{path} holds no answers of the page: {error!r}") from error
    if found != test:
        raise JudgementError(f"{path} answers test {found}, the key is of test {test}")
    for item, answer in by_item.items():
        if item not in keys or answer not in _CHOICES[keys[item].kind]:
            raise JudgementError(f"{path}: {answer!r} is no answer to item {item!r}")
    if not by_item:
        raise JudgementError(
            f"{path} holds no answer: listener {listener} saved the page before the first; leave "
            "the file out"
        )
    return Answers(listener, by_item)


def listened(answers: Answers, keys: Mapping[str, Key]) -> float | None:
    """Share of the hidden references that were answered rightly; None where none was answered."""
    asked = [item for item in answers.by_item if keys[item].method == REFERENCE]
    right = sum(answers.by_item[item] == keys[item].right for item in asked)
    return right / len(asked) if asked else None


def tables(several: Sequence[Answers], keys: Mapping[str, Key]) -> str:
    """Both tables, in Markdown, methods in the order of the page; references last."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for answers in several:
        for item, answer in answers.by_item.items():
            key = keys[item]
            counts[key.kind, key.method][_verdict(key, answer)] += 1
    of_page = dict.fromkeys(key.method for key in keys.values())
    methods = sorted(of_page, key=lambda name: name == REFERENCE)
    separation = [
        _line(name, counts["separation", name], ("right", "wrong", "both", "neither"))
        for name in methods
        if counts["separation", name]
    ]
    correspondence = [
        _line(name, counts["correspondence", name], ("right",))
        for name in methods
        if counts["correspondence", name]
    ]
    return "\n".join(
        [
            "| separation | right | wrong | both | neither | answers |",
            "|---|---|---|---|---|---|",
            *separation,
            "",
            "| correspondence | as it should be | answers |",
            "|---|---|---|",
            *correspondence,
        ]
    )


def _verdict(key: Key, answer: str) -> str:
    if answer == key.right:
        return "right"
    return answer if answer in ("both", "neither") else "wrong"


def _line(name: str, counts: Mapping[str, int], verdicts: Iterable[str]) -> str:
    total = sum(counts.values())
    shares = [f"{_percent(counts[verdict], total)}" for verdict in verdicts]
    return f"| {name} | {' | '.join(shares)} | {total} |"


def _percent(count: int, total: int) -> str:
    """A share and its Wilson interval, both in percent."""
    share, spread = count / total, _Z**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return f"{100 * share:.1f} ({100 * low:.0f} to {100 * high:.0f})"


def _fault(answers: Answers, keys: Mapping[str, Key]) -> str:
    """Why these answers are left out; empty where they are not."""
    share = listened(answers, keys)
    if share is None:
        return "no reference answered, so not judged by references"
    return "" if share >= LEAST_REFERENCES else f"{100 * share:.0f} % of the references right"


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 where no answers can be used."""
    parser = OneLineParser(prog="training judgements", description=__doc__.splitlines()[0])
    parser.add_argument("--key", type=Path, required=True, metavar="JSON")
    parser.add_argument("answers", type=Path, nargs="+", metavar="JSON")
    options = parser.parse_args(arguments)
    test, keys = read_key(options.key)
    every = [read_answers(path, test, keys) for path in options.answers]
    once = {answers.listener: answers for answers in every}  # the later file of one listener
    used = []
    for one in once.values():
        if fault := _fault(one, keys):
            print(f"left out: listener {one.listener}, {fault}")
        else:
            used.append(one)
    if not used:
        raise JudgementError("no listener is left; ask some more")
    listeners = "1 listener" if len(used) == 1 else f"{len(used)} listeners"
    print(f"{listeners}; percent, with 95 % intervals\n\n{tables(used, keys)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
