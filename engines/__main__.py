"""Engines on this machine: what is there, how fast it is, how exact, and what is kept.

python -m engines list                 runtimes, the model's precisions, kept engines
python -m engines names                all that run the model here, backend/precision, a line each
python -m engines build                compile the model for what is here, for quick starts
python -m engines bench                both networks at once in every engine; keeps what auto needs
python -m engines compare              how far every engine is from the reference (needs torch)
python -m engines doctor               what is missing and the command that mends it
python -m engines clean                throw kept engines and choices away
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engines import auto, memory, parity, survey
from engines.errors import EngineError, TooFarOffError
from engines.measurement import measured
from engines.model import open_model, read_spec
from engines.protocol import Network
from engines.registry import BACKENDS, installed_runtime, open_engine
from engines.repository import export
from engines.shipped import SHIPPED_MODEL
from engines.store import Store
from engines.tensorrt_plan import CLASSIC
from pixelplayer.one_line import OneLineParser
from pixelplayer.spec import USUAL

NETWORKS: tuple[Network, ...] = ("vision", "sound")
LIVE_COLUMNS = (3, 6, 14, 25, 28, 36)  # steps at the dial's usual positions; and to catch up
_INPUTS = 4
_DOCTOR = "python -m engines doctor says what is missing"
_OWN_CACHE = "make its folder writable, or set XDG_CACHE_HOME to one that is"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 where something is missing, unusable or too far off; 2 for wrong use."""
    parser = OneLineParser(prog="python -m engines", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run in (
        ("list", _list),
        ("names", _names),
        ("build", _build),
        ("bench", _bench),
        ("compare", _compare),
        ("doctor", _doctor),
        ("clean", _clean),
    ):
        command = commands.add_parser(name)
        command.add_argument("--model", type=Path, default=SHIPPED_MODEL, metavar="DIR")
        if run in (_build, _bench, _compare):
            command.add_argument("--threads", type=int, default=1, metavar="N", help="per network")
        command.set_defaults(run=run)
        if run is _build:
            command.add_argument(
                "--portable", action="store_true", help="TensorRT's for other GPUs as well; slower"
            )
    command = commands.add_parser("export-repository")
    command.add_argument("target", type=Path, metavar="DIR")
    command.add_argument("--model", type=Path, default=SHIPPED_MODEL, metavar="DIR")
    command.add_argument("--precision", default="fp32")
    command.add_argument(
        "--newest",
        type=int,
        nargs="*",
        default=list(LIVE_COLUMNS),
        metavar="N",
        help="columns that live steps need; default: those of the default lookahead",
    )
    command.set_defaults(run=_export_repository)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _list(options: argparse.Namespace) -> int:
    spec = read_spec(options.model)
    for found in survey.backends():
        print(f"{found.backend:<22}{found.runtime or found.problem}")
        if found.runtime and found.problem:
            print(f"{'':<22}not used: {found.problem}")
    print(f"\nmodel {spec.name}: {', '.join(survey.precisions(options.model))}")
    store = Store()
    kept = store.entries()
    print(f"kept engines ({store.folder}): {len(kept)}")
    for manifest in kept:
        print(f"  {manifest.describe()}")
    return 0


def _names(options: argparse.Namespace) -> int:
    for case in survey.cases(options.model):
        print(case.name)
    return 0


def _build(options: argparse.Namespace) -> int:
    grid = read_spec(options.model).vision.grid_for(*USUAL)
    cases = [case for case in survey.cases(options.model) if case.backend != "torch"]
    if options.portable and not any(_compiles_for_others(case.backend) for case in cases):
        raise EngineError(
            "nothing here compiles for other GPUs: --portable needs a GPU and the classic package, "
            "pip install tensorrt"
        )
    is_fine = True
    for case in cases:
        for network in NETWORKS:
            try:
                open_engine(
                    options.model,
                    network,
                    case.backend,
                    case.precision,
                    options.threads,
                    grid=grid,
                    is_portable=options.portable,
                ).close()
                print(f"{case.name}: {network} is ready", flush=True)
            except EngineError as error:  # of this engine; the others may be well
                is_fine = False
                print(f"{case.name}: {network} cannot be used: {error}", flush=True)
    return 0 if is_fine else 1


def _compiles_for_others(backend: str) -> bool:
    return backend == "tensorrt" and installed_runtime(backend) == CLASSIC


def _bench(options: argparse.Namespace) -> int:
    cases = list(survey.cases(options.model))
    if not cases:
        raise EngineError(f"nothing here runs the model in {options.model}: {_DOCTOR}")
    trouble = _forget_choices()
    if trouble:
        print(f"error: {trouble}: {_OWN_CACHE}", file=sys.stderr)
        return 2
    found = measured([(one.backend, one.precision) for one in cases], *_which(options))
    choice = auto.kept(found, *_which(options))
    print(choice.report())
    if told := auto.unlike_auto(choice, options.model):
        print(told)
    return 0


def _which(options: argparse.Namespace) -> tuple[Path, int]:
    return options.model, options.threads


def _compare(options: argparse.Namespace) -> int:
    spec = read_spec(options.model)
    grid = spec.vision.grid_for(*USUAL)
    print("| engine | network | largest difference | allowed | |")
    print("|---|---|---|---|---|")
    is_fine = True
    for network in NETWORKS:
        given = parity.inputs(spec, network, grid, _INPUTS)
        with open_engine(options.model, network, "torch", "fp32", 1, grid=grid) as reference:
            wanted = [parity.answer(reference, one) for one in given]
        for case in survey.cases(options.model):
            if case.backend == "torch":
                continue
            try:
                with open_engine(
                    options.model, network, case.backend, case.precision, options.threads, grid=grid
                ) as engine:
                    found = parity.difference(wanted, engine, given)
            except TooFarOffError as error:  # found when it was opened, and not opened then
                found = error.difference
            except EngineError as error:
                is_fine = False
                print(f"| {case.name} | {network} | | | cannot be used: {error} |", flush=True)
                continue
            most = parity.TOLERANCE[case.precision]
            verdict = "" if found <= most else "too far off"
            is_fine &= found <= most
            print(f"| {case.name} | {network} | {found:.1e} | {most:g} | {verdict} |", flush=True)
    return 0 if is_fine else 1


def _doctor(options: argparse.Namespace) -> int:
    usable = 0
    for found in survey.backends():
        is_served = bool(found.runtime) and BACKENDS[found.backend].needs_server
        if not found.problem:
            usable += found.backend != "torch"
            print(f"ok       {found.backend:<22}{found.runtime}")
        elif is_served and not found.mend:  # all of it is here; the server is told by its address
            print(f"ok       {found.backend:<22}{found.runtime}, {found.problem}")
        else:
            mend = f"; mend it with: {found.mend}" if found.mend else ""
            runtime = f"{found.runtime}: " if found.runtime else ""
            print(f"missing  {found.backend:<22}{runtime}{found.problem}{mend}")
    try:
        open_model(options.model)
    except EngineError as error:
        print(f"missing  {'model':<22}{error}")
        return 1
    precisions = survey.precisions(options.model)
    if not precisions:
        print(
            f"missing  {'model':<22}{options.model}: it has no graphs of both networks; "
            "export the model again, see docs/models.md"
        )
        return 1
    print(f"ok       {'model':<22}{options.model}: {', '.join(precisions)}")
    return 0 if usable else 1


def _export_repository(options: argparse.Namespace) -> int:
    for name in export(options.model, options.target, options.precision, options.newest):
        print(f"{options.target / name}")
    return 0


def _clean(_options: argparse.Namespace) -> int:
    store = Store()
    count = store.clean()
    trouble = _forget_choices()
    left = len(store.entries())
    if trouble or left:
        reason = trouble or f"{left} engines in {store.folder} cannot be removed"
        print(f"error: {reason}: {_OWN_CACHE}", file=sys.stderr)
        return 2
    print(f"{count} engines and the remembered choices are gone")
    return 0


def _forget_choices() -> str | None:
    path = memory.default_path()
    return memory.forget(path) if path else None


if __name__ == "__main__":
    sys.exit(main())
