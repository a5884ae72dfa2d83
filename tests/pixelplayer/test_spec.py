import copy
import json

import numpy as np
import pytest

from pixelplayer.spec import ModelSpec, SpecError
from pixelplayer.stft import istft, low_delay, stft

VALUES = {
    "name": "small",
    "channels": 16,
    "audio": {
        "rate_hz": 44100,
        "n_fft": 4088,
        "hop": 1024,
        "columns": 256,
        "frequency_bins": 256,
        "warp_base": 121.0,
    },
    "vision": {
        "width": 32,
        "frame_px": 224,
        "grid": 14,
        "frames": 3,
        "rate_hz": 15.0,
        "picture": "unit",
        "looks": 2,
    },
    "sound": {
        "width": 16,
        "levels": 7,
        "network": "live",
        "lookaheads": (),
        "state": 0,
        "step_columns": 0,
    },
    "mask": {"power": 1.5, "residual_floor": 0.2},
}


def changed(section, key, value):
    values = copy.deepcopy(VALUES)
    (values[section] if section else values)[key] = value
    return values


def test_description_goes_there_and_back():
    spec = ModelSpec.from_dict(VALUES)
    assert spec.audio.n_fft == 4088
    assert spec.to_dict() == VALUES
    assert ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_loads_a_folder_and_leaves_provenance_aside(tmp_path):
    values = VALUES | {"trained_on": "duets"}
    (tmp_path / "model.json").write_text(json.dumps(values), encoding="utf-8")
    assert ModelSpec.load(tmp_path) == ModelSpec.from_dict(VALUES)


def test_whole_numbers_serve_as_floats():
    spec = ModelSpec.from_dict(changed("audio", "warp_base", 21))
    assert isinstance(spec.audio.warp_base, float)


def test_missing_folder_names_what_to_read(tmp_path):
    with pytest.raises(SpecError, match=r"model.json is missing; see docs/models.md"):
        ModelSpec.load(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_unreadable_file_is_named(tmp_path, text):
    (tmp_path / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"model.json cannot be read"):
        ModelSpec.load(tmp_path)


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("", "channels", "16", "'channels' must be int, found '16'"),
        ("", "audio", [], "'audio' must be dict"),
        ("audio", "hop", 0, r"audio.hop must be positive"),
        ("audio", "hop", 1.5, "'hop' must be int, found 1.5"),
        ("audio", "hop", True, "'hop' must be int, found True"),
        ("sound", "depth", 3, "sound.depth is unknown"),
        ("mask", "power", None, "'power' must be float"),
        ("", "channels", 2**40, "'channels' must be 1..1024"),
        ("", "name", "\ud800", "'name' must be a short word"),
        ("", "name", "x" * 101, "'name' must be a short word"),
        ("audio", "n_fft", 2**40, "audio.n_fft must be at most 65536, found 1099511627776"),
        ("audio", "n_fft", 2048, "audio.hop 1024 is too long for audio.n_fft 2048"),
        ("audio", "warp_base", 1.0, "audio.warp_base must be more than 1"),
        ("audio", "warp_base", 10**400, "'warp_base' must be float, found 1000"),
        ("audio", "warp_base", float("nan"), "audio.warp_base must be positive"),
        ("vision", "grid", 225, "vision.frame_px must be at least a pixel for each of 225"),
        ("sound", "network", "streaming", "sound.lookaheads .. cannot be heard"),
        ("sound", "lookaheads", [0, 2**13], "sound.lookaheads must be integers of at most 4096"),
    ],
)
def test_wrong_field_is_named(section, key, value, message):
    with pytest.raises(SpecError, match=message):
        ModelSpec.from_dict(changed(section, key, value))


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((224, 224), (14, 14)),
        ((1080, 1920), (10, 19)),
        ((480, 640), (12, 16)),
        ((1920, 1080), (19, 10)),
        ((10, 1000), (8, 24)),
    ],
)
def test_the_grid_has_the_pictures_proportions(size, grid):
    assert ModelSpec.from_dict(VALUES).vision.grid_for(*size) == grid


def test_what_a_picture_is_given_as_is_known():
    values = copy.deepcopy(VALUES)
    del values["vision"]["picture"]
    assert ModelSpec.from_dict(values).vision.picture == "unit"
    with pytest.raises(SpecError, match=r"vision.picture must be one of .*found 'jpeg'"):
        ModelSpec.from_dict(changed("vision", "picture", "jpeg"))


def test_pictures_are_looked_at_once_unless_it_says_more():
    values = copy.deepcopy(VALUES)
    del values["vision"]["looks"]
    assert ModelSpec.from_dict(values).vision.looks == 1
    with pytest.raises(SpecError, match=r"vision.looks must be positive, found 0"):
        ModelSpec.from_dict(changed("vision", "looks", 0))


