"""Teach the sound network to separate, told by class instead of by picture.

The first half of Mix-and-Separate: each class has a visual vector (a row of a table) that stands in
for its picture, so that no picture is computed while the U-Net, by far the heavier network, learns.
``training.sight`` teaches the visual network to say these vectors, and ``training.joint`` trains
both together.

    python -m training.sound --data DATA --cache CACHE --work runs/first --minutes 60

Started again it goes on from its last checkpoint. With ``--steps`` in place of minutes, and as many
workers, it comes to the same result as if it had never stopped. Two processes share the work when
it is started by ``torchrun --nproc-per-node 2 -m``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.one_line import OneLineParser
from pixelplayer.spec import FRAME_COLUMNS
from training.checkpoints import check_loss, read_checkpoint
from training.claims import mask_loss, share_loss
from training.commands import UnusableError, command, make_work
from training.corpus import open_sounds
from training.glimpses import Glimpses
from training.heard import Material, exam, split_for_judging
from training.judged import JUDGED_COLUMNS, Judge, OfStream, OfWindow
from training.listener import Listener
from training.mixtures import MixtureBatch
from training.pace import Pace, cosine
from training.precision import add_device_options, check_device, mixed
from training.team import Team
from training.told import AUDIO, LOOKAHEADS, ClassSeparator, check_code, keep_to, spoken
from training.weights import mean_weights

KEPT_EVERY = 200  # steps
CHECKED = 10  # steps, after which the loss is looked at: to look is to wait for a GPU
NOTHING_SHARE = 0.1  # weight of the loss for a cell that shows nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How ears learn: for how long, from which columns, and when it is enough."""

    pace: Pace
    rate: float
    average: float  # decay of the weights' running average
    judge: Judge
    glimpses: Glimpses | None
    exam: Sequence[MixtureBatch]  # that it is judged by whenever it is kept; nothing: never
    patience: int  # judgements without a better one before it stops; 0: never
    seed: int


def train(
    listener: Listener,
    batches: Iterator[MixtureBatch],
    lesson: Lesson,
    *,
    keep: Callable[[], None],
    team: Team,
) -> None:
    """Train in place until the lesson ends, over any number of starts.

    Args:
        listener: at the step whose batch comes next; on the device that it learns on.
        batches: to learn from.
        lesson: how.
        keep: called when there is something worth keeping, by the first process only.
        team: those who learn together.

    Raises:
        TrainingError: a loss is no number; what was kept is as it was.
    """
    model = listener.model
    model.sound.to(memory_format=torch.channels_last)
    with torch.no_grad():
        team.average(model.state_dict().values())  # one beginning for all
    model.train()
    last, running = time.monotonic(), 0.0
    while True:
        step = listener.step
        # All that is drawn at a step follows from its number: a start in the middle draws the same.
        torch.manual_seed(_seed(lesson.seed, team.rank, step))
        batch = next(batches)
        rate = lesson.rate * cosine(lesson.pace.passed(step, listener.used_s))
        loss = _loss(model, batch, lesson, step)
        model.zero_grad()
        loss.backward()
        team.average(weight.grad for weight in model.parameters() if weight.grad is not None)
        listener.learn(rate, lesson.average)
        now = time.monotonic()
        listener.used_s, last = team.first(listener.used_s + now - last), now
        step = listener.step
        finished = lesson.pace.passed(step, listener.used_s) >= 1
        is_kept = step % KEPT_EVERY == 0 or finished
        if is_kept or step % CHECKED == 1:
            told = loss.item()
            check_loss(told, step - 1)
            running = told if running == 0 else 0.8 * running + 0.2 * told
        if step % 50 == 0 and team.rank == 0:
            print(f"{listener.used_s / 60:7.2f} min  step {step}  loss {running:.4f}", flush=True)
        if is_kept:
            team.average([*model.buffers(), *listener.average.buffers()])
            with torch.no_grad():
                check_loss(_loss(listener.average, batch, lesson, step - 1).item(), step)
                model.eval()
                check_loss(_loss(model, batch, lesson, step - 1).item(), step)
                model.train()
            if lesson.exam:
                judgement = team.first(judged(listener.average, lesson))
                check_loss(judgement, step)
                listener.judged(judgement)
                if team.rank == 0:
                    print(f"    judged {judgement:.4f}", flush=True)
            if team.rank == 0:
                keep()
        if _is_enough(listener, lesson):
            if team.rank == 0:
                print(f"it gets no better than {listener.least_loss:.4f}", flush=True)
            return
        if finished:
            return


def judged(model: ClassSeparator, lesson: Lesson) -> float:
    """Mean loss on the exam, at as many lookaheads as there are batches in it."""
    state = torch.get_rng_state()
    torch.manual_seed(0)  # questions are blurred alike each time
    with torch.inference_mode():
        losses = [
            _loss(model, batch, lesson, number).item() for number, batch in enumerate(lesson.exam)
        ]
    torch.set_rng_state(state)
    return sum(losses) / len(losses)


def _is_enough(listener: Listener, lesson: Lesson) -> bool:
    """Whether judgements have not been better for as long as patience lasts."""
    return bool(lesson.patience) and listener.judgements_since_best >= lesson.patience


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _loss(model: ClassSeparator, batch: MixtureBatch, lesson: Lesson, step: int) -> Tensor:
    """Of one step: masks, shares, and what is heard of nothing."""
    device, judge = model.table.device, lesson.judge
    if isinstance(judge, OfStream) and isinstance(model.sound, StreamingSoundNet):
        model.sound.lookahead = judge.lookahead(step)
    heard = batch.log_magnitude.to(device, non_blocking=True)
    spectrogram = heard.contiguous(memory_format=torch.channels_last)
    columns = judge.columns(spectrogram.shape[-1], step)
    with mixed(device.type):
        vectors = spoken(model.vectors(), batch.classes, lesson.glimpses)
        logits = model(spectrogram, vectors, columns)
    logits = logits.float()
    targets = batch.targets.to(device, non_blocking=True)[..., columns]
    weight = judge.weighted(batch.weight.to(device, non_blocking=True)[..., columns], step)
    loss = mask_loss(logits, targets, weight) + share_loss(logits, targets, weight)
    return loss + NOTHING_SHARE * model.nothing_loss()


