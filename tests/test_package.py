"""What ``pip install`` of the built package gives: a command that works without the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent

pytestmark = pytest.mark.timeout(400)  # it is built first


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment that has the package and nothing of ours else.

    What it depends on is this environment's, by a path: downloading it again would test nothing.
    """
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # A build leaves its parts beside the sources, and would take them up again next time.
    source = folder / "source"
    skipped = shutil.ignore_patterns(".*", "build", "tests", "benchmarks", "docs", "*.egg-info")
    shutil.copytree(REPOSITORY, source, ignore=skipped)
    built = [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run(built, check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment", with_pip=False, symlinks=True)
    own = folder / "environment" / "bin" / "python"
    subprocess.run([*pip, "--python", str(own), "install", "--no-deps", str(wheel)], check=True)
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([own, "-c", asked], check=True, capture_output=True, text=True)
    (Path(site.stdout.strip()) / "needs.pth").write_text(sysconfig.get_path("purelib"))
    return own.parent


def run(installed: Path, folder: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [installed / "pixelplayer", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_separates_with_the_shipped_model(installed: Path, tmp_path: Path) -> None:
    asked = ["--demo", "--duration", "2", "--pace", "fast", "--view", "none", "--speaker", "none"]
    run(installed, tmp_path, *asked, "--record", "session")
    said = json.loads((tmp_path / "session" / "session.json").read_text())
    assert said["model"] == "live"
    assert [one["name"] for one in said["objects"]] == ["guitar", "flute"]


def test_the_page_is_in_the_package(installed: Path, tmp_path: Path) -> None:
    """All of its files, where there is no repository to take them from."""
    there = "from realtime.sinks.web_server import page_files; print(*sorted(page_files()))"
    line = [installed / "python", "-c", there]
    told = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    page = REPOSITORY / "realtime" / "sinks" / "page"
    assert told.stdout.split() == sorted(["/", *(f"/{path.name}" for path in page.iterdir())])


def test_it_is_the_package_that_runs(installed: Path, tmp_path: Path) -> None:
    where = [installed / "python", "-c", "import engines.shipped as s; print(s.SHIPPED_MODEL)"]
    told = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True)
    model = Path(told.stdout.strip())
    assert model.is_relative_to(installed.parent)
    assert (model / "README.md").is_file()  # its card
    assert "--lookahead" in run(installed, tmp_path, "--help")
