"""One child process of the fuzzing: reads damaged messages or files until it has, or dies of one.

    python -m benchmarks.fuzz_cell KIND SEED FIRST COUNT WHOLES PROGRESS

The number of the case at hand stands in PROGRESS, so that whoever started the child knows what
killed it. A case that takes too long is ended by a signal, and the address space has a limit.
Findings and the result are JSON lines on standard output.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType

from benchmarks import fuzz_files, fuzz_letters, fuzz_messages

MESSAGE, LETTER = "message", "letter"
LONGEST_S = 30.0  # a case; they take milliseconds, and the machine may have other things to do
ADDRESS_SPACE_BYTES = 3 * 2**30  # beyond what is there before the first case
MOST_GROWTH_MB = 384.0  # of resident memory by one case; the largest picture takes some tens
_KIB_PER_MB = 1024
_CASES_PER_LOOK = {MESSAGE: 50, LETTER: 50}  # at the memory, which takes longer than to read one
_PROGRESS_BYTES = 8

Case = Callable[[Random], None]
Reader = tuple[Case, tuple[type[Exception], ...]]
"""What reads one damaged thing, and what it may raise to refuse it."""
READERS: Mapping[str, Reader] = MappingProxyType(
    {
        MESSAGE: (fuzz_messages.read_message, fuzz_messages.REFUSALS),
        LETTER: (fuzz_letters.read_letter, fuzz_letters.REFUSALS),
    }
)  # of what is no file


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What should not have happened, and the number of the case that made it."""

    case: int
    what: str


@dataclass(slots=True)
class Result:
    """How the cases of a cell went."""

    taken: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    peak_mb: float = 0.0

    def add(self, other: Result) -> None:
        """Both together."""
        self.taken += other.taken
        self.refused += other.refused
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.peak_mb = max(self.peak_mb, other.peak_mb)


def random_of(kind: str, seed: int, case: int) -> Random:
    """All chance of one case: what makes it the same every time."""
    return Random(f"{kind}/{seed}/{case}")


def case_of(kind: str, wholes: Path, scratch: Path) -> Reader:
    """The reader of things of ``kind``; files are written into ``scratch``."""
    if kind in READERS:
        return READERS[kind]
    file_kind = fuzz_files.KINDS[kind]

    def read(rng: Random) -> None:
        name, data = fuzz_files.damaged(file_kind, wholes, rng)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        file_kind.read(data, name, wholes, scratch)

    return read, fuzz_files.REFUSALS


def main(arguments: list[str]) -> int:
    """Read the cases."""
    kind, seed, first, count, wholes, progress = arguments
    logging.disable(logging.CRITICAL)
    faulthandler.enable()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        case, refusals = case_of(kind, Path(wholes), Path(folder) / "case")
        cases = range(int(first), int(first) + int(count))
        with Path(progress).open("r+b", buffering=0) as at_hand:
            result = _run(kind, int(seed), cases, (case, refusals), at_hand.fileno())
    _say(asdict(result))
    return 0


def _run(
    kind: str,
    seed: int,
    cases: range,
    reader: Reader,
    progress: int,
) -> Result:
    read, refusals = reader
    result = Result()
    _limit_memory()
    before_mb = _peak_mb()
    for case in cases:
        os.pwrite(progress, case.to_bytes(_PROGRESS_BYTES, "little"), 0)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S)  # unhandled, its signal ends the process
        began = time.perf_counter()
        try:
            read(random_of(kind, seed, case))
            result.taken += 1
        except refusals:
            result.refused += 1
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            _say(asdict(Finding(case=case, what=described(error))))
        result.slowest_s = max(result.slowest_s, time.perf_counter() - began)
        if case % _CASES_PER_LOOK.get(kind, 1):
            continue
        peak_mb = _peak_mb()
        if peak_mb - before_mb > MOST_GROWTH_MB:
            what = f"memory grew by {peak_mb - before_mb:.0f} MB"
            _say(asdict(Finding(case=case, what=what)))
            before_mb = peak_mb
    signal.setitimer(signal.ITIMER_REAL, 0)
    result.peak_mb = _peak_mb()
    return result


def at_hand(progress: Path) -> int:
    """The case that a cell was reading when it died."""
    return int.from_bytes(progress.read_bytes()[:_PROGRESS_BYTES], "little")


def described(error: BaseException) -> str:
    """An exception and where in the project or its libraries it came from, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-2:]]
    return f"{type(error).__name__}: {str(error)[:200]} ({' > '.join(places)})"


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + ADDRESS_SPACE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _peak_mb() -> float:
    """The most resident memory so far of this program; what ``getrusage`` says is its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / _KIB_PER_MB


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
