"""A program of its own: shows a window with a scene, writes what the user asks for to stdout.

One JSON line per control; "open" when the window is there, "finished" at the end.
"""

from __future__ import annotations

import json
import sys
import time

from realtime.errors import DeviceError
from realtime.sinks.window import Window
from tests.realtime.sinks.examples import BLUE, ORANGE, frame, scene, scene_object

LONGEST_S = 60.0


def main() -> int:
    window = Window("test", {"vision": "openvino/int8", "sound": "openvino/int8"})
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
    inputs = {"video": [frame(0, 360, 640, grey=90)], "scene": [scene(objects, hot=hot)]}
    turns = 0
    while not window.finished and time.monotonic() < until_s:
        for _, control in window.step(time.monotonic_ns(), inputs):
            fields = ("kind", "x", "y", "object_id", "value", "what")
            asked = {name: getattr(control, name, None) for name in fields}
            print(json.dumps(asked), flush=True)
        inputs = {}
        turns += 1
        if turns == 5:
            print("open", flush=True)
        time.sleep(0.01)
    window.close()
    print("finished", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
