"""The inputs and outputs that a model's two networks must have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.errors import EngineError
from engines.onnx_file import with_columns
from engines.protocol import Network, TensorSpec
from pixelplayer.encoder_columns import EncoderColumns, encoder_columns
from pixelplayer.spec import FRAME_COLUMNS, STRETCH_COLUMNS, ModelSpec

STATE, NEXT_STATE = "state", "next_state"  # of a network that remembers
PAST = "past"  # what a step with a cache is given besides what is new


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """One network of one model, and how it shall be run: what a backend is asked to open."""

    folder: Path
    network: Network
    spec: ModelSpec
    graph: Path  # the ONNX file of the wanted precision
    precision: str
    threads: int  # CPU threads, at least 1
    grid: tuple[int, int]  # rows and columns of the visual network's output
    address: str = ""  # of the server, for a network on another machine
    provider: str = ""  # of ONNX Runtime, for another than the processor's
    is_portable: bool = False  # compiled for other GPUs as well, where an engine can
    newest: int | None = None  # see ``engines.registry.open_engine``

    def content(self) -> bytes:
        """The graph, as it is to be run.

        Raises:
            EngineError: it cannot be read.
        """
        try:
            whole = self.graph.read_bytes()
        except OSError as error:
            raise EngineError(
                f"{self.graph} cannot be read ({error.strerror}); "
                "export the model again, see docs/models.md"
            ) from None
        if self.newest is None:
            return whole
        columns = self.spec.audio.columns
        first = columns - self.newest
        last = first + self.steps.step if self.network == "step" else columns
        changed = with_columns(whole, first, last)
        if changed is None:
            raise EngineError(
                f"{self.graph} cannot give some columns alone; export the model again, "
                "see docs/models.md"
            )
        return changed

    @property
    def steps(self) -> EncoderColumns:
        """Of the network ``step``: what it computes and what it is given.

        Raises:
            EngineError: the sound network cannot be run like that.
        """
        try:
            return encoder_columns(self.spec.sound, self.spec.audio)
        except ValueError as error:
            raise EngineError(f"the model in {self.folder} has no steps: {error}") from error

    @property
    def _streamed(self) -> int:
        """Columns that a network which streams is given at a time."""
        return STRETCH_COLUMNS if self.network == "stretch" else FRAME_COLUMNS

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The network's inputs at batch 1."""
        if self.network == "vision":
            stride = self.spec.vision.stride_px
            size = tuple(cells * stride for cells in self.grid)
            return (TensorSpec(name="picture", shape=(1, 3, *size)),)
        audio, sound = self.spec.audio, self.spec.sound
        if self.network == "step":
            steps = self.steps
            shape = (1, 1, audio.frequency_bins, steps.step)
            past = TensorSpec(name=PAST, shape=(1, steps.past))
            return TensorSpec(name="log_magnitude", shape=shape), past
        if sound.is_streaming:
            new = TensorSpec(
                name="log_magnitude", shape=(1, 1, audio.frequency_bins, self._streamed)
            )
            chosen = TensorSpec(name="lookahead", shape=(1, len(sound.lookaheads)))
            return new, chosen, TensorSpec(name=STATE, shape=(1, sound.state))
        return (
            TensorSpec(name="log_magnitude", shape=(1, 1, audio.frequency_bins, audio.columns)),
        )

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The network's outputs at batch 1."""
        channels = self.spec.channels
        if self.network == "vision":
            return (TensorSpec(name="features", shape=(1, channels, *self.grid)),)
        audio, sound = self.spec.audio, self.spec.sound
        if self.network == "step":
            steps = self.steps
            shape = (1, channels, audio.frequency_bins, steps.step)
            kept = TensorSpec(name="kept", shape=(1, steps.kept))
            return TensorSpec(name="sound", shape=shape), kept
        if sound.is_streaming:
            said = TensorSpec(
                name="sound", shape=(1, channels, audio.frequency_bins, self._streamed)
            )
            return said, TensorSpec(name=NEXT_STATE, shape=(1, sound.state))
        columns = audio.columns if self.newest is None else self.newest
        return (TensorSpec(name="sound", shape=(1, channels, audio.frequency_bins, columns)),)
