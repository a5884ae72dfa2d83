"""The audio U-Net in steps: the encoder computes what is new, and is given the rest."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelplayer.encoder_columns import ENDS, EncoderColumns
from pixelplayer.networks.sound import SLOPE, Column, SoundNet, lowered


class CachedSoundNet(nn.Module):
    """A ``SoundNet`` on a window that moves on by a few columns at a time.

    What it says is what ``SoundNet.some`` says of the window, to rounding: see
    ``pixelplayer.encoder_columns``.

    Args:
        network: whose weights it has.
        columns: what it computes and what it is given.
    """

    def __init__(self, network: SoundNet, columns: EncoderColumns) -> None:
        super().__init__()
        self.network, self.columns = network, columns

    def forward(
        self, log_magnitude: Tensor, past: Tensor, start: Column, stop: Column
    ) -> tuple[Tensor, Tensor]:
        """The next step.

        Args:
            log_magnitude: (1, 1, F, S), the newest columns: logarithm of (magnitude + 1e-10).
            past: (1, P), of every level the columns ``Level.old``, (C, n, F), outermost first.
            start, stop: columns of the window that are wanted, half-open, of the newest that can.

        Returns:
            (1, K, F, stop - start), linear; and (1, M) to remember: of every level but the given
            one the ``Level.new`` columns that will stay, (C, n, F).
        """
        blocks, (above, *levels) = self.network.blocks(), self.columns.levels
        old, *olds = self._unpacked(past)
        heard = self.network.bn0(torch.cat([old, log_magnitude.transpose(2, 3)], dim=2))
        oldest, newest = heard[:, :, :ENDS], heard[:, :, ENDS:]
        passed: list[tuple[Column, Tensor]] = []
        kept: list[Tensor] = []
        for level, old, block in zip(levels, olds, blocks, strict=False):
            # Both ends at once, side by side: what is made where they meet is left out.
            needed = newest[:, :, 2 * level.fresh - 1 - above.first :]
            made = functional.leaky_relu(lowered(block, torch.cat([oldest, needed], 2)), SLOPE)
            first, fresh = made[:, :, :1], made[:, :, 2:]
            kept.append(fresh[:, :, : level.new])
            if level.is_whole:
                newest = torch.cat([first, old, fresh], dim=2)
            else:
                oldest = torch.cat([first, old[:, :, : ENDS - 1]], dim=2)
                newest = torch.cat([old[:, :, ENDS - 1 :], fresh], dim=2)
            passed.append((level.first, newest))
            above = level
        x = lowered(blocks[len(levels)], newest)
        for block in blocks[len(levels) + 1 :]:
            x = functional.leaky_relu(x, SLOPE)
            passed.append((0, x))
            x = lowered(block, x)
        width = self.columns.window >> self.network.levels
        said = self.network.risen(x, passed, width, start, stop)
        return said.transpose(2, 3), torch.cat([one.flatten(1) for one in kept], dim=1)

    def _unpacked(self, past: Tensor) -> list[Tensor]:
        """Of every level (1, C, n, F)."""
        levels = self.columns.levels
        parts = torch.split(past, [len(level.old) * level.size for level in levels], dim=1)
        return [
            part.view(1, level.channels, len(level.old), level.rows)
            for part, level in zip(parts, levels, strict=True)
        ]
