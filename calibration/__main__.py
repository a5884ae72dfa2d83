"""What must be measured before a run: of a model, its ranges; of a rig, its devices.

python -m calibration collect      --out set.npz --band 24
python -m calibration quantize     --set set.npz --model models/mine
python -m calibration av-offset    --pattern
python -m calibration loop-latency
python -m calibration levels
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calibration.collect import from_band, from_files
from calibration.collection import (
    CalibrationError,
    Collection,
    Look,
    Window,
    check_place,
    stratified,
)
from calibration.live import from_live
from calibration.rig_commands import add_commands
from engines.errors import EngineError
from engines.model import open_model
from engines.shipped import SHIPPED_MODEL
from pixelplayer.one_line import OneLineParser
from realtime.clock import SystemClock
from realtime.errors import DeviceError, UsageError
from realtime.sources.camera import CameraDevice, CameraSource
from realtime.sources.microphone import MicrophoneSource
from realtime.sources.microphone_process import MicrophoneDevice

MOST_LOST_DB = 0.2
_TRIAL_SEED = 91_000  # far from those of scenes that are calibrated with


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; after a line that says why, 2 where it cannot be, 3 without a device; 130: ^C."""
    parser = OneLineParser(prog="python -m calibration", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    collect = commands.add_parser("collect", help="make a calibration set")
    collect.add_argument("paths", nargs="*", type=Path, help="media files, or folders of them")
    collect.add_argument("--band", type=int, default=0, metavar="N", help="scenes of the band")
    collect.add_argument("--live", type=float, default=0.0, metavar="S", help="seconds of now")
    collect.add_argument("--video", metavar="URI", help="the camera of --live")
    collect.add_argument("--audio", metavar="NAME", help="the microphone of --live")
    collect.add_argument("--most", type=int, default=64, metavar="N", help="windows, and pictures")
    collect.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    collect.set_defaults(run=_collect)
    quantize = commands.add_parser("quantize", help="write graphs in other precisions")
    quantize.add_argument("--set", type=Path, required=True, metavar="FILE.npz")
    quantize.add_argument(
        "--precision",
        choices=("fp16", "int8", "fp8"),
        action="append",
        help="only this (default: fp16 and int8)",
    )
    quantize.add_argument("--most-lost-db", type=float, default=MOST_LOST_DB, metavar="DB")
    quantize.add_argument("--scenes", type=int, default=16, metavar="N", help="that judge it")
    quantize.add_argument("--threads", type=int, default=1, metavar="N")
    quantize.set_defaults(run=_quantize)
    for command in (collect, quantize):
        command.add_argument("--model", type=Path, default=SHIPPED_MODEL, metavar="DIR")
        command.add_argument("--seed", type=int, default=0)
    add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (CalibrationError, EngineError, UsageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except DeviceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def _collect(options: argparse.Namespace) -> None:
    _at_least("--most", options.most, 1)
    _at_least("--seed", options.seed, 0)
    _at_least("--band", options.band, 0)
    _finite("--live", options.live)
    if not (options.band or options.paths or options.live):
        raise CalibrationError("nothing to collect from; give media files, or --band 24, or --live")
    spec = open_model(options.model).spec
    check_place(options.out)  # before minutes are spent on what goes there
    rng = np.random.default_rng(options.seed)
    windows: list[Window] = []
    looks: list[Look] = []
    if options.band:
        windows, looks = from_band(spec, options.band, options.seed, rng)
    if options.paths:
        heard, seen, problems = from_files(spec, options.paths, rng)
        windows, looks = windows + heard, looks + seen
        for problem in problems:
            print(problem, file=sys.stderr)
    if options.live:
        clock = SystemClock()
        camera = CameraSource(CameraDevice(options.video), stream="live", clock=clock)
        microphone = MicrophoneSource(
            MicrophoneDevice(options.audio, clock), stream="live", clock=clock
        )
        heard, seen = from_live(spec, camera, microphone, clock, options.live)
        windows, looks = windows + heard, looks + seen
    chosen = stratified(windows, looks, options.most, rng)
    chosen.write(options.out)
    print(
        f"{options.out}: {len(chosen.log_magnitudes)} of {len(windows)} windows, "
        f"{len(chosen.pictures)} of {len(looks)} pictures, "
        f"{options.out.stat().st_size / 1e6:.1f} MB"
    )


def _quantize(options: argparse.Namespace) -> None:
    _at_least("--scenes", options.scenes, 1)
    _at_least("--seed", options.seed, 0)
    _at_least("--threads", options.threads, 1)
    _finite("--most-lost-db", options.most_lost_db)
    try:  # they need onnx, which a rig's own commands must do without
        from calibration.precisions import (
            Bench,
            Written,
            check_folder,
            write_eight_bits,
            write_fp16,
        )
        from calibration.sensitivity import as_table
        from calibration.trials import trials
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"{error.name} is not installed, which quantize needs; run: pip install {error.name}"
        ) from None
    from engines.auto import CANDIDATES
    from engines.registry import is_installed

    backend = next((name for name in CANDIDATES if is_installed(name)), None)
    if backend is None:
        raise DeviceError("nothing here runs the model; run: pip install onnxruntime")
    precisions = options.precision or ("fp16", "int8")
    collection = Collection.read(options.set)
    model = open_model(options.model)
    collection.check_fits(model, options.set)
    check_folder(model.folder, len(precisions))
    bench = Bench(
        model=model,
        backend=backend,
        threads=options.threads,
        scenes=trials(model, options.scenes, _TRIAL_SEED),
        most_lost_db=options.most_lost_db,
    )
    reference = bench.outcome(model.folder, "fp32")
    written: list[Written] = []
    for precision in precisions:
        try:
            if precision == "fp16":
                written.append(write_fp16(bench, reference))
            else:
                written.append(write_eight_bits(bench, reference, collection, precision))
        except OSError as error:  # there was room when it began
            raise CalibrationError(
                f"{error.filename or model.folder} cannot be written: {error.strerror}; "
                "free space there, and run it again"
            ) from error
    print(
        f"{options.scenes} scenes of the virtual band in {bench.backend}, fp32: "
        f"{reference.sdr_db:.2f} dB SDR, {reference.in_place:.0%} in place\n"
    )
    print("| precision | SDR lost, dB | in place lost | cosine, vision | cosine, sound | in fp32 |")
    print("|---|---|---|---|---|---|")
    for one in written:
        lost = one.lost
        print(
            f"| {one.precision} | {lost.sdr_db:.3f} | {lost.in_place:.1%} "
            f"| {lost.vision_cosine:.5f} | {lost.sound_cosine:.5f} | {len(one.kept)} |"
        )
    for one in written:
        if one.suffering:
            print(f"\n{as_table(one.suffering)}")


def _at_least(option: str, value: int, least: int) -> None:
    if value < least:
        raise CalibrationError(f"{option} {value} is too few; give {least} or more")


def _finite(option: str, value: float) -> None:
    if not 0 <= value < math.inf:  # nor is "nan" any number
        raise CalibrationError(f"{option} {value:g} is no number from 0 on; give one")


if __name__ == "__main__":
    sys.exit(main())
