"""An audio network that hears a stream: it computes what is new, and remembers the rest.

The paper's U-Net looks at a whole window for every few new columns. This one strides over frequency
alone; in time every layer looks back, at what it kept of the past, and gated memories (L. Feng et
al., "Were RNNs all we needed?", 2024: the minimal GRU) carry what lies further back than any
kernel. A step costs the same however long the past is.

Two columns are a *frame*, the least step. What is said of a frame is said ``lookahead`` frames
later: fine detail waits for as long in a delay line, while the deep levels hear the newest. A
lookahead of -1 is a guess: what is said is of the frame that comes next. The same weights serve
several lookaheads; what is innermost is told which it is. It may change at any step: what rises
from there is of both for five frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelplayer.spec import FRAME_COLUMNS

_FLOOR = 1e-3  # of the level lately: -60 dB; what is softer is not told from silence
_WIDTHS = (1, 2, 4, 6, 8, 8)  # of the levels, in units of the outermost
_DILATIONS = (1, 1, 2, 4, 8, 8)  # in frames
_MEMORY_LEVELS = (2, 3, 4)  # whose places on the frequency axis remember each for itself
_DELAYED_LEVELS = 3  # the outermost, whose detail waits for the lookahead
_MEMORY = 16  # of the whole spectrum, in units of the outermost level's channels
_FADE_COLUMNS = 128.0  # the level is a mean over a past that fades by e in so many


class StreamingSoundNet(nn.Module):
    """Log magnitudes to K sound components, as they come.

    Args:
        width: channels of the outermost level.
        channels: K, components.
        bins: F, a multiple of 64.
        lookaheads: that it knows, in frames, ascending.

    Attributes:
        lookahead: of them, with which a recording is heard; the furthest unless set.

    Raises:
        ValueError: it is not made for so many ``bins``, or is to guess more than a frame.
    """

    def __init__(
        self,
        width: int,
        channels: int,
        bins: int = 256,
        lookaheads: Sequence[int] = (-1, 0, 2),
    ) -> None:
        super().__init__()
        levels = len(_WIDTHS)
        if bins % 2**levels:
            raise ValueError(f"bins must be a multiple of {2**levels}, got {bins = }")
        self.lookaheads = tuple(lookaheads)
        if not self.lookaheads or min(self.lookaheads) < -1:
            raise ValueError(f"wanted lookaheads of -1 frames or more, got {lookaheads = }")
        self.width, self.channels, self.bins = width, channels, bins
        self.lookahead = max(self.lookaheads)
        widths = [width * factor for factor in _WIDTHS]
        self.bn0 = nn.BatchNorm2d(1)
        self.first = nn.Conv2d(1, width, 4, stride=2, padding=(1, 0))
        self.down = nn.ModuleList(
            _Down(widths[level - 1], widths[level], _DILATIONS[level]) for level in range(1, levels)
        )
        self.place_memories = nn.ModuleDict(
            {str(level): _Memory(widths[level], widths[level]) for level in _MEMORY_LEVELS}
        )
        deep = widths[-1] * (bins >> levels)
        self.whole_memory = _Memory(deep, _MEMORY * width)
        self.recalled = nn.Conv2d(_MEMORY * width, deep, 1)
        self.told = nn.Parameter(torch.zeros(len(self.lookaheads), widths[-1]))
        # All but the innermost rise from what came up and what went down there.
        self.up = nn.ModuleList(
            _Up(widths[level] * (1 if level == levels - 1 else 2), widths[level - 1])
            for level in range(levels - 1, 0, -1)
        )
        self.last = nn.ConvTranspose2d(2 * width, channels, (4, 2), stride=2, padding=(1, 0))

    def forward(self, log_magnitude: Tensor) -> Tensor:
        """A recording from its beginning: (B, 1, F, T) to (B, K, F, T), T even.

        After its end there is silence for as long as the lookahead. Where the next frame is
        guessed, nothing is said of the first.
        """
        late = FRAME_COLUMNS * self.lookahead
        if late < 0:
            said, _ = self._hear(log_magnitude[..., :late], self.chosen(), _Past(None))
            return functional.pad(said, (-late, 0))
        silence = torch.full_like(log_magnitude[..., :1], -23.0).expand(-1, -1, -1, late)
        heard = torch.cat([log_magnitude, silence], dim=-1)
        said, _ = self._hear(heard, self.chosen(), _Past(None))
        return said[..., late:]

    def some(self, log_magnitude: Tensor, start: int, stop: int) -> Tensor:
        """The same of columns ``start`` to ``stop`` (half-open): (B, K, F, stop - start)."""
        whole: Tensor = self(log_magnitude)
        return whole[..., start:stop]

    def chosen(self) -> Tensor:
        """(1, L): the lookahead as a step takes it."""
        chosen = torch.zeros_like(self.told[:, 0])
        chosen[self.lookaheads.index(self.lookahead)] = 1
        return chosen.unsqueeze(0)

    def step(self, log_magnitude: Tensor, chosen: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The next columns.

        Args:
            log_magnitude: (B, 1, F, t), t even: natural logarithm of (magnitude + 1e-10).
            chosen: (1, L), 1 in the place of a lookahead, 0 in those of all others.
            state: (B, S), what the step before gave, or ``begin``.

        Returns:
            (B, K, F, t), linear, of the columns ``2 * lookahead`` before; and the next state.
        """
        past = _Past(state)
        said, kept = self._hear(log_magnitude, chosen, past)
        return said, torch.cat([part.flatten(1) for part in kept], dim=1)

    @torch.no_grad()
    def begin(self, batch: int) -> Tensor:
        """(B, S): what is remembered before anything was heard."""
        weight = self.first.weight
        frame = weight.new_zeros(1, 1, self.bins, FRAME_COLUMNS)
        was_training = self.training
        self.eval()
        _, kept = self._hear(frame, self.chosen(), _Past(None))
        self.train(was_training)
        return weight.new_zeros(batch, sum(part[0].numel() for part in kept))

    def _hear(
        self, log_magnitude: Tensor, chosen: Tensor, past: _Past
    ) -> tuple[Tensor, list[Tensor]]:
        relative = _levelled(log_magnitude, past)
        x = past.and_now(self.bn0(relative.to(self.bn0.weight.dtype)), FRAME_COLUMNS)
        x = functional.leaky_relu(self.first(x), 0.2)
        passed = [self._delayed(x, chosen, past)]
        for level, layer in enumerate(self.down, 1):
            x = layer(x, past)
            if level in _MEMORY_LEVELS:
                x = x + self.place_memories[str(level)](x, past)
            passed.append(self._delayed(x, chosen, past) if level < _DELAYED_LEVELS else x)
        rows = x.shape[2]
        whole = x.flatten(1, 2).unsqueeze(2)  # all places of a frame as one
        x = x + self.recalled(self.whole_memory(whole, past)).unflatten(1, (-1, rows)).squeeze(3)
        x = x + (chosen @ self.told).view(1, -1, 1, 1)
        passed.pop()
        for layer in self.up:
            x = torch.cat([layer(x, past), passed.pop()], dim=1)
        return self.last(x), past.kept

    def _delayed(self, now: Tensor, chosen: Tensor, past: _Past) -> Tensor:
        """The same, as late as the lookahead that is chosen: a sum, of which one part counts."""
        delays = [max(frames, 0) for frames in self.lookaheads]
        joined = past.and_now(now, max(delays))
        steps, shares = now.shape[3], chosen.to(now.dtype)
        late = torch.zeros_like(now)
        for delay in sorted(set(delays)):
            share = sum(shares[0, place] for place, one in enumerate(delays) if one == delay)
            start = max(delays) - delay
            late = late + share * joined[..., start : start + steps]
        return late


