"""The trainer on sounds and pictures that the test makes itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch

from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.spec import AudioSpec
from training.bank import Bank, merge, open_bank
from training.claims import mask_loss, share_loss
from training.figures import figure_of
from training.handling import taken_up
from training.judged import LIVE_COLUMNS, OfStream, OfWindow
from training.listener import Listener
from training.mixtures import QUERIES, Mixtures
from training.photos import open_photos
from training.scenes import (
    BACKGROUND,
    NOT_JUDGED,
    SceneMaker,
    ScenePicture,
    ScenePictures,
    far_away,
    plain_scenes,
    side_by_side,
)
from training.solos import SoloMaker
from training.sources import held_out
from training.told import ClassSeparator, spoken
from training.weights import mean_weights, warm

RATE_HZ = 8_000
CLASSES = ["bell", "drone", "pipe", "reed", "string"]
AUDIO = AudioSpec(
    rate_hz=RATE_HZ, n_fft=512, hop=128, columns=32, frequency_bins=32, warp_base=21.0
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Five classes, each in an octave of its own; at another rate, between silences."""
    folder = tmp_path_factory.mktemp("solo")
    time_s = np.arange(16_000) / 16_000
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir()
        for take in range(16):
            tone = np.sin(2 * np.pi * 100 * 2**number * (1 + take / 40) * time_s)
            silence = np.zeros(4_000)
            sound = np.concatenate([silence, 0.4 * tone, silence])
            soundfile.write(folder / name / f"{name}_{take}.wav", sound, 16_000)
    (folder / "bell" / "broken.wav").write_bytes(b"RIFF")
    soundfile.write(folder / "bell" / "silent.wav", np.zeros(8_000), 16_000)
    return open_bank(folder, tmp_path_factory.mktemp("cache"), RATE_HZ)


def test_the_bank_is_trimmed_resampled_and_split_by_name(bank: Bank) -> None:
    assert bank.instruments() == CLASSES
    names = {recording.name for recording in bank.recordings}
    assert not names & {"broken", "silent"}
    for recording in bank.recordings:
        samples = bank.read(recording)
        assert len(samples) == pytest.approx(RATE_HZ, rel=0.02)
        assert np.abs(samples).max() == pytest.approx(1.0, abs=1e-3)
        assert recording.held_out == held_out(f"{recording.instrument}/{recording.name}")
    for name in CLASSES:
        learned = {r.name for r in bank.select(name, held_out=False)}
        unseen = {r.name for r in bank.select(name, held_out=True)}
        assert learned
        assert not learned & unseen


def test_merged_banks_read_the_same(bank: Bank) -> None:
    both = merge(bank, bank)
    count = len(bank.recordings)
    for first, second in zip(both.recordings[:count], both.recordings[count:], strict=True):
        np.testing.assert_array_equal(both.read(first), both.read(second))


def mixtures(bank: Bank, seed: int) -> Mixtures:
    maker = SoloMaker(bank, held_out=False)
    return Mixtures(maker, AUDIO, classes=CLASSES, columns=32, batch=6, seed=seed)


def test_targets_are_shares_of_what_sounds(bank: Bank) -> None:
    batch = next(iter(mixtures(bank, 1)))
    assert batch.log_magnitude.shape == (6, 1, 32, 32)
    assert batch.targets.shape == (6, QUERIES, 32, 32)
    assert float(batch.targets.min()) >= 0.0
    assert float(batch.targets.sum(dim=1).max()) <= 1.0 + 1e-5
    for asked, targets in zip(batch.classes, batch.targets, strict=True):
        assert len(set(asked.tolist())) == QUERIES
        assert float(targets[0].sum()) > 0.0  # at least one source sounds
    assert float(batch.targets[:, -1].sum(dim=(1, 2)).min()) == 0.0  # and some instruments do not
    again = next(iter(mixtures(bank, 1)))
    torch.testing.assert_close(batch.log_magnitude, again.log_magnitude)
    assert not torch.equal(batch.log_magnitude, next(iter(mixtures(bank, 2))).log_magnitude)


@pytest.mark.parametrize("columns", [slice(None), slice(0, 7), slice(9, 20), slice(20, 32)])
def test_judged_columns_are_those_of_the_whole_window(columns: slice) -> None:
    torch.manual_seed(0)
    net = LiveSoundNet(width=4, channels=6, levels=4).eval()
    window = torch.randn(2, 1, 32, 32)
    start, stop, _ = columns.indices(32)
    with torch.inference_mode():
        torch.testing.assert_close(net.some(window, start, stop), net(window)[..., columns])


