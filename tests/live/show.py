"""A program of its own: shows a window with a scene, writes what the user asks for to stdout.

One JSON line per control; "open" when the window is there, "finished" at the end.
"""

from __future__ import annotations

import json
import sys
import time

from realtime.desk import Choice, Part, Present, Recording
from realtime.errors import DeviceError
from realtime.messages import Control, Message
from realtime.scout import Scout
from realtime.sinks.window import Window
from realtime.wishes import Show
from tests.realtime.sinks.examples import BLUE, ORANGE, frame, scene, scene_object

LONGEST_S = 60.0
FOLDER = "/home/ada/recordings/2026-11-27-101500"


class Listed:
    """What a real look would find."""

    def look(self) -> dict[Part, list[str]]:
        return {"speaker": ["Built-in Audio", "USB Headset"], "microphone": ["USB Headset"]}

    def close(self) -> None:
        """Nothing to let go of."""


class Desk:
    """Answers as the stages of a run would."""

    def __init__(self) -> None:
        self._began_ns: int | None = None
        self._remarks = 0

    def told(self) -> list[Message]:
        present = Present(
            stream="test", sequence=0, part="speaker", name="Built-in Audio", said="", number=0,
            is_refusal=False,
        )  # fmt: skip
        recording = Recording(
            stream="test",
            sequence=0,
            is_on=self._began_ns is not None,
            began_ns=self._began_ns or 0,
            said=f"recorded 12.3 s in {FOLDER}" if self._remarks else "",
            number=self._remarks,
            is_refusal=False,
        )
        return [present, recording]

    def press(self) -> None:
        if self._began_ns is not None:
            self._began_ns, self._remarks = None, self._remarks + 1
        else:
            self._began_ns = time.monotonic_ns() - 65_000_000_000


def main() -> int:
    names = {"vision": "openvino/int8", "sound": "openvino/int8"}
    window, desk = Window("test", names, scout=Scout(Listed())), Desk()
    objects = [
        scene_object(1, ORANGE, (0.05, 0.3, 0.35, 0.9)),
        scene_object(2, BLUE, (0.6, 0.3, 0.95, 0.9)),
    ]
    hot = [(5, 1), (5, 2)]
    try:
        window.open()
    except DeviceError as error:
        print(f"error: {error}", flush=True)
        return 3
    until_s = time.monotonic() + LONGEST_S
    inputs: dict[str, list[Message]] = {
        "video": [frame(0, 360, 640, grey=90)],
        "scene": [scene(objects, hot=hot)],
        "desk": desk.told(),
    }
    turns = 0
    while not window.finished and time.monotonic() < until_s:
        asked = window.step(time.monotonic_ns(), inputs)
        inputs = {}
        for _, one in asked:
            if isinstance(one, Choice):
                print(json.dumps({"part": one.part, "name": one.name}), flush=True)
            if isinstance(one, Show):
                print(json.dumps({"what": one.what}), flush=True)
            if isinstance(one, Control):
                fields = ("kind", "x", "y", "object_id", "value")
                print(json.dumps({name: getattr(one, name) for name in fields}), flush=True)
                if one.kind == "record":
                    desk.press()
                    inputs = {"desk": desk.told()}
        turns += 1
        if turns == 5:
            print("open", flush=True)
        time.sleep(0.01)
    window.close()
    print("finished", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
