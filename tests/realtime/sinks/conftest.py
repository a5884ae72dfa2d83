import pytest

from realtime.sinks.mixer import centred
from realtime.sinks.recorder import Recorder
from realtime.sinks.speaker import Speaker
from tests.realtime.sinks.sent import INFO
from tests.realtime.sinks.speakers import FakeDevice, life


@pytest.fixture
def device():
    return FakeDevice()


@pytest.fixture
def speaker(device):
    speaker = Speaker(device, centred, live=life)
    speaker.open()
    yield speaker
    speaker.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "take" / "one"


@pytest.fixture
def recorder(folder):
    recorder = Recorder(folder, INFO)
    recorder.open()
    yield recorder
    recorder.close()