class _Past:
    """What was kept of the past, piece by piece in the order in which the layers ask for it."""

    def __init__(self, state: Tensor | None) -> None:
        """``state`` (B, S); None is a past of zeros."""
        self._state = state
        self._taken = 0
        self.kept: list[Tensor] = []

    def take(self, like: Tensor, steps: int) -> Tensor:
        """The next piece: (B, C, F, steps) for ``like`` (B, C, F, t)."""
        shape = like.shape[1:3]
        if self._state is None:
            return like.new_zeros(len(like), *shape, steps)
        size = shape[0] * shape[1] * steps
        piece = self._state[:, self._taken : self._taken + size]
        self._taken += size
        return piece.reshape(-1, *shape, steps)

    def and_now(self, now: Tensor, steps: int) -> Tensor:
        """``now`` after its last ``steps`` steps of the past."""
        if not steps:
            return now
        joined = torch.cat([self.take(now, steps), now], dim=3)
        self.kept.append(joined[..., joined.shape[3] - steps :])
        return joined


class _Down(nn.Module):
    """Half as many places, from each frame and one before it."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self._kept = dilation
        self.convolution = nn.Conv2d(
            inputs, outputs, (4, 2), (2, 1), (1, 0), (1, dilation), bias=False
        )
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, past: _Past) -> Tensor:
        y = self.convolution(past.and_now(x, self._kept))
        return functional.leaky_relu(self.norm(y), 0.2)


class _Up(nn.Module):
    """Twice as many places, from each frame and the one before it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.ConvTranspose2d(inputs, outputs, (4, 2), (2, 1), (1, 1), bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, past: _Past) -> Tensor:
        # The padding cuts the first and the last step in time, which see one frame each.
        return functional.relu(self.norm(self.convolution(past.and_now(x, 1))))


