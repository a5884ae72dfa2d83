"""A microphone and a speaker that can be pulled out, each with a sound server of its own."""

from __future__ import annotations

from tests.live.pulse import PulseServer

MICROPHONE, SPEAKER = "usb_microphone", "usb_speaker"
OTHER_SPEAKER, OTHER_MICROPHONE = "other_speaker", "other_microphone"


class SoundDevices:
    """Two servers with one null sink each; ALSA, and so PortAudio, lists both by name.

    A server with another sink left would move a stream there when its own goes.
    """

    def __init__(self) -> None:
        self.microphone = PulseServer(("mic",))
        try:
            self.speaker = PulseServer(("spk",))
        except BaseException:
            self.microphone.close()
            raise
        self.list_devices()

    @property
    def environment(self) -> dict[str, str]:
        """For a program that is to use both."""
        return self.speaker.environment

    def list_devices(self, *others: str) -> None:
        """What programs that look find: ``others``, which are further speakers, come first."""
        found = [(name, self.speaker, "spk") for name in (*others, SPEAKER)]
        found.append((MICROPHONE, self.microphone, "mic.monitor"))
        text = "".join(_entry(name, server.address, device) for name, server, device in found)
        (self.speaker.home / ".asoundrc").write_text(text)

    def close(self) -> None:
        """End both."""
        self.microphone.close()
        self.speaker.close()


class TwoOfEach(SoundDevices):
    """Each server with another sink, which is another device for programs that look."""

    def __init__(self) -> None:
        super().__init__()
        self.speaker.load("spk2")
        self.microphone.load("mic2")

    def list_devices(self, *others: str) -> None:
        super().list_devices(*others)
        lines = [
            (OTHER_SPEAKER, self.speaker, "spk2"),
            (OTHER_MICROPHONE, self.microphone, "mic2.monitor"),
        ]
        with (self.speaker.home / ".asoundrc").open("a") as file:
            for name, server, device in lines:
                file.write(f'pcm.{name} {{ type pulse server "{server.address}" ')
                file.write(f'device "{device}" }}\n')


def _entry(name: str, address: str, device: str) -> str:
    return f'pcm.{name} {{ type pulse server "{address}" device "{device}" }}\n'
