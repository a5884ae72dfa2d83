"""A program of its own: the microphone's sound on the speaker, by the stages of a live run.

Usage: duplex.py MICROPHONE SPEAKER; prints how both are doing as lines of JSON, and goes on until
its standard input ends, on which a line like ``speaker USB Headset`` asks for another device.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from queue import SimpleQueue

import numpy as np

from realtime.clock import NS_PER_MS, NS_PER_S, SystemClock
from realtime.desk import Choice, Present
from realtime.messages import AudioChunk, AudioGap, Message, Streams
from realtime.sinks.mixer import centred
from realtime.sinks.output import SoundDevice
from realtime.sinks.speaker import Speaker
from realtime.sources.microphone import MicrophoneSource
from realtime.sources.microphone_process import MicrophoneDevice

TELL_NS = 100 * NS_PER_MS
PIECE_NS = 40 * NS_PER_MS


def main(microphone: str, speaker: str) -> None:
    logging.basicConfig(format="%(message)s")
    asked: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            asked.put(line.strip())

    over = threading.Thread(target=read, daemon=True)
    over.start()
    clock = SystemClock()
    source = MicrophoneSource(
        MicrophoneDevice(microphone, clock, has_speaker=True, speaker=speaker),
        stream="test",
        clock=clock,
        other=lambda name: MicrophoneDevice(name, clock),
    )
    sink = Speaker(
        SoundDevice(speaker, clock, 0.03),
        centred,
        other=lambda name: SoundDevice(name, clock, 0.03),
    )
    sink.open()
    source.open()
    waiting: list[np.ndarray] = []
    told: dict[str, dict[str, object]] = {}
    position, sent, rate_hz = 0, 0, 0
    begun_ns = tell_ns = piece_ns = clock.now_ns()
    while over.is_alive():
        now_ns = clock.now_ns()
        control = choices(asked)
        for topic, message in source.step(now_ns, control):
            if topic == "desk":
                told["microphone"] = remark(message)
                continue
            assert isinstance(message, AudioChunk | AudioGap)
            assert message.first_sample == position
            if not position:
                begun_ns = now_ns
            rate_hz = message.rate_hz
            silent = isinstance(message, AudioGap)
            samples = np.zeros(message.length_samples) if silent else message.samples
            position += len(samples)
            waiting.append(samples.astype(np.float32))
        if waiting and now_ns >= piece_ns:
            piece_ns = now_ns + PIECE_NS
            sound = np.concatenate(waiting)
            waiting.clear()
            given = {"streams": [streams(sound, sent, rate_hz, now_ns)]}
            sent += len(sound)
        else:
            given = {}
        if given or control:
            for _, message in sink.step(now_ns, given | control):
                told["speaker"] = remark(message)
        if rate_hz and now_ns >= tell_ns:
            tell_ns = now_ns + TELL_NS
            behind_s = (now_ns - begun_ns) / NS_PER_S - position / rate_hz
            numbers = {"microphone": source.stats(), "speaker": sink.stats()}
            line = {"behind_s": behind_s, **numbers, "told": told}
            print(json.dumps(line), flush=True)
    source.close()
    sink.close()


def choices(asked: SimpleQueue[str]) -> dict[str, list[Message]]:
    found: list[Message] = []
    while not asked.empty():
        part, _, name = asked.get().partition(" ")
        found.append(Choice(stream="test", sequence=0, part=part, name=name))
    return {"control": found} if found else {}


def remark(message: Message) -> dict[str, object]:
    assert isinstance(message, Present)
    return {"name": message.name, "said": message.said, "is_refusal": message.is_refusal}


def streams(sound: np.ndarray, first_sample: int, rate_hz: int, now_ns: int) -> Streams:
    return Streams(
        stream="test",
        sequence=first_sample,
        capture_ns=now_ns,
        first_sample=first_sample,
        rate_hz=rate_hz,
        object_ids=(),
        samples=sound[None, :],
        gains=(1.0,),
        pans=(0.0,),
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