class _Memory(nn.Module):
    """The minimal GRU, at each place for itself: what to remember, and how fast to forget."""

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(inputs, size, 1)
        self.candidate = nn.Conv2d(inputs, size, 1)
        assert self.gate.bias is not None
        with torch.no_grad():  # to begin with it fades by e in 4 to 64 frames
            self.gate.bias.copy_(-torch.linspace(1.4, 4.2, size))

    def forward(self, x: Tensor, past: _Past) -> Tensor:
        # In full precision: to forget slowly is to multiply by nearly one, again and again.
        gate = torch.sigmoid(self.gate(x).float())
        new = gate * self.candidate(x).float()
        memories = _remembered(1 - gate, new, past.take(new, 1))
        past.kept.append(memories[..., -1:])
        return memories.to(x.dtype)


def _remembered(keep: Tensor, new: Tensor, memory: Tensor) -> Tensor:
    """Every step of ``memory = keep * memory + new``: (B, C, F, t) from ``memory`` (B, C, F, 1).

    In log2(t) rounds, each of which joins spans that are twice as long (W. Hillis and G. Steele,
    "Data parallel algorithms", 1986).
    """
    span, steps = 1, keep.shape[3]
    while span < steps:
        joined = keep[..., span:] * new[..., : steps - span] + new[..., span:]
        kept = keep[..., span:] * keep[..., : steps - span]
        new = torch.cat([new[..., :span], joined], dim=3)
        keep = torch.cat([keep[..., :span], kept], dim=3)
        span *= 2
    return keep * memory + new


def _levelled(log_magnitude: Tensor, past: _Past) -> Tensor:
    """Relative to the root of the mean square lately, above a floor; never below log(1e-3)."""
    magnitude = log_magnitude.float().exp()
    power = magnitude.square().mean(dim=(1, 2), keepdim=True)  # (B, 1, 1, T)
    columns = power.shape[3]
    # (2, T): of the power and of ones, sums over the past that fades.
    sums = torch.cat([power, torch.ones_like(power)], dim=1)
    since = torch.arange(columns, dtype=power.dtype, device=power.device)
    age = since[None, :] - since[:, None]
    fading = torch.where(age >= 0, torch.exp(-age.clamp(min=0) / _FADE_COLUMNS), 0.0)
    before = past.take(sums, 1) * torch.exp(-(since + 1) / _FADE_COLUMNS)
    sums = sums @ fading + before
    past.kept.append(sums[..., -1:])
    level = (sums[:, :1] / sums[:, 1:]).sqrt() + 1e-8
    relative: Tensor = torch.log(magnitude / level + _FLOOR)
    return relative
