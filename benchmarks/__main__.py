"""All benchmarks that need no material, on one page.

    python -m benchmarks report                        runs them; about four minutes
    python -m benchmarks report --only start,cost      some of them
    python -m benchmarks report --only ''              of what was measured before, a page alone

Results are kept as JSON in a folder. Others can be put there too, and stand on the page then:
``python -m benchmarks.hearing --data DIR --json benchmark-results/hearing.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import facts
from benchmarks.page import page
from benchmarks.report import EXIT_FAILED, EXIT_MET, EXIT_MISSED

ALONE = ("demo", "start", "cost", "step_cost", "realtime")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 where something that was asked was missed; 2 where something did not run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    report = commands.add_parser("report", help="one page of all results")
    report.add_argument("--only", default=",".join(ALONE), metavar="A,B", help="of these to run")
    report.add_argument(
        "--results", type=Path, default=Path("benchmark-results"), metavar="DIR", help="kept there"
    )
    report.add_argument("--page", type=Path, metavar="FILE", help="DIR/index.html unless told")
    options = parser.parse_args(arguments)
    wanted = [name for name in options.only.split(",") if name]
    unknown = [name for name in wanted if name not in ALONE]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(ALONE)}; run it by itself with --json")
    machine = facts()  # before they are run: the load is of others
    options.results.mkdir(parents=True, exist_ok=True)
    failed = {name: why for name in wanted if (why := _measured(name, options.results))}
    results = [_read(path) for path in sorted(options.results.glob("*.json"))]
    out = options.page or options.results / "index.html"
    out.write_text(page(results, failed, machine), encoding="utf-8")
    print(out)
    if failed:
        return EXIT_FAILED
    return EXIT_MET if all(one["met"] for one in results) else EXIT_MISSED


def _measured(name: str, folder: Path) -> str:
    """Run one; gives why it did not measure, or nothing."""
    kept = folder / f"{name}.json"
    kept.unlink(missing_ok=True)
    print(f"{name} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(kept)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if kept.exists():
        return ""
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return said[-1] if said else f"it ended with {done.returncode}"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