def test_every_column_is_judged_in_turn_and_the_newest_most() -> None:
    counts = np.zeros(128, int)
    judged = OfWindow()
    for step in range(400):
        counts[judged.columns(128, step)] += 1
    assert counts.min() > 0
    assert counts[-8:].min() > 2 * np.median(counts[:64])


def test_a_training_may_end_where_live_masks_are_taken() -> None:
    judged = OfWindow(newest=24, newest_share=0.75, live_weight=6.0)
    newest = [step for step in range(400) if judged.is_newest(step)]
    assert len(newest) == 300
    assert all(judged.columns(128, step) == slice(104, 128) for step in newest)
    even = torch.ones(2, 1, 4, 24)
    weight = judged.weighted(even, newest[0])
    assert float(weight[..., LIVE_COLUMNS].min()) == pytest.approx(6 * float(weight[..., 0].max()))
    assert float(weight.mean()) == pytest.approx(1.0)
    other = next(step for step in range(400) if not judged.is_newest(step))
    torch.testing.assert_close(judged.weighted(even, other), even)


def test_a_stream_is_judged_where_its_future_is_there() -> None:
    judged = OfStream((-1, 0, 2), (0.2, 0.3, 0.5))
    weight = torch.rand(2, 1, 4, 120)
    ahead = [judged.lookahead(step) for step in range(300)]
    assert ahead == [judged.lookahead(step) for step in range(300)]
    assert 0 < ahead.count(-1) < ahead.count(0) < ahead.count(2)
    stops = {frames: judged.columns(128, ahead.index(frames)).stop for frames in ahead}
    assert stops == {-1: 128, 0: 128, 2: 124}
    assert judged.columns(128, 0).start == 4
    assert judged.weighted(weight, 0) is weight


def test_a_network_that_streams_can_be_begun_from_one_that_does() -> None:
    one, other = (ClassSeparator(4, 6, CLASSES, "streaming") for _ in range(2))
    heard, vectors = torch.randn(1, 1, 256, 32), torch.rand(1, 2, 6)
    other.begin(one.state_dict())
    with torch.inference_mode():
        wanted = one.eval()(heard, vectors)
        torch.testing.assert_close(other.eval()(heard, vectors), wanted)
        some = other(heard, vectors, slice(4, 20))
    torch.testing.assert_close(some, wanted[..., 4:20])
    with pytest.raises(ValueError, match="the networks have different"):
        ClassSeparator(4, 6, CLASSES).begin(one.state_dict())


def test_what_counts_in_shares_is_who_has_more_among_those_that_sound() -> None:
    targets = torch.zeros(1, 3, 4, 4)
    targets[:, 0], targets[:, 1] = 0.9, 0.1
    weight = torch.ones(1, 1, 4, 4)
    even = torch.zeros(1, 3, 4, 4)
    towards, away, absent = even.clone(), even.clone(), even.clone()
    towards[:, 0], away[:, 1], absent[:, 2] = 1.5, 1.5, 9.0
    losses = [float(share_loss(x, targets, weight)) for x in (towards, even, away, absent)]
    assert losses[0] < losses[1] < losses[2]
    assert losses[3] == losses[1]  # a silent instrument is no matter of shares


def test_a_few_steps_teach_something(bank: Bank) -> None:
    torch.manual_seed(0)
    model = ClassSeparator(4, len(CLASSES), CLASSES)
    # Five levels are the most that a window of 32 has.
    model.sound = type(model.sound)(width=4, channels=len(CLASSES), levels=4)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _, batch in zip(range(60), mixtures(bank, 3), strict=False):
        logits = model(batch.log_magnitude, spoken(model.vectors(), batch.classes, None))
        loss = mask_loss(logits, batch.targets, batch.weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])


def test_a_cell_that_shows_nothing_lets_nothing_through() -> None:
    model = ClassSeparator(4, 8, CLASSES).eval()
    model.sound = type(model.sound)(width=4, channels=8, levels=4).eval()
    with torch.inference_mode():
        sound = model.sound(torch.randn(1, 1, 32, 32))
        nothing = torch.sigmoid(model.synthesizer(torch.zeros(1, 1, 8), sound))
    assert float(nothing.max()) < 0.06
    assert model.nothing_loss().item() < 0.06


