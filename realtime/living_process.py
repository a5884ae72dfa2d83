"""What is alike of all running devices that have a process: whether it lives, and its end."""

from __future__ import annotations

from realtime.device_process import DeviceProcess
from realtime.heartbeat import PATIENCE_S, Health, Heartbeat


class LivingProcess:
    """The process that holds the device ``name``, and what its callback's heartbeat says."""

    patience_s = PATIENCE_S

    def __init__(self, process: DeviceProcess, name: str, heartbeat: Heartbeat) -> None:
        self.name = name
        self.process = process
        self._heartbeat = heartbeat
        self._health = Health(heartbeat)

    @property
    def active(self) -> bool:
        """False once the device or its server has gone."""
        return self.process.is_running

    @property
    def beats(self) -> int:
        """Calls of its callback."""
        return self._heartbeat.beats

    def trouble(self) -> str | None:
        """What a new stream would mend."""
        return self._health.trouble()

    def close(self) -> None:
        """Stop at once."""
        self.process.kill()
