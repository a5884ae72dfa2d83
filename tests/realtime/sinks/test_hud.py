import pytest

from realtime.messages import Stats
from realtime.sinks.hud import HudTracker, engine_names

from .examples import frame


def stats(stage, **values):
    return Stats(stream="test", sequence=0, stage=stage, values=values)


def test_the_numbers_come_from_their_stages():
    tracker = HudTracker({"vision": "openvino/int8", "sound": "openvino/int8"})
    assert tracker.hud.latency_ms is None
    assert tracker.hud.lost == ()
    tracker.add_stats(stats("speaker", latency_ms=151.0))
    tracker.add_stats(stats("hearing", rate_hz=14.4))
    tracker.add_stats(stats("separator", rate_hz=21.0, dropped_sound=2))
    tracker.add_stats(stats("sight", dropped_video=3, dropped_audio_samples=512))
    hud = tracker.hud
    assert hud.latency_ms == 151.0
    assert hud.masks_per_s == 14.4
    assert hud.lost == ((3, "pictures skipped"), (512, "samples lost"), (2, "of sound dropped"))
    assert hud.engines == "openvino/int8"
    assert hud.warnings == ()


def test_before_anything_is_played_no_delay_is_known():
    tracker = HudTracker({})
    tracker.add_stats(stats("speaker", latency_ms=0.0))
    tracker.add_shown(1_000_000_000, 700_000_000)
    hud = tracker.hud
    assert (hud.latency_ms, hud.sound_early_ms, hud.lost) == (None, None, ())


def test_the_frame_rate_is_the_cameras_also_where_frames_are_left_out():
    tracker = HudTracker({})
    assert tracker.hud.frames_per_s is None
    for number in (0, 3, 4, 9):
        tracker.add_frame(frame(number))
    assert tracker.hud.frames_per_s == pytest.approx(30.0, rel=1e-3)


def test_a_late_stage_is_named_for_a_while():
    tracker = HudTracker({})
    tracker.add_stats(stats("hearing", late=0))
    tracker.add_stats(stats("hearing", late=2))
    assert tracker.hud.warnings == ("hearing is late",)
    for _ in range(10):
        tracker.add_stats(stats("hearing", late=2))
    assert tracker.hud.warnings == ()


def test_lost_devices_and_restarts_are_told():
    tracker = HudTracker({})
    tracker.add_stats(stats("speaker", device_lost=1.0))
    tracker.add_stats(stats("supervisor", restarts=2))
    assert tracker.hud.warnings == ("speaker is gone, looking for it", "2 restarts")


def test_engines_that_differ_are_both_named():
    assert engine_names({"vision": "openvino/int8", "sound": "torch/fp32"}) == (
        "openvino/int8 + torch/fp32"
    )


def test_the_delay_is_told_by_its_causes():
    tracker = HudTracker({})
    tracker.add_stats(stats("hearing", lookahead_ms=93.0, algorithm_ms=186.0))
    assert tracker.hud.causes_ms == ()
    tracker.add_stats(stats("speaker", latency_ms=250.0, queued_ms=30.0, device_ms=20.0))
    causes = dict(tracker.hud.causes_ms)
    assert list(causes) == ["ahead", "transform", "computing", "queue", "device"]
    assert causes["transform"] == pytest.approx(93.0)
    assert causes["computing"] == pytest.approx(14.0)
    assert sum(causes.values()) == pytest.approx(250.0)
    tracker.add_stats(stats("hearing", lookahead_ms=-23.0, algorithm_ms=46.0))
    assert dict(tracker.hud.causes_ms)["ahead"] == 0.0


def test_sound_and_picture_are_compared_as_they_are_shown():
    tracker = HudTracker({})
    tracker.add_shown(1_000_000_000, 700_000_000)  # nothing is known of the sound
    assert tracker.hud.sound_early_ms is None
    tracker.add_stats(stats("speaker", latency_ms=290.0))
    for at_ms in range(1000, 4000, 33):
        tracker.add_shown(at_ms * 1_000_000, (at_ms - 300) * 1_000_000)
    assert tracker.hud.sound_early_ms == pytest.approx(10.0)
    assert tracker.hud.warnings == ()
    for at_ms in range(4000, 9000, 33):
        tracker.add_shown(at_ms * 1_000_000, (at_ms - 360) * 1_000_000)
    assert tracker.hud.warnings == ("sound 70 ms before the picture",)
    tracker.add_stats(stats("speaker", latency_ms=500.0))
    for at_ms in range(9000, 15000, 33):
        tracker.add_shown(at_ms * 1_000_000, (at_ms - 360) * 1_000_000)
    assert tracker.hud.warnings == ("sound 140 ms after the picture",)


def test_what_set_the_pictures_right_is_told():
    tracker = HudTracker({})
    assert tracker.hud.av_offset_ms == 0.0
    tracker.add_stats(stats("camera", av_offset_ms=83.0))
    assert tracker.hud.av_offset_ms == 83.0
