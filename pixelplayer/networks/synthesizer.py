"""The audio synthesizer: visual vectors and sound components to mask logits (paper section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Synthesizer(nn.Module):
    """A weighted inner product over the K channels: sum_k scale_k v_k s_k + bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, vectors: Tensor, sound: Tensor) -> Tensor:
        """Mask logits of N objects.

        Args:
            vectors: (B, N, K) float, visual vectors after the sigmoid.
            sound: (B, K, F, T) float, sound components.

        Returns:
            (B, N, F, T) float, before the sigmoid.
        """
        logits = torch.bmm(vectors * self.scale, sound.flatten(2)) + self.bias
        return logits.reshape(*logits.shape[:2], *sound.shape[2:])

    def forward_pixelwise(self, features: Tensor, sound: Tensor) -> Tensor:
        """Mask logits of every grid cell.

        Args:
            features: (B, K, h, w) float, visual features after the sigmoid.
            sound: (B, K, F, T) float, sound components.

        Returns:
            (B, h, w, F, T) float, before the sigmoid.
        """
        logits = self.forward(features.flatten(2).transpose(1, 2), sound)
        batch, _, height, width = features.shape
        return logits.reshape(batch, height, width, *sound.shape[2:])
