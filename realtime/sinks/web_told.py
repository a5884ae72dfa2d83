"""What the terminal says of those who were not let in to the page. Pure."""

from __future__ import annotations

from collections.abc import Mapping

_WORDS = (
    ("refused_hosts", "for another host"),
    ("refused_origins", "from foreign pages"),
    ("refused_tokens", "without the right token"),
    ("refused_floods", "after too many wrong tokens"),
    ("refused_connections", "of too many connections"),
    ("sources_turned_away", "browsers while another was the source"),
    ("refused_packets", "packets that were none"),
)


def at_the_end(values: Mapping[str, float]) -> str:
    """A line of the run's end; empty where nobody was refused."""
    found = [f"{round(values[name])} {words}" for name, words in _WORDS if values.get(name)]
    return f"refused by the page: {', '.join(found)}" if found else ""
