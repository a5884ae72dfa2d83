"""Engines are kept whole, found again, and never trusted blindly."""

from __future__ import annotations

import errno
import json
import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engines.store import EngineKey, Store

KEY = EngineKey(
    graph_sha256="0" * 64,
    runtime="tensorrt_rtx",
    runtime_version="1.7.1",
    device="NVIDIA of some kind",
    capability="8.9",
    precision="fp16",
    shapes={"picture": (1, 3, 160, 304)},
    options={"workspace_mb": 1024, "is_portable": False},
)
ENGINE = bytes(range(256)) * 40


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "engines")


def test_what_was_kept_is_found(store: Store) -> None:
    assert store.load(KEY) is None
    manifest = store.keep(KEY, ENGINE, 1.25, {"parity": 1e-4})
    assert store.load(KEY) == ENGINE
    assert store.entries() == [manifest]
    assert "tensorrt_rtx 1.7.1 fp16 1×3×160×304 on NVIDIA of some kind" in manifest.describe()
    assert not store.remarks


@pytest.mark.parametrize(
    "change",
    [
        {"graph_sha256": "1" * 64},
        {"runtime_version": "1.8"},
        {"device": "another"},
        {"capability": "9.0"},
        {"precision": "fp32"},
        {"shapes": {"picture": (1, 3, 224, 224)}},
        {"options": {"workspace_mb": 512, "is_portable": False}},
    ],
)
def test_another_engine_is_not_found(store: Store, change: dict) -> None:
    store.keep(KEY, ENGINE, 1.0, {})
    assert store.load(replace(KEY, **change)) is None


def place_of(store: Store) -> Path:
    assert store.folder is not None
    return store.folder / KEY.digest


@pytest.mark.parametrize("damage", ["cut", "altered", "no engine", "no manifest", "no JSON"])
def test_damage_is_told_and_mended(store: Store, damage: str) -> None:
    store.keep(KEY, ENGINE, 1.0, {})
    engine, manifest = place_of(store) / "engine.bin", place_of(store) / "manifest.json"
    if damage == "cut":
        engine.write_bytes(ENGINE[:-1])
    elif damage == "altered":
        engine.write_bytes(ENGINE[:-1] + b"\0")
    elif damage == "no JSON":
        manifest.write_text("{")
    else:
        (engine if damage == "no engine" else manifest).unlink()
    assert store.load(KEY) is None
    assert len(store.remarks) == 1
    assert str(place_of(store)) in store.remarks[0]
    assert "built again" in store.remarks[0]
    store.keep(KEY, ENGINE, 1.0, {})
    assert store.load(KEY) == ENGINE


def test_a_foreign_engine_under_our_name_is_not_used(store: Store) -> None:
    store.keep(replace(KEY, device="another GPU"), ENGINE, 1.0, {})
    (foreign,) = store._places()
    foreign.rename(place_of(store))
    assert store.load(KEY) is None
    assert "of another engine" in store.remarks[0]


def test_a_manifest_of_another_version_is_not_read(store: Store) -> None:
    store.keep(KEY, ENGINE, 1.0, {})
    path = place_of(store) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))
    assert store.load(KEY) is None
    assert "another version" in store.remarks[0]
    assert store.entries() == []


@pytest.mark.parametrize(
    "change",
    [
        {"key": None},
        {"key": "text"},
        {"key": {}},
        {"facts": []},
        {"facts": {"ms": [1.0]}},
        {"facts": {"ms": 10**400}},
        {"build_s": "1"},
        {"build_s": 10**400},
        {"engine_bytes": "380"},
        {"engine_bytes": -1},
        {"engine_bytes": True},
        {"engine_sha256": 5},
        {"more": 1},
    ],
)
def test_a_manifest_that_is_none_is_not_read(store: Store, change: dict[str, object]) -> None:
    store.keep(KEY, ENGINE, 1.0, {})
    path = place_of(store) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert store.load(KEY) is None
    assert "is damaged (its manifest" in store.remarks[0]
    assert store.entries() == []


@pytest.mark.parametrize("text", ["null", "5", '"text"', "[" * 100_000, " " * (2 << 20)])
def test_a_manifest_that_is_no_object_is_not_read(store: Store, text: str) -> None:
    store.keep(KEY, ENGINE, 1.0, {})
    (place_of(store) / "manifest.json").write_text(text)
    assert store.load(KEY) is None
    assert store.entries() == []


@pytest.mark.parametrize("shapes", [5, {"picture": 5}, {"picture": None}])
def test_a_manifest_without_shapes_is_not_read(store: Store, shapes: object) -> None:
    store.keep(KEY, ENGINE, 1.0, {})
    path = place_of(store) / "manifest.json"
    content = json.loads(path.read_text())
    content["key"]["shapes"] = shapes
    path.write_text(json.dumps(content))
    assert store.load(KEY) is None
    assert store.entries() == []


