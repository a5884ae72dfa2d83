"""Teach the sound network to separate, told by class instead of by picture.

The first half of Mix-and-Separate: each class has a learned visual vector (a row of a table)
that stands in for its picture, so that no picture is computed while the U-Net, by far the
heavier network, learns. ``training.scenes`` then teaches the visual network to say these vectors,
and ``training.joint`` trains both together.

    python -m training.sound --data DATA --cache CACHE --work runs/first --minutes 60

Two processes share the work when it is started by ``torchrun --nproc-per-node 2 -m``.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from pixelplayer.networks import checkpoint
from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.spec import FRAME_COLUMNS, AudioSpec, SoundNetwork, SoundSpec
from training.bank import Bank
from training.blends import Blender, Solos, blended
from training.checkpoints import check_loss, read_checkpoint, write_checkpoint
from training.commands import UnusableError, command
from training.corpus import open_sounds
from training.glimpses import Glimpses, read_glimpses
from training.judged import JUDGED_COLUMNS, Judge, OfStream, OfWindow
from training.mixtures import MixtureBatch, Mixtures
from training.muon import optimisers
from training.precision import add_device_options, check_device, mixed
from training.solos import SoloMaker
from training.team import Team
from training.weights import mean_weights
from training.widen import widened

LEVELS = 7  # of the U-Net
AUDIO = AudioSpec(
    rate_hz=44100, n_fft=4088, hop=1024, columns=128, frequency_bins=256, warp_base=121.0
)
MASK_POWER = 1.5  # with which masks share the mixture as they learn; of a player, model.json's
FIRM = 3.0  # logit of what a vector begins with: nearly 0 and nearly 1
GLIMPSED = 0.4  # share of the questions that are asked by a picture's vector, if there are any
LOOKAHEADS = {-2: 0.2, 0: 0.35, 4: 0.45}  # columns, of a network that streams: shares of steps
STOCK = 8192  # solos at hand, where they are blended
FIRST = 2048  # of them, before it begins
CHECKED = 10  # steps, after which the loss is looked at: to look is to wait for a GPU
NOTHING_SHARE = 0.1  # weight of the loss for a cell that shows nothing


class ClassSeparator(nn.Module):
    """The sound network, the synthesizer, and a table of visual vectors by class."""

    def __init__(
        self,
        width: int,
        channels: int,
        classes: Sequence[str],
        network: SoundNetwork = "live",
    ) -> None:
        """The sound network is a ``network`` of that ``width``."""
        super().__init__()
        self.classes = list(classes)
        self.network = network
        ahead = tuple(LOOKAHEADS) if network == "streaming" else ()
        sound = SoundSpec(width=width, levels=LEVELS, network=network, lookaheads=ahead)
        self.sound = checkpoint.sound_network(sound, channels, AUDIO.frequency_bins)
        self.synthesizer = Synthesizer(channels)
        # Nearly one component per class to begin with: a code in which all classes share all
        # components learns many times more slowly.
        own = torch.eye(len(classes), channels)
        self.table = nn.Parameter(FIRM * (2 * own - 1))
        nn.init.constant_(self.synthesizer.bias, -FIRM)

    def begin(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the weights of one that is as wide; or narrower, if it is a U-Net.

        Raises:
            ValueError: it is wider, or of other classes.
        """
        prefix = "sound."
        narrow = {
            name.removeprefix(prefix): weight
            for name, weight in weights.items()
            if name.startswith(prefix)
        }
        if isinstance(self.sound, LiveSoundNet):
            narrow = widened(narrow, self.sound)
        wide = {prefix + name: weight for name, weight in narrow.items()}
        try:
            self.load_state_dict({**weights, **wide})
        except RuntimeError as error:
            raise ValueError(f"these weights are of other classes: {error}") from error

    def vectors(self) -> Tensor:
        """(classes, K) in (0, 1)."""
        return torch.sigmoid(self.table)

    def forward(
        self, log_magnitude: Tensor, vectors: Tensor, columns: slice = slice(None)
    ) -> Tensor:
        """(B, 1, F, T) and (B, Q, K) visual vectors → mask logits (B, Q, F, t) of ``columns``."""
        start, stop, _ = columns.indices(log_magnitude.shape[-1])
        logits: Tensor = self.synthesizer(vectors, self.sound.some(log_magnitude, start, stop))
        return logits

    def nothing_loss(self) -> Tensor:
        """Of a vector of zeros, through which nothing may be heard."""
        return functional.softplus(self.synthesizer.bias).mean()


def spoken(table: Tensor, classes: Tensor, glimpses: Glimpses | None) -> Tensor:
    """Visual vectors (B, Q, K) for (B, Q) class indices, as pictures might say them.

    Rows of the ``table`` (classes, K), blurred: weaker than they should be, with a little of
    everything else. With ``glimpses``, some are what was said of a picture instead.
    """
    clear = table[classes.to(table.device)]
    strength = torch.empty_like(clear[..., :1]).uniform_(0.5, 1.0)
    vectors = clear * strength + torch.randn_like(clear).abs() * 0.03
    if glimpses is None:
        return vectors
    seen, is_there = glimpses.of(classes)
    is_glimpse = (torch.rand(classes.shape) < GLIMPSED) & is_there
    return torch.where(is_glimpse.unsqueeze(-1).to(table.device), seen.to(table.device), vectors)