def test_missing_field_is_named():
    values = copy.deepcopy(VALUES)
    del values["vision"]["grid"]
    with pytest.raises(SpecError, match="'grid' must be int, found None"):
        ModelSpec.from_dict(values)


@pytest.mark.parametrize(
    ("rate_hz", "n_fft", "hop"),
    [(8000, 742, 186), (11025, 1022, 256), (44100, 4088, 1024), (48000, 4450, 1115)],
)
def test_transform_keeps_its_durations_at_every_rate(rate_hz, n_fft, hop):
    analysis = ModelSpec.from_dict(VALUES).audio.at_rate(rate_hz)
    assert (analysis.rate_hz, analysis.n_fft, analysis.hop) == (rate_hz, n_fft, hop)
    assert analysis.bins == n_fft // 2 + 1
    assert analysis.magnitude_scale == 4088 / n_fft
    assert analysis.hop_ns == round(hop / rate_hz * 1e9)
    assert n_fft / rate_hz == pytest.approx(4088 / 44100, abs=1 / rate_hz)


def test_too_low_a_rate_is_refused():
    with pytest.raises(SpecError, match="3999 Hz is below 4000 Hz"):
        ModelSpec.from_dict(VALUES).audio.at_rate(3999)


def test_what_streams_says_how_much_it_remembers():
    sound = {"width": 24, "levels": 6, "network": "streaming", "state": 94_594}
    sound["lookaheads"] = [-2, 0, 4]
    spec = ModelSpec.from_dict(VALUES | {"sound": sound})
    assert spec.sound.is_streaming
    assert spec.sound.state == 94_594
    assert spec.sound.lookaheads == (-2, 0, 4)
    assert ModelSpec.from_dict(spec.to_dict()) == spec
    assert not ModelSpec.from_dict(VALUES).sound.is_streaming
    with pytest.raises(SpecError, match="state must be positive"):
        ModelSpec.from_dict(VALUES | {"sound": sound | {"state": -1}})
    for wrong in ([4, 0], [0, 0], [0.5], ["0"], 4):
        with pytest.raises(SpecError, match="lookaheads"):
            ModelSpec.from_dict(VALUES | {"sound": sound | {"lookaheads": wrong}})


@pytest.mark.parametrize("hop", [2044, 3000, 4088])
def test_a_hop_of_half_a_transform_is_refused(hop):
    wanted = (
        rf"audio.hop {hop} is too long for audio.n_fft 4088 at 44100 Hz.*possible are 1 to 2043"
    )
    with pytest.raises(SpecError, match=wanted):
        ModelSpec.from_dict(changed("audio", "hop", hop))


def test_a_hop_that_is_possible_can_be_divided_and_joined_at_every_rate_that_takes_it():
    """And where the rate makes it too long, what is said to be possible is."""
    samples = np.random.default_rng(0).normal(size=9000).astype(np.float32)
    for rate_hz in (8000, 11025, 44100, 48000):
        analysis = ModelSpec.from_dict(changed("audio", "hop", 2038)).audio.at_rate(rate_hz)
        windows = low_delay(analysis)
        found = istft(stft(samples, analysis, windows), analysis, len(samples), windows)
        np.testing.assert_allclose(found, samples, atol=1e-4)
    longest = ModelSpec.from_dict(changed("audio", "hop", 2043))
    with pytest.raises(
        SpecError, match=r"at 8000 Hz.* half of 742 samples; possible are 1 to 2039"
    ):
        longest.audio.at_rate(8000)
    ModelSpec.from_dict(changed("audio", "hop", 2039)).audio.at_rate(8000)


@pytest.mark.parametrize(
    ("field", "size", "nearest"),
    [("columns", 200, "128 or 256"), ("columns", 64, "128"), ("frequency_bins", 250, "128 or 256")],
)
def test_a_window_that_the_levels_cannot_halve_is_refused(field, size, nearest):
    wanted = rf"audio.{field} {size} cannot.* multiples of 128, the nearest {nearest}$"
    with pytest.raises(SpecError, match=wanted):
        ModelSpec.from_dict(changed("audio", field, size))
    with pytest.raises(SpecError, match=r"sound.levels must be 2 or more, found 1"):
        ModelSpec.from_dict(changed("sound", "levels", 1))


@pytest.mark.parametrize("lookaheads", [[], [-4, 0], [0, 3], [0, 256]])
def test_lookaheads_that_cannot_be_heard_are_refused(lookaheads):
    sound = {"width": 24, "levels": 6, "network": "streaming", "state": 8}
    sound["lookaheads"] = lookaheads
    wanted = r"sound.lookaheads .* possible are some of -2, 0, 2 … 254, .*audio.columns 256"
    with pytest.raises(SpecError, match=wanted):
        ModelSpec.from_dict(VALUES | {"sound": sound})
    # In time nothing is halved: any window does.
    ModelSpec.from_dict(changed("audio", "columns", 99) | {"sound": sound | {"lookaheads": [96]}})
