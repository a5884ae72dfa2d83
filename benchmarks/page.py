"""All results on one page that needs no other file and no script, in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from benchmarks.plots import plot

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --rule: #d8dde3;
  --ground: #fff; --mark: #2f6fb2; --missed: #a8401c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa4b0; --rule: #353c45;
  --ground: #14171b; --mark: #6ea8e0; --missed: #f0916b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; font-variant-numeric: tabular-nums; }
th, .soft { color: var(--soft); font-weight: normal; }
.missed { color: var(--missed); font-weight: 600; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: .8rem 0 0; max-width: 100%; } figcaption { color: var(--soft); }
svg { max-width: 100%; height: auto; }
.mark { fill: var(--mark); } .line { fill: none; stroke: var(--mark); stroke-width: 2; }
.axis { stroke: var(--rule); } .median { stroke: var(--ink); stroke-dasharray: 3 3; }
.label { font-size: 11px; fill: var(--soft); }
"""


def page(
    results: Sequence[Mapping[str, Any]], failed: Mapping[str, str], facts: Mapping[str, str]
) -> str:
    """HTML.

    Args:
        results: as ``benchmarks.report`` writes them.
        failed: why those that could not measure did not, by name.
        facts: of the machine.
    """
    asked = [row for one in results for row in one["rows"] if row["met"] is not None]
    met = sum(row["met"] for row in asked)
    told = f"{met} of {len(asked)} numbers that were asked for are met"
    known = facts.items()
    lines = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Benchmarks: {escape(told)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Benchmarks of the live pixel player</h1><p>{escape(told)}.</p>",
        _table((), [(f'<span class="soft">{escape(k)}</span>', escape(v)) for k, v in known]),
    ]
    lines += [_section(one) for one in results]
    for name, reason in failed.items():
        lines.append(f"<h2>{escape(name)}</h2><p class=missed>not measured: {escape(reason)}</p>")
    return "\n".join([*lines, "</body></html>"]) + "\n"


def _section(result: Mapping[str, Any]) -> str:
    name = escape(str(result["benchmark"]))
    rows = [(escape(row["what"]), escape(row["asked"]), _got(row)) for row in result["rows"]]
    plots = []
    for what, value in result["values"].items():
        drawn = plot(value)
        if drawn:
            plots.append(f"<figure>{drawn}<figcaption>{escape(what)}</figcaption></figure>")
    table = _table(("", "asked", "got"), rows)
    shown = f'<div class="plots">{"".join(plots)}</div>' if plots else ""
    return f"<h2>{name}</h2>{table}{shown}"


def _got(row: Mapping[str, Any]) -> str:
    got = escape(row["got"])
    return f'<span class="missed">{got} (missed)</span>' if row["met"] is False else got


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "<tr>" + "".join(f"<th>{one}</th>" for one in heads) + "</tr>" if heads else ""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{head}{body}</table>"