def test_a_folder_that_takes_nothing_costs_only_time_and_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    for number in range(3):
        store = Store(tmp_path / "file")
        with store.building(KEY):
            assert store.load(KEY) is None
            store.keep(replace(KEY, device=str(number)), ENGINE, 1.0, {})
    (told,) = caplog.messages
    wanted = f"{tmp_path / 'file'} is a file, not a folder; remove it, or set XDG_CACHE_HOME"
    assert told == f"engines are not kept: {wanted}"


def test_a_full_folder_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_path: Path, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    store.keep(KEY, ENGINE, 1.0, {})
    assert "No space left on device; free space there" in caplog.text
    assert store.folder is not None
    assert not list(store.folder.iterdir())


def test_a_folder_under_a_file_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("no folder")
    Store(tmp_path / "cache" / "engines").keep(KEY, ENGINE, 1.0, {})
    assert f"{tmp_path / 'cache'} is a file, not a folder; remove it" in caplog.text


def test_timings_of_a_full_folder_leave_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _mode: str) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    store.keep_timings(KEY, b"12 ms")
    assert store.folder is not None
    assert not list(store.folder.iterdir())


def test_a_file_in_an_engine_s_place_gives_way(store: Store) -> None:
    store.keep(KEY, ENGINE, 1.0, {})
    assert store.clean() == 1
    place_of(store).write_text("no folder")
    assert store.load(KEY) is None
    store.keep(KEY, ENGINE, 1.0, {})
    assert store.load(KEY) == ENGINE
    store.clean()
    place_of(store).write_text("no folder")
    assert store.clean() == 1
    assert not place_of(store).exists()


def test_what_builders_leave_is_thrown_away_too(store: Store) -> None:
    with store.building(KEY):
        store.keep(KEY, ENGINE, 1.0, {})
        store.keep_timings(KEY, b"12 ms")
    assert store.folder is not None
    (store.folder / f".building-{KEY.digest}-killed").mkdir()
    (store.folder / "notes.txt").write_text("somebody's")
    assert store.clean() == 1
    assert [one.name for one in store.folder.iterdir()] == ["notes.txt"]


def test_what_another_builds_stays(store: Store) -> None:
    with store.building(KEY):
        assert store.folder is not None
        scratch = store.folder / f".building-{KEY.digest}-other"
        scratch.mkdir()
        assert Store(store.folder).clean() == 0
        assert scratch.is_dir()
        assert (store.folder / f".{KEY.digest}.lock").exists()


def test_all_can_be_thrown_away(store: Store) -> None:
    store.keep(KEY, ENGINE, 1.0, {})
    store.keep(replace(KEY, precision="int8"), ENGINE, 1.0, {})
    (place_of(store) / "manifest.json").unlink()
    assert store.clean() == 2
    assert store.entries() == []


def test_the_oldest_give_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.store._MOST", 3)
    for number in range(5):
        store.keep(replace(KEY, device=str(number)), ENGINE, 1.0, {})
        time.sleep(0.02)
    assert [manifest.key.device for manifest in store.entries()] == ["2", "3", "4"]


def test_timings_are_of_a_device_and_a_runtime(store: Store) -> None:
    assert store.timings(KEY) == b""
    store.keep_timings(KEY, b"12 ms")
    store.keep_timings(KEY, b"")  # of a runtime that keeps none
    assert store.timings(replace(KEY, precision="int8", graph_sha256="2")) == b"12 ms"
    assert store.timings(replace(KEY, runtime_version="2")) == b""
    assert store.entries() == []


def _build(folder: str, log: str, hold_s: float) -> None:
    store = Store(Path(folder))
    with store.building(KEY):
        is_built = store.load(KEY) is None
        if is_built:
            time.sleep(hold_s)
            store.keep(KEY, ENGINE, hold_s, {})
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{is_built}\n")


def test_two_processes_build_once(store: Store, tmp_path: Path) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_build, args=(str(store.folder), str(log), 0.5)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sorted(log.read_text().split()) == ["False", "True"]
    assert store.load(KEY) == ENGINE


def test_a_killed_builder_leaves_nothing_that_blocks(store: Store, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_build, args=(str(store.folder), str(tmp_path / "log"), 60.0))
    process.start()
    assert store.folder is not None
    lock = store.folder / f".{KEY.digest}.lock"
    for _ in range(600):
        if lock.exists():
            break
        time.sleep(0.05)
    time.sleep(0.2)
    process.kill()
    process.join(30)
    with store.building(KEY):
        store.keep(KEY, ENGINE, 1.0, {})
    assert store.load(KEY) == ENGINE