@command
def main() -> int:
    """Train and save ``sound.pt`` in the work folder; started again, it goes on.

    Returns 0; 1 where training could not go on.
    """
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds solo_audio")
    parser.add_argument("--cache", type=Path, required=True, help="where decoded sound is kept")
    parser.add_argument("--work", type=Path, required=True, help="where results go")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, metavar="N", help="in place of minutes")
    parser.add_argument(
        "--network",
        choices=["live", "streaming"],
        default="live",
        help="a U-Net that looks at windows (live), or one that streams",
    )
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--columns", type=int, default=128, help="of a training window")
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument(
        "--blend",
        type=int,
        metavar="N",
        help="mix on the device, each solo in N mixtures, rather than in the workers: for GPUs",
    )
    parser.add_argument("--rate", type=float, default=5e-3, help="learning rate at its highest")
    parser.add_argument(
        "--virtual-share", type=float, default=0.0, help="batches of the band alone"
    )
    parser.add_argument(
        "--newest",
        type=int,
        default=JUDGED_COLUMNS,
        metavar="COLUMNS",
        help=f"learned from where live masks are taken ({JUDGED_COLUMNS})",
    )
    parser.add_argument(
        "--newest-share", type=float, default=0.5, help="of the steps that learn there (0.5)"
    )
    parser.add_argument(
        "--live-weight",
        type=float,
        default=4.0,
        metavar="N",
        help="how often the columns of a live step count (4)",
    )
    parser.add_argument(
        "--begin",
        type=Path,
        nargs="+",
        default=[],
        metavar="sound.pt",
        help="begin from this one's weights, or from the mean of several that began as one; "
        "they may be narrower",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="sound.pt",
        help="this one's visual vectors, which eyes know already; "
        "where its folder has glimpses.npz, these are learned with too",
    )
    parser.add_argument(
        "--average",
        type=float,
        default=0.998,
        metavar="DECAY",
        help="of the weights' running average, which is what is used (0.998)",
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=0,
        metavar="N",
        help=f"stop after so many judgements, one in {KEPT_EVERY} steps, without a better one, and "
        "use what was best; some of each class is then kept for judging (0: never)",
    )
    parser.add_argument("--seed", type=int, default=0)
    add_device_options(parser)
    options = parser.parse_args()
    check_device(parser, options.device)
    if options.steps is not None and options.steps < 1:
        parser.error(f"--steps is 1 or more, got {options.steps}")
    if options.blend is not None and options.virtual_share:
        parser.error("--virtual-share is of the workers' mixtures; leave it out, or --blend")
    with Team() as team:
        try:
            run(options, team)
        except ValueError as error:
            raise UnusableError(str(error)) from error
    return 0


def run(options: argparse.Namespace, team: Team) -> None:
    """Train as the options say.

    Raises:
        UnusableError: there is nothing to hear, or to begin from.
        ValueError: the table is of other classes.
        TrainingError: training could not go on.
    """
    make_work(options.work)
    path = options.work / "sound.pt"
    bank = open_sounds(options.data, options.cache, AUDIO.rate_hz)
    classes = bank.instruments()
    check_code(classes, options.channels)
    torch.manual_seed(options.seed)
    model = ClassSeparator(options.width, options.channels, classes, options.network)
    if options.begin:
        several = [
            read_checkpoint(begin, "--begin wants a sound.pt", "model")["model"]
            for begin in options.begin
        ]
        model.begin(mean_weights(several))
    glimpses = keep_to(model, options.table) if options.table else None
    device = torch.device(team.device(options.device))
    listener = Listener(model.to(device), options.rate)
    if path.exists():
        listener.read(path)
    questions = []
    if options.patience:
        bank, unheard = split_for_judging(bank)
        questions = exam(unheard, classes, options.columns)
    material = Material(bank, classes, options.seed + team.rank, device, listener.step)
    lesson = Lesson(
        pace=Pace(options.minutes, options.steps),
        rate=options.rate,
        average=options.average,
        judge=_judge(options),
        glimpses=glimpses,
        exam=questions,
        patience=options.patience,
        seed=options.seed,
    )
    if lesson.pace.passed(listener.step, listener.used_s) >= 1:
        more = "--minutes" if options.steps is None else "--steps"
        print(f"{path} is finished: {listener.step} steps; a larger {more} goes on from it")
        return
    if _is_enough(listener, lesson):
        print(f"{path} got no better than {listener.least_loss:.4f}; a larger --patience goes on")
        return
    train(
        listener,
        material.mixtures(options),
        lesson,
        keep=lambda: listener.write(path),
        team=team,
    )


def _judge(options: argparse.Namespace) -> Judge:
    """Every column of a stream is live; a window has few that are."""
    if options.network == "streaming":
        frames = tuple(columns // FRAME_COLUMNS for columns in LOOKAHEADS)
        return OfStream(frames, tuple(LOOKAHEADS.values()))
    return OfWindow(options.newest, options.newest_share, options.live_weight)


if __name__ == "__main__":
    sys.exit(main())
