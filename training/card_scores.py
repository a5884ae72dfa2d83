"""What a model card says of each score of ``model.json``: a line for each, and how it is reprinted.

A score is a number below ``scores``; its path, joined by dots, is its name here. A new one needs a
line in ``LABELS``, or none: its name is then said as it is. How it is reprinted hangs on its group,
the first part of its path; a new group needs a line in ``REPRINTS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Label:
    """``what`` was measured, in words, and what was ``asked`` of it, if anything."""

    what: str
    asked: str = ""


WHILE_TRAINING = "printed while training, cannot be reprinted"

# What is said of how a group was measured: no scores.
CONDITIONS = frozenset({"scenes", "clips_of_each_kind", "pairs", "seed"})

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "demo": "The built-in duet, of the virtual band that it was taught on",
        "held_out_notes_and_photographs": "The whole player, on unheard notes, unseen photographs",
        "false_objects_per_minute": "Objects a minute, where nothing sounds",
        "hearing": "Ears, on what no training has heard; objects given",
        "real_duet": "A real duet's pictures, with real performances never heard",
        "table": "As the paper scores: mixtures beside photographs, shown the pictures",
        "cost": "Cost, on one thread of a server's processor",
        "live_against_whole_windows_of_a_u_net": (
            "Live, against whole windows of the U-Net that shipped before; notes, told what plays"
        ),
    }
)

# By the group; by the whole name where scores stand in none. What is in braces is its condition.
REPRINTS: Mapping[str, str] = MappingProxyType(
    {
        "demo": "python -m benchmarks.demo",
        "held_out_notes_and_photographs": (
            "python -m benchmarks.scenes --data DATA --cache CACHE --count {scenes} --seed {seed}"
        ),
        "false_objects_per_minute": (
            "python -m benchmarks.silence --data DATA --cache CACHE --scenes 12"
        ),
        "hearing": (
            "python -m benchmarks.hearing --data DATA --cache CACHE "
            "--clips {clips_of_each_kind} --seed {seed}"
        ),
        "real_duet": (
            "python -m benchmarks.clip_sounds CLIP --shot 6 --players acoustic_guitar violin "
            "--data DATA --cache CACHE --count {pairs} --seed {seed}"
        ),
        "table": (
            "python -m training table --bank DATA --cache CACHE --model models/live "
            "--mixtures 100 --sources 2"
        ),
        "cost": "python -m benchmarks.cost",
        "live_against_whole_windows_of_a_u_net": (
            "git worktree add ../before 7b15387 && python -m benchmarks.streaming "
            "--whole ../before/models/live --data DATA --cache CACHE "
            "--clips {pairs} --seed {seed}"
        ),
        "unseen_grid_cells_right": WHILE_TRAINING,
        "unseen_background_cells_right": WHILE_TRAINING,
        "unseen_far_grid_cells_right": WHILE_TRAINING,
        "unseen_photographs_cells_right": WHILE_TRAINING,
        "unseen_photographs_background_cells_right": WHILE_TRAINING,
    }
)

_HEARING = "hearing"
_LIVE = "live_against_whole_windows_of_a_u_net"
_SCENES = "held_out_notes_and_photographs"
LABELS: Mapping[str, Label] = MappingProxyType(
    {
        "demo.guitar_nsdr_db": Label("guitar, NSDR", "≥ 6 dB"),
        "demo.flute_nsdr_db": Label("flute, NSDR", "≥ 6 dB"),
        "demo.found_within_s": Label("both found within", "≤ 3 s"),
        f"{_SCENES}.mean_nsdr_db": Label("NSDR, mean", "≥ 5 dB"),
        f"{_SCENES}.median_nsdr_db": Label("NSDR, median"),
        f"{_SCENES}.place_right": Label("found in the right place", "≥ 95 %"),
        f"{_SCENES}.boxes_overlap_iou": Label("overlap of the boxes (IoU)", "≥ 0.4"),
        f"{_SCENES}.both_found": Label("scenes in which both are found"),
        "unseen_grid_cells_right": Label("cells of instruments named rightly, composed scenes"),
        "unseen_background_cells_right": Label("cells of the ground left alone, composed scenes"),
        "unseen_far_grid_cells_right": Label("cells of instruments named rightly, far away"),
        "unseen_photographs_cells_right": Label("cells of instruments named rightly, photographs"),
        "unseen_photographs_background_cells_right": Label(
            "cells of the ground left alone, photographs"
        ),
        "false_objects_per_minute.digital_silence": Label("in digital silence", "< 1"),
        "false_objects_per_minute.noise_of_a_room": Label("in a room's noise", "< 1"),
        f"{_HEARING}.two_sources_sdr_sir_sar_db": Label(
            "two sources of notes, told what plays: SDR, SIR, SAR", "≥ 11, ≥ 16, ≥ 13 dB"
        ),
        f"{_HEARING}.lost_with_pictures_db": Label(
            "SDR lost when shown pictures, the sound helping to name them", "≤ 1 dB"
        ),
        f"{_HEARING}.lost_with_pictures_alone_db": Label(
            "SDR lost when shown pictures, without that help"
        ),
        f"{_HEARING}.three_sources_nsdr_db": Label("three sources, told: NSDR", "≥ 6 dB"),
        f"{_HEARING}.real_performances_shown_nsdr_db": Label(
            "two real performances, shown unseen photographs: NSDR", "≥ 6 dB"
        ),
        f"{_HEARING}.real_performances_told_nsdr_db": Label("two real performances, told: NSDR"),
        f"{_HEARING}.players_of_one_piece_nsdr_db": Label("two players of one piece, told: NSDR"),
        "real_duet.nsdr_db": Label("NSDR, mean", "≥ 6 dB"),
        "real_duet.guitar_nsdr_db": Label("guitar, NSDR"),
        "real_duet.violin_nsdr_db": Label("violin, NSDR"),
        "table.two_sources_nsdr_db": Label("two sources: NSDR"),
        "table.three_sources_nsdr_db": Label(
            "three sources (--sources 3 --mixtures 30): NSDR", "≥ 6 dB"
        ),
        "table.four_sources_nsdr_db": Label("four sources (--sources 4 --mixtures 30): NSDR"),
        "table.false_objects_per_minute": Label("objects a minute, in a room's noise", "< 1"),
        "cost.both_networks_ms": Label(
            "both networks, two looks at a picture and a step of sound", "≤ 100 ms"
        ),
        f"{_LIVE}.whole_sdr_db": Label("the U-Net's whole windows: SDR"),
        f"{_LIVE}.gained_186_ms_late_db": Label(
            "SDR gained, 186 ms late (93 ms heard ahead), after 6 s", "≥ -0.5 dB"
        ),
        f"{_LIVE}.gained_93_ms_late_db": Label(
            "SDR gained, 93 ms late (nothing heard ahead), after 6 s", "≥ -0.5 dB"
        ),
        f"{_LIVE}.lost_46_ms_late_db": Label("SDR lost, 46 ms late (a guess), after 6 s"),
        f"{_LIVE}.gained_in_the_first_6_s_db": Label(
            "SDR gained in the first 6 s, 186 ms late", "≥ -1.5 dB"
        ),
    }
)
