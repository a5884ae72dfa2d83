"""The audit tells what it found, and tells when it could not look."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "audit"
SAFE = {"name": "safe", "version": "1.0", "vulns": []}
WEAK = {
    "name": "weak",
    "version": "2.0",
    "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}, {"id": "CVE-2", "fix_versions": []}],
}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def audit(said: str) -> subprocess.CompletedProcess[str]:
    """The script, with a tool that says ``said`` whatever it is asked."""
    tool = [sys.executable, "-c", f"print({said!r})"]
    line = [sys.executable, str(SCRIPT), *tool]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def test_what_is_found_is_told_and_fails() -> None:
    done = audit(json.dumps({"dependencies": [SAFE, WEAK, UNKNOWN]}))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "weak 2.0: CVE-1, mended in 2.1",
        "weak 2.0: CVE-2, mended in no version",
        "2 of 3 packages looked up, 2 vulnerabilities",
    ]


def test_nothing_found_is_well() -> None:
    done = audit(json.dumps({"dependencies": [SAFE]}))
    assert done.returncode == 0
    assert done.stdout == "1 of 1 packages looked up, 0 vulnerabilities\n"


@pytest.mark.parametrize(
    "said", ["", "ConnectionError", "{}", json.dumps({"dependencies": [UNKNOWN]})]
)
def test_where_nothing_can_be_looked_up_it_says_so_and_fails_nothing(said: str) -> None:
    done = audit(said)
    assert done.returncode == 0
    assert done.stdout.startswith("note: nothing was audited")


def test_a_tool_that_is_not_there_fails_nothing() -> None:
    line = [sys.executable, str(SCRIPT), "/nowhere/pip-audit"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("note: nothing was audited")
