"""Answers of listeners become the paper's tables; those who did not listen are left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.judgements import main


def key(folder: Path) -> Path:
    items = [
        {"item": f"s{n}", "kind": "separation", "method": "NMF", "right": "first"} for n in range(4)
    ]
    items += [
        {"item": f"c{n}", "kind": "correspondence", "method": "NMF", "right": "yes"}
        for n in range(2)
    ]
    items += [
        {"item": "r0", "kind": "separation", "method": "reference", "right": "both"},
        {"item": "r1", "kind": "correspondence", "method": "reference", "right": "no"},
    ]
    path = folder / "test.key.json"
    path.write_text(json.dumps({"version": 1, "test": "t", "items": items}))
    return path


def answers(folder: Path, listener: str, said: dict[str, str], test: str = "t") -> Path:
    path = folder / f"{listener}-{len(list(folder.iterdir()))}.json"
    given = [{"item": item, "answer": answer, "ms": 900} for item, answer in said.items()]
    path.write_text(
        json.dumps({"version": 1, "test": test, "listener": listener, "answers": given})
    )
    return path


HEARD = {"s0": "first", "s1": "second", "s2": "both", "s3": "neither", "c0": "yes", "c1": "no"}
GOOD = HEARD | {"r0": "both", "r1": "no"}


def test_answers_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [answers(tmp_path, name, GOOD) for name in ("a", "b")]
    assert main(["--key", str(key(tmp_path)), *map(str, files)]) == 0
    printed = capsys.readouterr().out
    quarter = "25.0 (7 to 59)"
    assert f"| NMF | {quarter} | {quarter} | {quarter} | {quarter} | 8 |" in printed
    assert "| NMF | 50.0 (15 to 85) | 4 |" in printed
    assert printed.startswith("2 listeners")


def test_who_misses_the_references_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = answers(tmp_path, "good", GOOD)
    deaf = answers(tmp_path, "deaf", HEARD | {"r0": "first", "r1": "yes"})
    assert main(["--key", str(key(tmp_path)), str(good), str(deaf)]) == 0
    printed = capsys.readouterr().out
    assert "left out: listener deaf, 0 % of the references right" in printed
    assert "1 listener; percent" in printed
    assert main(["--key", str(key(tmp_path)), str(deaf)]) == 2
    assert "no listener is left" in capsys.readouterr().err


def test_a_listener_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [answers(tmp_path, "a", GOOD), answers(tmp_path, "a", GOOD | {"s1": "first"})]
    assert main(["--key", str(key(tmp_path)), *map(str, files)]) == 0
    assert "| NMF | 50.0" in capsys.readouterr().out


def test_who_met_no_reference_is_not_judged_by_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, early = answers(tmp_path, "good", GOOD), answers(tmp_path, "early", HEARD)
    assert main(["--key", str(key(tmp_path)), str(good), str(early)]) == 0
    printed = capsys.readouterr().out
    assert "left out: listener early, no reference answered" in printed
    assert "1 listener; percent" in printed
    assert main(["--key", str(key(tmp_path)), str(early)]) == 2
    assert "no listener is left" in capsys.readouterr().err


def test_methods_stand_in_the_order_of_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = ["NMF", *(f"method {n}" for n in (5, 1, 4, 2, 3)), "oracle", "above all"]
    items = [
        {"item": f"i{n}", "kind": "separation", "method": method, "right": "first"}
        for n, method in enumerate(["reference", *methods])
    ]
    path = tmp_path / "test.key.json"
    path.write_text(json.dumps({"version": 1, "test": "t", "items": items}))
    said = answers(tmp_path, "a", {str(item["item"]): "first" for item in items})
    assert main(["--key", str(path), str(said)]) == 0
    rows = [
        line.split(" | ")[0] for line in capsys.readouterr().out.splitlines() if "100.0" in line
    ]
    assert rows == [f"| {method}" for method in [*methods, "reference"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"listener": "x", "test": "t", "answers": []}', "holds no answer: listener x saved"),
        ("{", "holds no answers of the page"),
        ('{"listener": "x"}', "holds no answers of the page"),
        ('{"listener": "x", "test": "u", "answers": []}', "answers test u, the key is of test t"),
        (
            '{"listener": "x", "test": "t", "answers": [{"item": "s0", "answer": "yes"}]}',
            "'yes' is no answer to item 's0'",
        ),
        (
            '{"listener": "x", "test": "t", "answers": [{"item": "z", "answer": "yes"}]}',
            "no answer to item 'z'",
        ),
    ],
)
def test_a_wrong_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    path = tmp_path / "answers.json"
    path.write_text(content)
    assert main(["--key", str(key(tmp_path)), str(path)]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert str(path) in said
    assert main(["--key", str(path), str(path)]) == 2
    assert "is no key of `training listen`" in capsys.readouterr().err
