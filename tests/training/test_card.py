"""The model card: all that ``model.json`` says, and nothing that it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.tiny_model import tiny_spec
from training.__main__ import COMMANDS
from training.card import UNKNOWN, card, main
from training.card_scores import CONDITIONS, LABELS, REPRINTS, TITLES, WHILE_TRAINING

SHIPPED = Path(__file__).parents[2] / "models" / "live"


def shipped() -> dict[str, Any]:
    values: dict[str, Any] = json.loads((SHIPPED / "model.json").read_text("utf-8"))
    return values


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, without their heads."""
    lines = [
        line for line in text.splitlines() if line.startswith("| ") and "| score |" not in line
    ]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in lines]


def test_what_ships_is_what_the_command_writes(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes((SHIPPED / "model.json").read_bytes())
    assert main([str(tmp_path)]) == 0
    written = (tmp_path / "README.md").read_text("utf-8")
    assert (SHIPPED / "README.md").read_text("utf-8") == written, (
        "python -m training card models/live"
    )


def test_every_score_that_ships_is_there_and_says_how_it_is_printed_again() -> None:
    text, scores = card(shipped()), shipped()["scores"]
    groups = {name: one for name, one in scores.items() if isinstance(one, dict)}
    within = [key for one in groups.values() for key in one if key not in CONDITIONS]
    found = rows(text)
    assert len(found) == len(within) + len(scores) - len(groups)
    assert all(score for _, score, *_ in found)
    assert UNKNOWN not in text
    for name, values in groups.items():
        assert f"`{REPRINTS[name].format_map(values)}`" in text
    cannot = [what for what, *_, last in found if last == WHILE_TRAINING]
    assert cannot == [LABELS[name].what for name in scores if name.startswith("unseen_")]
    assert len(cannot) == 5


def test_commands_are_of_modules_that_are_there() -> None:
    for how in {*REPRINTS.values()} - {WHILE_TRAINING}:
        module, following = [*how.partition("python -m ")[2].split(), ""][:2]
        if module == "training":
            module = COMMANDS[following].module
        assert (SHIPPED.parents[1] / (module.replace(".", "/") + ".py")).is_file(), how


def test_it_says_what_people_ask() -> None:
    text, said = card(shipped()), shipped()
    assert "17 classes: accordion, acoustic guitar," in text
    assert "5 drawings of the virtual band: flute, guitar, marimba, trumpet, violin." in text
    for source in said["provenance"]["data"]:
        assert f"\n- {source}\n" in text
    for told in (said["provenance"]["teacher"], said["provenance"]["training"], said["limits"]):
        assert told in text
    assert "MIT" in said["license"]
    assert said["license"] in text


def test_what_sooner_costs_is_what_the_scores_say() -> None:
    live, limits = shipped()["scores"]["live_against_whole_windows_of_a_u_net"], shipped()["limits"]
    ahead = live["gained_186_ms_late_db"]
    at_once = ahead - live["gained_93_ms_late_db"]
    guessed = ahead + live["lost_46_ms_late_db"]
    assert f"(93 ms late) gains {-at_once:.1f} dB" in limits
    assert f"(46 ms late) loses {guessed:.1f} dB" in limits


def test_a_score_that_nobody_labelled_is_said_by_its_name() -> None:
    """A new one needs nothing; with a group that is known it also has its command."""
    described = tiny_spec().to_dict() | {
        "scores": {
            "hearing": {"clips_of_each_kind": 7, "seed": 3, "four_sources_nsdr_db": [9.25, 1]},
            "outdoors": {"at_night": {"found_within_s": 3, "place_right": 0.5}},
            "taste": "sour | sweet",
        }
    }
    text = card(described)
    assert "Measured with clips of each kind: 7, seed: 3." in text
    assert "benchmarks.hearing --data DATA --cache CACHE --clips 7 --seed 3`" in text
    hearing, night, place, taste = rows(text.replace("\\|", "/"))
    assert hearing == ["four sources nsdr db", "9.25, 1 dB", ""]
    assert night == ["at night, found within s", "3 s", ""]
    assert place == ["at night, place right", "50.0 %", ""]
    assert taste == ["taste", "sour / sweet", "", UNKNOWN]
    assert text.count(UNKNOWN) == 2
    assert "Where it fails" not in text


def test_labels_are_of_groups_that_have_a_title_and_a_command() -> None:
    for name in LABELS:
        group = name.partition(".")[0]
        assert group in REPRINTS, name
        assert "." not in name or group in TITLES, name


def test_a_command_that_lacks_a_condition_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    described = tiny_spec().to_dict() | {"scores": {"hearing": {"clips_of_each_kind": 7}}}
    (tmp_path / "model.json").write_text(json.dumps(described))
    assert main([str(tmp_path)]) == 2
    assert "scores.hearing has no 'seed', which its command wants" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_what_is_no_model_is_told(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    assert main([str(tmp_path)]) == 2
    assert f"{tmp_path} is no model folder" in capsys.readouterr().err
    assert not (tmp_path / "README.md").exists()
