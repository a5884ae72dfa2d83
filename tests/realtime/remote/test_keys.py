from __future__ import annotations

import stat
from pathlib import Path

import pytest

from realtime.__main__ import main
from realtime.errors import UsageError
from realtime.remote.keys import keys_folder, make_pair, read_pair, read_peer, read_peers, trust
from realtime.remote.line import public_of


def test_a_pair_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "keys"
    pair, is_new = make_pair(folder)
    assert is_new
    assert make_pair(folder) == (pair, False)
    assert len(pair.public) == len(pair.private) == 32
    assert public_of(pair.private) == pair.public
    assert pair.private.hex() not in repr(pair)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert set(modes) == {folder / "private.key", folder / "public.key", folder / "peers"}
    assert all(not mode & 0o077 for mode in modes.values())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / "public.key").read_text() == pair.public.hex() + "\n"


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    make_pair(tmp_path / "keys")
    (tmp_path / "keys" / "private.key").chmod(0o640)
    with pytest.raises(UsageError, match=r"can be read by others; run: chmod 600 .*private\.key"):
        read_pair(tmp_path / "keys")


def test_what_is_missing_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run: python -m realtime keys"):
        read_pair(tmp_path)
    with pytest.raises(UsageError, match="run `python -m realtime keys` on box"):
        read_peer(tmp_path, "box")
    assert read_peers(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "12", "g" * 64, "a" * 63, "a" * 65, "a" * 100_000])
def test_a_damaged_key_is_refused(tmp_path: Path, text: str) -> None:
    make_pair(tmp_path / "keys")
    path = tmp_path / "keys" / "private.key"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no key of 64 hexadecimal digits"):
        read_pair(tmp_path / "keys")
    with pytest.raises(UsageError, match="is no key of 64 hexadecimal digits"):
        trust(tmp_path / "keys", "box", text)


def test_peers_are_known_by_name_and_by_key(tmp_path: Path) -> None:
    keys = [make_pair(tmp_path / name)[0].public for name in ("one", "two")]
    trust(tmp_path, "one", keys[0].hex())
    trust(tmp_path, "10.0.0.7", keys[1].hex())
    trust(tmp_path, "one", keys[0].hex())  # again
    (tmp_path / "peers" / "broken.key").write_text("no key")
    assert read_peers(tmp_path) == {keys[0]: "one", keys[1]: "10.0.0.7"}
    assert read_peer(tmp_path, "10.0.0.7") == keys[1]
    with pytest.raises(UsageError, match="one has another key already; if it is new, remove"):
        trust(tmp_path, "one", keys[1].hex())


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", "a b", "x" * 101, "a\n"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no host's name"):
        trust(tmp_path, name, "a" * 64)
    with pytest.raises(UsageError, match="is no host's name"):
        read_peer(tmp_path, name)
    assert not list(tmp_path.iterdir())


def test_keys_are_among_the_users_settings() -> None:
    assert keys_folder({"HOME": "/home/x"}) == Path("/home/x/.config/live-pixel-player/keys")
    with pytest.raises(UsageError, match="give --keys DIR"):
        keys_folder({})


def test_the_command_makes_keys_and_prints_what_to_run_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    player, box = str(tmp_path / "player"), str(tmp_path / "box")
    assert main(["keys", "--keys", box]) == 0
    said = capsys.readouterr().out
    (line,) = [line for line in said.splitlines() if "--trust" in line]
    given = line.split("--trust ")[1]
    assert read_pair(Path(box)).private.hex() not in said
    assert main(["keys", "--keys", player, "--trust", given]) == 0
    assert list(read_peers(Path(player))) == [read_pair(Path(box)).public]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("serve --listen tcp://0.0.0.0:0", "run: python -m realtime keys"),
        ("serve --listen udp://0.0.0.0:1", "wanted tcp://HOST:PORT"),
        ("serve --listen tcp://0.0.0.0", "wanted tcp://HOST:PORT"),
        ("serve --stages speaker", "--stages speaker: wanted some of sight, hearing, separator"),
        ("keys --trust box=12", "is no key"),
        ("keys --trust box", "is no key"),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, text: str
) -> None:
    arguments = [*line.split(), "--keys", str(tmp_path)]
    more = ["--engine", "onnxruntime"] if line.startswith("serve") else []
    assert main([*arguments, *more]) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1


def test_nobody_listens_where_no_player_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_pair(tmp_path)
    line = ["serve", "--listen", "tcp://0.0.0.0:0", "--engine", "onnxruntime"]
    assert main([*line, "--keys", str(tmp_path)]) == 2
    assert "no player's key is known here" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="give another --keys DIR"):
        make_pair(tmp_path / "file" / "keys")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
