"""Damaged messages and files, until the player's readers crash, hang or take too much memory.

    python -m benchmarks.fuzz
    python -m benchmarks.fuzz --only ONNX --case 1234     # one again, with what it raises

Every reader must take or refuse what it is given, with the one kind of error that it promises.
What is read is made by a seed, in child processes with limits (``benchmarks/fuzz_cell.py``): a
case that kills its process is told by its number, and the next process goes on behind it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fuzz_cell import (
    LETTER,
    MESSAGE,
    READERS,
    Finding,
    Result,
    at_hand,
    case_of,
    random_of,
)
from benchmarks.fuzz_files import KINDS, SHARES, write_wholes
from benchmarks.report import BenchmarkError, Report, command, command_line

MESSAGES, FILES = 1_000_000, 10_000
CELL = (sys.executable, "-m", "benchmarks.fuzz_cell")
_MESSAGES_PER_LETTER = 5
_MOST_CASES = {MESSAGE: 50_000, LETTER: 50_000}  # of one process: its start takes a second or two
_MOST_FILES = 500
_MOST_FINDINGS = 50  # of one kind; then it is left
_LONGEST_CELL_S = 3600.0
_TAIL_LINES = 12


@dataclass(slots=True)
class Outcome:
    """All cells of one kind."""

    kind: str
    cases: int = 0
    result: Result = field(default_factory=Result)
    findings: list[Finding] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Damage, read, count, print."""
    parser = command_line(__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES, metavar="N")
    parser.add_argument("--files", type=int, default=FILES, metavar="N")
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument("--only", choices=(*READERS, *KINDS), help="this kind alone")
    parser.add_argument("--case", type=int, metavar="N", help="with --only: this case alone")
    options = parser.parse_args(arguments)
    if options.case is not None and options.only is None:
        parser.error("--case needs --only")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        wholes = Path(name) / "wholes"
        wholes.mkdir()
        write_wholes(wholes)
        if options.case is not None:
            return again(options.only, options.seed, options.case, wholes)
        outcomes = [
            fuzz(kind, count, options.seed, wholes)
            for kind, count in counts(options.messages, options.files).items()
            if options.only in (None, kind)
        ]
    return report_of(outcomes).publish(options.json)


def counts(messages: int, files: int) -> dict[str, int]:
    """How many cases of each kind; letters come on top."""
    of_files = {kind: -(-files * share // 100) for kind, share in SHARES.items()}
    return {MESSAGE: messages, LETTER: messages // _MESSAGES_PER_LETTER} | of_files


def again(kind: str, seed: int, case: int, wholes: Path) -> int:
    """Read one case in this process; what it raises is shown."""
    read, refusals = case_of(kind, wholes, wholes.parent / "case")
    try:
        read(random_of(kind, seed, case))
    except refusals as error:
        print(f"refused: {type(error).__name__}: {error}")
    else:
        print("taken")
    return 0


def fuzz(kind: str, count: int, seed: int, wholes: Path, cell: Sequence[str] = CELL) -> Outcome:
    """Read ``count`` damaged things of ``kind``, in as many processes as it takes.

    ``cell`` is the command of one; see ``benchmarks.fuzz_cell``.
    """
    outcome = Outcome(kind)
    began = time.monotonic()
    while outcome.cases < count and len(outcome.findings) < _MOST_FINDINGS:
        first = outcome.cases
        most = min(_MOST_CASES.get(kind, _MOST_FILES), count - first)
        _cell(outcome, [*cell, kind, str(seed), str(first), str(most)], most, wholes)
    taken_s = time.monotonic() - began
    print(f"{kind}: {outcome.cases} in {taken_s:.0f} s", file=sys.stderr, flush=True)
    return outcome


def _cell(outcome: Outcome, words: Sequence[str], count: int, wholes: Path) -> None:
    first = outcome.cases
    progress = wholes.parent / "progress"
    progress.write_bytes(first.to_bytes(8, "little"))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        done = subprocess.run(
            [*words, str(wholes), str(progress)],
            cwd=Path(__file__).resolve().parent.parent,
            env=os.environ | {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(wholes.parent)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            timeout=_LONGEST_CELL_S,
            check=False,
        )
        errors.seek(0)
        said = errors.read().splitlines()[-_TAIL_LINES:]
    for line in done.stdout.splitlines():
        _hear(outcome, line)
    if done.returncode == 0:
        outcome.cases = first + count
        return
    if done.returncode > 0:
        raise BenchmarkError(f"{outcome.kind}: the process did not run\n" + "\n".join(said))
    case = at_hand(progress)
    what = f"killed by signal {-done.returncode}: " + " | ".join(said)
    outcome.findings.append(Finding(case=case, what=what))
    outcome.cases = case + 1


def _hear(outcome: Outcome, line: str) -> None:
    try:
        values = json.loads(line)
    except ValueError:
        return  # a library's own words
    if "case" in values:
        outcome.findings.append(Finding(**values))
        print(f"{outcome.kind} {values['case']}: {values['what']}", file=sys.stderr, flush=True)
    else:
        outcome.result.add(Result(**values))


def report_of(outcomes: Sequence[Outcome]) -> Report:
    """The table: what was asked of messages and files, and how each kind went."""
    report = Report("damaged input")
    asked = {"messages": MESSAGES, "files": FILES}
    for what, least in asked.items():
        of_these = [one for one in outcomes if (one.kind in READERS) == (what == "messages")]
        if of_these:
            report.at_least(f"{what} read", sum(one.cases for one in of_these), least, "")
    findings = sum(len(one.findings) for one in outcomes)
    report.at_most("crashes, hangs, unbounded memory, errors of no kind", findings, 0, "")
    for one in outcomes:
        result = one.result
        report.note(
            one.kind,
            f"{one.cases}: {result.taken} taken, {result.refused} refused, longest "
            f"{1000 * result.slowest_s:.0f} ms, peak {result.peak_mb:.0f} MB",
        )
    for one in outcomes:
        for finding in one.findings[:_TAIL_LINES]:
            report.note(f"{one.kind} {finding.case}", finding.what.replace("|", "/"))
    report.keep("findings", {one.kind: [f"{f.case}: {f.what}" for f in one.findings]
                             for one in outcomes})  # fmt: skip
    return report


if __name__ == "__main__":
    command(main)
