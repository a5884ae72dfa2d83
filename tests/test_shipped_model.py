"""The checkpoint that ships: whole, the same in every form, and able to separate the demo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engines import parity
from engines.registry import open_engine
from engines.remembering import Remembering
from pixelplayer.band import demo_scene
from pixelplayer.metrics import nsdr
from pixelplayer.networks.checkpoint import AudioNet, load
from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.networks.vision import VisualFeatures
from pixelplayer.spec import FRAME_COLUMNS, ModelSpec

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models" / "live"
DEMO_S = 8.0


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return ModelSpec.load(MODEL)


def test_the_card_says_where_it_comes_from() -> None:
    card = json.loads((MODEL / "model.json").read_text("utf-8"))
    assert {"classes", "provenance", "scores"} <= card.keys()
    assert card["provenance"]["seeds"]
    assert card["provenance"]["data"]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_graphs_and_weights_are_one(spec: ModelSpec, backend: str) -> None:
    networks = load(MODEL / "weights.safetensors", spec)
    random = np.random.default_rng(1)
    picture = random.random((1, 3, spec.vision.frame_px, spec.vision.frame_px), np.float32)
    shape = (1, 1, spec.audio.frequency_bins, spec.audio.columns)
    heard = random.normal(-3, 3, shape).astype(np.float32)
    with torch.inference_mode():
        features = (
            VisualFeatures(networks.frame, spec.vision.picture)
            .eval()(torch.from_numpy(picture))
            .numpy()
        )
        sound = {
            ahead: _hear(networks.sound.eval(), heard, ahead) for ahead in spec.sound.lookaheads
        }
    with open_engine(MODEL, "vision", backend, "fp32", 1) as engine:
        np.testing.assert_allclose(
            engine.infer({"picture": picture})["features"], features, atol=1e-4
        )
    with open_engine(MODEL, "sound", backend, "fp32", 1) as engine:
        network = Remembering(engine, spec.sound.lookaheads)
        for ahead, wanted in sound.items():
            network.look_ahead(ahead)
            found = network.whole(heard)
            said = slice(max(-ahead, 0), None)  # of the first that are guessed nothing is said
            np.testing.assert_allclose(
                found[..., said], wanted[..., said], atol=1e-4 * float(np.abs(wanted).max())
            )


def test_many_columns_at_once_are_heard_as_step_by_step(spec: ModelSpec) -> None:
    shape = (1, 1, spec.audio.frequency_bins, spec.audio.columns)
    heard = np.random.default_rng(1).normal(-3, 3, shape).astype(np.float32)
    said = []
    for network in ("sound", "stretch"):
        with open_engine(MODEL, network, "onnxruntime", "int8", 1) as engine:  # type: ignore[arg-type]
            said.append(Remembering(engine, spec.sound.lookaheads).whole(heard))
    np.testing.assert_allclose(said[1], said[0], atol=1e-4 * float(np.abs(said[0]).max()))


def _hear(network: AudioNet, heard: np.ndarray, ahead: int) -> np.ndarray:
    assert isinstance(network, StreamingSoundNet)
    network.lookahead = ahead // FRAME_COLUMNS
    said: torch.Tensor = network(torch.from_numpy(heard))
    return said.numpy()


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_eight_bits_say_nearly_the_same(spec: ModelSpec, backend: str) -> None:
    """On windows and pictures of the band; what it costs in decibels is in the record."""
    record = json.loads((MODEL / "precisions.json").read_text("utf-8"))
    assert record["int8"]["lost"]["sdr_db"] <= 0.2
    assert record["int8"]["lost"]["in_place"] <= 0.02
    for network, most_db in (("vision", -25.0), ("sound", -14.0)):
        grid = spec.vision.grid_for(9, 16)
        with (
            open_engine(MODEL, network, backend, "fp32", 1, grid=grid) as whole,
            open_engine(MODEL, network, backend, "int8", 1, grid=grid) as eight,
        ):
            for one in parity.inputs(spec, network, grid, 4)[:3]:  # the last is noise
                wanted, found = parity.answer(whole, one), parity.answer(eight, one)
                error = np.square(found - wanted).sum() / np.square(wanted).sum()
                assert 10 * np.log10(error) < most_db, network


def test_the_demo_is_separated(tmp_path: Path) -> None:
    folder = tmp_path / "session"
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "run_live.py"), "--demo", "--duration", str(DEMO_S)),
            *("--pace", "fast", "--view", "none", "--engine", "onnxruntime"),
            *("--record", str(folder)),
        ],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    session = json.loads((folder / "session.json").read_text("utf-8"))
    rate_hz = session["sample_rate"]
    scene = demo_scene(rate_hz)
    samples = round(DEMO_S * rate_hz)
    mixture = scene.mixture[:samples]
    for stem, thing in zip(scene.stems[:, :samples], scene.objects, strict=True):
        x0, y0, x1, y1 = thing.box
        here = [
            found
            for found in session["objects"]
            if x0 <= found["centroid"][0] <= x1 and y0 <= found["centroid"][1] <= y1
        ]
        assert here, f"no object on the {thing.name}"
        found = min(here, key=lambda item: item["first_s"])
        assert found["first_s"] <= 3.0
        recorded, _ = soundfile.read(folder / found["file"], dtype="float32")
        score = nsdr(stem[None], recorded[None], mixture)
        # What benchmarks.demo asks is more; less than this would be no separation at all.
        assert score[0] >= 6.0, f"{thing.name}: {score[0]:.1f} dB"
