"""Damaged input is taken or refused; whoever crashes, hangs or swells is found and named."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

from benchmarks import fuzz_files
from benchmarks.fuzz import counts, fuzz, report_of
from benchmarks.fuzz_cell import MESSAGE, random_of
from benchmarks.mutations import damaged_bytes, damaged_json

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits a process as Linux does")
SEED = 7
COUNTS = counts(messages=4_000, files=300)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "wholes"
    folder.mkdir()
    fuzz_files.write_wholes(folder)
    return folder


@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_input_is_taken_or_refused(wholes: Path, kind: str) -> None:
    outcome = fuzz(kind, COUNTS[kind], SEED, wholes)
    assert outcome.findings == []
    assert outcome.cases == outcome.result.taken + outcome.result.refused == COUNTS[kind]


@pytest.mark.parametrize("kind", fuzz_files.KINDS)
def test_whole_files_are_taken(wholes: Path, tmp_path: Path, kind: str) -> None:
    for number, name in enumerate(fuzz_files.KINDS[kind].wholes):
        scratch = tmp_path / f"{number}"
        scratch.mkdir()
        fuzz_files.KINDS[kind].read((wholes / name).read_bytes(), name, wholes, scratch)


def test_every_kind_has_its_share() -> None:
    assert set(fuzz_files.SHARES) == set(fuzz_files.KINDS)
    assert sum(fuzz_files.SHARES.values()) == 100
    assert sum(counts(0, 1_000).values()) == 1_000


FAULTY = """
import os, sys, time
from benchmarks import fuzz_cell, fuzz_files

def read(data, name, wholes, scratch):
    at = int(os.pread(progress, 8, 0)[0])
    if at == 3: os.abort()
    if at == 5: time.sleep(60)
    if at == 7: kept.append(b"x" * (1 << 29))
    if at == 9: raise KeyError("nobody wants this")
    if at == 11: raise fuzz_files.REFUSALS[0]("this is as it should be")

kept = []
progress = os.open(sys.argv[6], os.O_RDONLY)
fuzz_cell.LONGEST_S = 3.0
fuzz_files.KINDS = {"faulty": fuzz_files.FileKind(("file",), read)}
sys.exit(fuzz_cell.main(sys.argv[1:]))
"""


def test_whoever_crashes_hangs_or_swells_is_named(tmp_path: Path) -> None:
    (tmp_path / "wholes").mkdir()
    (tmp_path / "wholes" / "file").write_bytes(b"whole")
    cell = (sys.executable, "-c", FAULTY)
    outcome = fuzz("faulty", 14, SEED, tmp_path / "wholes", cell)
    found = {finding.case: finding.what for finding in outcome.findings}
    assert sorted(found) == [3, 5, 7, 9]
    assert "signal 6" in found[3]
    assert "in read" in found[3]  # the reader's own frame
    assert "signal 14" in found[5]
    assert "memory grew by" in found[7]
    assert "KeyError: 'nobody wants this'" in found[9]
    assert outcome.cases == 14
    assert outcome.result.refused == 1
    table = report_of([outcome]).table()
    assert "| faulty 5 |  | killed by signal 14" in table


def test_a_case_is_the_same_every_time_and_another_is_another() -> None:
    data = bytes(range(256))

    def made(case: int) -> bytes:
        return damaged_bytes(random_of(MESSAGE, SEED, case), data)

    assert made(1) == made(1)
    assert len({made(case) for case in range(100)}) > 90


def test_damage_leaves_the_original_alone() -> None:
    value = {"a": [1, {"b": 2.5}], "c": "text"}
    changed = [damaged_json(Random(number), value) for number in range(200)]
    assert value == {"a": [1, {"b": 2.5}], "c": "text"}
    assert sum(one != value for one in changed) > 150
