"""docs/architecture.md shows the wiring as it is."""

from collections.abc import Sequence
from pathlib import Path

from realtime.graph import STAGES, TOPICS

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def rows(first_column: str) -> list[list[str]]:
    """The rows of the page's table whose first column has this heading."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith(f"| {first_column} |"):
            next(lines)
            break
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "—"


def test_stages_are_those_of_the_graph() -> None:
    assert rows("stage") == [
        [name, entry.kind, listed(entry.reads), listed(entry.writes), entry.process]
        for name, entry in STAGES.items()
    ]


def test_topics_are_those_of_the_graph() -> None:
    assert rows("topic") == [
        [
            name,
            listed([message.__name__ for message in entry.messages]),
            f"{entry.rate_hz:g}",
            str(entry.depth),
            entry.when_full,
        ]
        for name, entry in TOPICS.items()
    ]