def test_a_start_can_be_the_mean_of_several(tmp_path: Path) -> None:
    models = [ClassSeparator(4, 6, CLASSES) for _ in range(2)]
    paths = [tmp_path / "one.pt", tmp_path / "two.pt"]
    for model, path in zip(models, paths, strict=True):
        Listener(model).write(path)
    middle = ClassSeparator(4, 6, CLASSES)
    saved = [torch.load(path, weights_only=True)["model"] for path in paths]
    middle.load_state_dict(mean_weights(saved))
    torch.testing.assert_close(middle.table, (models[0].table + models[1].table) / 2)
    middle.load_state_dict(mean_weights(saved[:1]))
    torch.testing.assert_close(middle.table, models[0].table)


def test_warm_starts_take_what_fits() -> None:
    old, new = ClassSeparator(4, 6, CLASSES), ClassSeparator(4, 8, CLASSES)
    anew = warm(new, old.state_dict())
    assert set(anew) == {
        "synthesizer.scale",
        "table",
        "sound.last.weight",
        "sound.last.bias",
    }
    torch.testing.assert_close(new.sound.down[0][0].weight, old.sound.down[0][0].weight)


@pytest.fixture(scope="module")
def makers(tmp_path_factory: pytest.TempPathFactory) -> SceneMaker:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for kind, label in (("photos", "bell"), ("photos", "pipe"), ("other", "lamp")):
        (folder / kind / label).mkdir(parents=True)
        for number in range(24):
            picture = np.full((60, 60, 3), 255, np.uint8)
            colour = random.integers(0, 150, 3).tolist()
            cv2.circle(picture, (30, 30), 22, colour, -1)
            cv2.imwrite(str(folder / kind / label / f"{label}{number}.png"), picture)
    photos, others = open_photos(folder / "photos"), open_photos(folder / "other")
    return SceneMaker(photos, others, ["bell", "pipe"], held_out=False)


def assert_cells_are_where_they_stand(scene: ScenePicture) -> None:
    assert scene.pixels.shape == (224, 224, 3)
    rows, columns = np.indices(scene.cells.shape)
    assert set(np.unique(scene.cells)) <= {NOT_JUDGED, BACKGROUND, 0, 1}
    for index, label in enumerate(("bell", "pipe")):
        box = next(placed.box for placed in scene.placed if placed.label == label)
        cells = scene.cells == index
        assert cells.any()
        assert (columns[cells] >= box[0] // 16).all()
        assert (columns[cells] <= box[2] // 16).all()
        assert (rows[cells] >= box[1] // 16).all()
        assert (rows[cells] <= box[3] // 16).all()


def test_scenes_know_what_stands_where(makers: SceneMaker) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        assert_cells_are_where_they_stand(makers.picture(rng, ("pipe", "bell")))


def test_scenes_know_what_stands_far_away(makers: SceneMaker) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        scene = makers.picture(rng, ("pipe", "bell"), layout=far_away, vary=taken_up)
        assert_cells_are_where_they_stand(scene)
        for placed in scene.placed:
            x0, y0, x1, y1 = placed.box
            assert x1 - x0 <= 85
            assert y1 - y0 <= 110


def test_what_is_turned_takes_its_labels_along(makers: SceneMaker) -> None:
    picture = np.full((80, 80, 3), 250, np.uint8)
    picture[30:50, 5:75] = (20, 90, 30)
    for seed in range(40):
        figure = figure_of(picture, None, keep_ground=seed % 2 == 0)
        turned, where = taken_up(picture, figure, np.random.default_rng(seed))
        light = turned.sum(axis=2)
        is_dark = light < (int(light.min()) + int(light.max())) / 2
        labelled = where.sure > 128
        assert (is_dark & labelled).sum() > 0.8 * is_dark.sum()
        assert (where.pasted[labelled] > 0).mean() > 0.95


def test_batches_of_scenes_are_the_same_for_the_same_seed(makers: SceneMaker) -> None:
    (pictures, cells), (again, cells_again), (others, _) = (
        next(iter(ScenePictures(makers, batch=4, seed=seed, far_away=0.5))) for seed in (1, 1, 2)
    )
    assert pictures.shape == (4, 3, 224, 224)
    assert 0.0 <= float(pictures.min()) < float(pictures.max()) <= 1.0
    torch.testing.assert_close(pictures, again)
    torch.testing.assert_close(cells, cells_again)
    assert not torch.equal(pictures, others)
    near, far = (
        plain_scenes(partial(makers.picture, layout=layout), 4)
        for layout in (side_by_side, far_away)
    )
    assert near[0].shape == far[0].shape == (4, 3, 224, 224)
    assert (near[1] >= 0).sum() > (far[1] >= 0).sum() > 0
