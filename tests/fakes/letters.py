"""A valid letter of every kind that is one line of JSON."""

from __future__ import annotations

from realtime.options import SeparationOptions
from realtime.remote.letters import (
    Bye,
    Failed,
    Finished,
    Hello,
    Letter,
    Numbers,
    Ping,
    Pong,
    Ready,
    Refused,
    Taken,
    Welcome,
    Worked,
)

ONE_OF_EACH: tuple[Letter, ...] = (
    Hello(
        version="0.1.0", stage="sight", stream="live", session="a" * 32, model="b" * 16,
        separation=SeparationOptions(objects=2, lookahead="stage"), is_traced=True,
    ),
    Welcome(version="0.1.0"),
    Refused(text="no", exit_code=2),
    Ready(),
    Failed(text="no", exit_code=1),
    Finished(),
    Ping(sent_ns=-5, offset_ns=None),
    Ping(sent_ns=5, offset_ns=-(2**60)),
    Pong(sent_ns=1, received_ns=2, answered_ns=3),
    Taken(topic="video", count=3),
    Numbers(values={"rate_hz": 1.5}),
    Worked(slices=(("vision openvino/int8", "", 1, 9), ("vision openvino/int8", "run", 2, 8))),
    Bye(),
)  # fmt: skip
