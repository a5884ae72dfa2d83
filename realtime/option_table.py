"""The table of options: what each is called, where it goes, and how its value is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from realtime import chaos
from realtime.dial import DIALS
from realtime.graph import Pace
from realtime.option_row import Row
from realtime.options import (
    HIGHEST_PORT,
    LEAST_PART_MIN,
    LOWEST_PORT,
    MOST_OBJECTS,
    OUTPUTS,
    EngineName,
    Precision,
    Spares,
    Tap,
    View,
)
from realtime.page_options import BROWSER
from realtime.page_options import ROWS as PAGE_ROWS
from realtime.remote.placing import read_places
from realtime.rig import LARGEST_GAIN_DB, LARGEST_OFFSET_MS


def _positive(text: str) -> float:
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise ValueError
    return value


def _part(text: str) -> float:
    value = _positive(text)
    if value < LEAST_PART_MIN:
        raise ValueError
    return value


def _offset(text: str) -> float:
    return _within(float(text), LARGEST_OFFSET_MS)


def _gain(text: str) -> float:
    return _within(float(text), LARGEST_GAIN_DB)


def _within(value: float, largest: float) -> float:
    if not abs(value) <= largest:
        raise ValueError
    return value


def _lookahead(text: str) -> str | float:
    if text in DIALS:
        return text
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _objects(text: str) -> int | None:
    if text == "auto":
        return None
    value = int(text)
    if not 1 <= value <= MOST_OBJECTS:
        raise ValueError
    return value


def _chaos(text: str) -> str:
    chaos.check(text)
    return text


def _places(text: str) -> str:
    read_places(text)
    return text


def _outputs(text: str) -> int:
    return _port(text, "tcp", HIGHEST_PORT - OUTPUTS)


def _osc(text: str) -> int:
    return _port(text, "udp", HIGHEST_PORT)


def _port(text: str, protocol: str, highest: int) -> int:
    kind, _, port = text.partition(":")
    value = int(port)
    if kind != protocol or not LOWEST_PORT <= value <= highest:
        raise ValueError
    return value


def _threads(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


GROUPS: Mapping[str, Mapping[str, Row]] = MappingProxyType(
    {
        "what goes in (default: the default camera and microphone)": {
            "demo": Row(place="input.demo", help="the built-in duet; needs no hardware"),
            "source": Row(
                place="input.source",
                metavar=f"FILE|{BROWSER}",
                words=(BROWSER,),
                help="a media file, picture and sound; of a folder all, with --pace fast --record; "
                "or a browser's camera and microphone (docs/browser.md)",
            ),
            "video": Row(
                place="input.video",
                metavar="URI",
                help="0, /dev/video0, csi://0, rtsp://..., http://..., a file, or none",
            ),
            "audio": Row(
                place="input.audio",
                metavar="URI",
                help="a microphone's name or number, a file, or none",
            ),
        },
        "what sets it right (default: as measured by: python -m calibration)": {
            "av-offset": Row(
                place="rig.av_offset_ms",
                metavar="MS",
                wanted=f"-{LARGEST_OFFSET_MS:g} to {LARGEST_OFFSET_MS:g} ms",
                parse=_offset,
                help="how much later the picture tells of what happens than the sound",
            ),
            "gain": Row(
                place="rig.gain_db",
                metavar="DB",
                wanted=f"-{LARGEST_GAIN_DB:g} to {LARGEST_GAIN_DB:g} dB",
                parse=_gain,
                help="of the sound that goes in",
            ),
        },
        "what computes": {
            "model": Row(place="model.model", metavar="DIR", help="a checkpoint's folder"),
            "engine": Row(
                place="model.engine",
                metavar="NAME",
                choices=get_args(EngineName),
                help="what runs the networks; auto measures and remembers",
            ),
            "server": Row(
                place="model.server",
                metavar="HOST:PORT",
                help="where --engine remote computes: a server of the KServe v2 protocol",
            ),
            "precision": Row(
                place="model.precision",
                metavar="NAME",
                choices=get_args(Precision),
                help="of the networks' numbers",
            ),
            "threads-per-network": Row(
                place="model.threads_per_network",
                metavar="N",
                wanted="a whole number from 1 on",
                parse=_threads,
                help="CPU threads for each of the two networks (default: half of the cores)",
            ),
        },
        "how it is separated": {
            "objects": Row(
                place="separation.objects",
                metavar=f"auto|1..{MOST_OBJECTS}",
                words=("auto", *(str(number) for number in range(1, MOST_OBJECTS + 1))),
                parse=_objects,
                help="how many objects there are (default: auto)",
            ),
            "lookahead": Row(
                place="separation.lookahead",
                metavar="|".join((*DIALS, "MS")),
                words=tuple(DIALS),
                parse=_lookahead,
                help="later but better (default: stage at a microphone, else watched; fast studio)",
            ),
        },
        "what comes out": {
            "speaker": Row(
                place="output.speaker",
                metavar="NAME|none",
                help="where the mix is played (default: the default speaker)",
            ),
            "view": Row(
                place="output.view",
                metavar="NAME",
                choices=get_args(View),
                help="auto: a window where there is a display, else a page for a browser; in the "
                "window drag or p pins an object, u unpins it, and its panel says the rest",
            ),
            "record": Row(
                place="output.record",
                metavar="DIR",
                help="write every object, and the picture, there",
            ),
            "part-min": Row(
                place="output.part_min",
                metavar="MIN",
                wanted=f"{LEAST_PART_MIN:g} minutes or more",
                parse=_part,
                help="with --record: in folders part-001, part-002 … of so many minutes, nothing "
                "lost between them; where there are some, behind the last",
            ),
            "recordings": Row(
                place="output.recordings",
                metavar="DIR",
                help="where the page's record button, and the window's key, make their folders "
                "(default: recordings)",
            ),
            "outputs": Row(
                place="output.outputs",
                metavar="tcp:PORT",
                wanted=f"tcp:PORT, PORT {LOWEST_PORT} to {HIGHEST_PORT - OUTPUTS}",
                parse=_outputs,
                help="every object's sound for other programs of this machine, live, as a WAV "
                f"without an end: all at PORT, object N at PORT + N, the rest at PORT + {OUTPUTS} "
                "(docs/outputs.md)",
            ),
            "tap": Row(
                place="output.tap",
                metavar="NAME",
                choices=get_args(Tap),
                help="whether other programs hear objects before or behind their gains",
            ),
            "osc": Row(
                place="output.osc",
                metavar="udp:PORT",
                wanted=f"udp:PORT, PORT {LOWEST_PORT} to {HIGHEST_PORT}",
                parse=_osc,
                help="gain, solo and mute for other programs of this machine, by Open Sound "
                "Control (docs/outputs.md)",
            ),
            "profile": Row(
                place="output.profile",
                metavar="FILE",
                help="write a trace that Perfetto opens; prints a table per stage at the end",
            ),
        },
        "the page for a browser": PAGE_ROWS,
        "the run": {
            "duration": Row(
                place="run.duration_s",
                metavar="S",
                wanted="more than 0 seconds",
                parse=_positive,
                help="end after so many seconds",
            ),
            "pace": Row(
                place="run.pace",
                metavar="NAME",
                choices=get_args(Pace),
                help="fast, for files: as quick as it goes, nothing lost, same result every time",
            ),
            "place": Row(
                place="run.place",
                metavar="WHERE",
                parse=_places,
                help="threads of one process, or processes (default); and, with a comma between, "
                "stages of other hosts: sight=tcp://gpu-box:7000 (docs/remote.md)",
            ),
            "keys": Row(
                place="run.keys",
                metavar="DIR",
                help="keys for other hosts (default: as python -m realtime keys makes them)",
            ),
            "spares": Row(
                place="run.spares",
                metavar="NAME",
                choices=get_args(Spares),
                help="live, processes that wait to take the place of others (default: all)",
            ),
            "chaos": Row(
                place="run.chaos",
                metavar="SEED|LIST",
                wanted=chaos.WANTED,
                parse=_chaos,
                help="live, let stages be killed, stopped and fail at random; or as told: "
                '"kill hearing 10, stop sight 20, raise separator 30"',
            ),
        },
    }
)