def share_loss(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of the shares that a player would give the sounding sources, (B, Q, F, T).

    In the player the masks of the objects share the mixture (``pixelplayer.masks.share``); what
    counts there is which source has more, not how sure the network is of each. The residual's
    claim is left out: it belongs to the model's description, not to its weights.
    """
    sounding = targets.amax(dim=(2, 3), keepdim=True) > 0
    claims = MASK_POWER * functional.logsigmoid(logits)
    claims = claims.masked_fill(~sounding, -1e4)
    loss = -(targets * torch.log_softmax(claims, dim=1)).sum(dim=1, keepdim=True)
    return (loss * weight).sum() / weight.sum()


def mask_loss(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of each mask alone against its source's part of the mixture, weighted."""
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (loss * weight).sum() / (weight.sum() * logits.shape[1])


def cosine(progress: float) -> float:
    """Learning rate factor: a short rise, then half a cosine down to 1 %."""
    return min(1.0, progress / 0.02) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(
    model: ClassSeparator,
    loader: Iterable[MixtureBatch],
    path: Path,
    *,
    minutes: float,
    rate: float,
    team: Team,
    judged: Judge,
    glimpses: Glimpses | None = None,
) -> None:
    """Train in place until ``minutes`` are used up, over any number of starts.

    A table that wants no gradient stays as it is. It is trained on the device that it is on.

    Raises:
        TrainingError: a loss is no number, or the disk does not take a checkpoint.
    """
    model.sound.to(memory_format=torch.channels_last)
    device = model.table.device
    steppers = optimisers(model, rate)
    used_s, step = 0.0, 0
    if path.exists():
        state = torch.load(path, weights_only=True, map_location=device)
        model.load_state_dict(state["model"])
        for stepper, kept in zip(steppers, state["optimisers"], strict=True):
            stepper.load_state_dict(kept)
        used_s, step = state["used_s"], state["step"]
    with torch.no_grad():
        team.average(model.state_dict().values())  # one beginning for all
    model.train()
    last, running = time.monotonic(), 0.0
    for batch in loader:
        for group in (group for stepper in steppers for group in stepper.param_groups):
            group["lr"] = rate * cosine(min(used_s / 60 / minutes, 1.0))
        if isinstance(judged, OfStream) and isinstance(model.sound, StreamingSoundNet):
            model.sound.lookahead = judged.lookahead(step)
        loss = _loss(model, batch, judged, step, glimpses)
        model.zero_grad()
        loss.backward()
        team.average(weight.grad for weight in model.parameters() if weight.grad is not None)
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        for stepper in steppers:
            stepper.step()
        now = time.monotonic()
        used_s, last, step = team.first(used_s + now - last), now, step + 1
        finished = used_s / 60 >= minutes
        is_saved = step % 200 == 0 or finished
        if is_saved or step % CHECKED == 1:
            told = loss.item()
            check_loss(told, step - 1)
            running = told if running == 0 else 0.8 * running + 0.2 * told
        if step % 50 == 0 and team.rank == 0:
            print(f"{used_s / 60:7.2f} min  step {step}  loss {running:.4f}", flush=True)
        if is_saved:
            team.average(model.buffers())  # running means of the batch norms
            model.eval()
            with torch.no_grad():
                check_loss(_loss(model, batch, judged, step - 1, glimpses).item(), step)
            model.train()
            if team.rank == 0:
                save(model, steppers, path, used_s=used_s, step=step)
        if finished:
            return


def _loss(
    model: ClassSeparator, batch: MixtureBatch, judged: Judge, step: int, glimpses: Glimpses | None
) -> Tensor:
    """Of one step: masks, shares, and what is heard of nothing."""
    device = model.table.device
    heard = batch.log_magnitude.to(device, non_blocking=True)
    spectrogram = heard.contiguous(memory_format=torch.channels_last)
    columns = judged.columns(spectrogram.shape[-1], step)
    with mixed(device.type):
        vectors = spoken(model.vectors(), batch.classes, glimpses)
        logits = model(spectrogram, vectors, columns)
    logits = logits.float()
    targets = batch.targets.to(device, non_blocking=True)[..., columns]
    weight = judged.weighted(batch.weight.to(device, non_blocking=True)[..., columns], step)
    loss = mask_loss(logits, targets, weight) + share_loss(logits, targets, weight)
    return loss + NOTHING_SHARE * model.nothing_loss()


def save(
    model: ClassSeparator,
    steppers: Sequence[torch.optim.Optimizer],
    path: Path,
    *,
    used_s: float,
    step: int,
) -> None:
    """Write atomically: a kill in the middle leaves the former file.

    Raises:
        TrainingError: the disk does not take it.
    """
    state = {
        "model": model.state_dict(),
        "optimisers": [stepper.state_dict() for stepper in steppers],
        "used_s": used_s,
        "step": step,
        "classes": model.classes,
        "network": model.network,
    }
    write_checkpoint(path, state, step)


def keep_to(model: ClassSeparator, path: Path) -> Glimpses | None:
    """Take over the visual vectors of ``path``'s checkpoint for good; give its glimpses, if any.

    Raises:
        UnusableError: there is no such checkpoint.
        ValueError: it knows other classes.
    """
    state = read_checkpoint(path, "--table wants a sound.pt", "model", "classes")
    if state["classes"] != model.classes:
        raise ValueError(f"{path} knows {state['classes']}, this training {model.classes}")
    with torch.no_grad():
        model.table.copy_(state["model"]["table"])
    model.table.requires_grad_(False)
    is_there = (path.parent / "glimpses.npz").exists()
    return read_glimpses(path.parent) if is_there else None


@command
def main() -> int:
    """Train and save ``sound.pt`` in the work folder; started again, it goes on.

    Returns 0; 1 where training could not go on.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds solo_audio")
    parser.add_argument("--cache", type=Path, required=True, help="where decoded sound is kept")
    parser.add_argument("--work", type=Path, required=True, help="where results go")
    parser.add_argument("--minutes", type=float, default=60.0)
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
        help="keep to this one's visual vectors, which eyes know already; "
        "where its folder has glimpses.npz, these are learned with too",
    )
    parser.add_argument("--seed", type=int, default=0)
    add_device_options(parser)
    options = parser.parse_args()
    check_device(parser, options.device)
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
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / "sound.pt"
    bank = open_sounds(options.data, options.cache, AUDIO.rate_hz)
    classes = bank.instruments()
    torch.manual_seed(options.seed)
    model = ClassSeparator(options.width, options.channels, classes, options.network)
    if options.begin:
        several = [
            read_checkpoint(begin, "--begin wants a sound.pt", "model")["model"]
            for begin in options.begin
        ]
        model.begin(mean_weights(several))
    glimpses = keep_to(model, options.table) if options.table else None
    # Started again, it hears other mixtures than the first time.
    seed = int(np.random.SeedSequence().entropy % 2**31) if path.exists() else options.seed
    torch.manual_seed(options.seed + team.rank)
    device = torch.device(team.device(options.device))
    model.to(device)
    make = _mixed if options.blend is None else _blended
    train(
        model,
        make(options, _Material(bank, classes, seed + team.rank, device)),
        path,
        minutes=options.minutes,
        rate=options.rate,
        team=team,
        judged=_judge(options),
        glimpses=glimpses,
    )


@dataclass(frozen=True)
class _Material:
    """What mixtures are made of, and for where."""

    bank: Bank
    classes: Sequence[str]
    seed: int
    device: torch.device

    @property
    def maker(self) -> SoloMaker:
        """Of solos that may be learned from."""
        return SoloMaker(self.bank, held_out=False)


def _mixed(options: argparse.Namespace, material: _Material) -> Iterable[MixtureBatch]:
    """Mixtures that workers make."""
    data = Mixtures(
        material.maker,
        AUDIO,
        classes=material.classes,
        columns=options.columns,
        batch=options.batch,
        virtual_share=options.virtual_share,
        seed=material.seed,
    )
    return _loaded(data, options, material.device)


def _blended(options: argparse.Namespace, material: _Material) -> Iterable[MixtureBatch]:
    """Mixtures made on the device, of solos that workers play."""
    classes, seed, device = material.classes, material.seed, material.device
    blender = Blender(
        AUDIO, classes=classes, columns=options.columns, size=STOCK, device=device, seed=seed
    )
    solos = Solos(
        material.maker, AUDIO.rate_hz, classes=classes, samples=blender.samples, seed=seed
    )
    played = iter(_loaded(solos, options, device))
    return blended(played, blender, batch=options.batch, uses=options.blend, least=FIRST)


def _loaded(data: IterableDataset, options: argparse.Namespace, device: torch.device) -> DataLoader:  # type: ignore[type-arg]
    """What the workers make, as it is ready."""
    return DataLoader(
        data,
        batch_size=None,
        num_workers=options.workers,
        prefetch_factor=3 if options.workers else None,
        pin_memory=device.type == "cuda",
    )


def _judge(options: argparse.Namespace) -> Judge:
    """Every column of a stream is live; a window has few that are."""
    if options.network == "streaming":
        frames = tuple(columns // FRAME_COLUMNS for columns in LOOKAHEADS)
        return OfStream(frames, tuple(LOOKAHEADS.values()))
    return OfWindow(options.newest, options.newest_share, options.live_weight)


if __name__ == "__main__":
    sys.exit(main())
