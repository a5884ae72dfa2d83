"""A device from its first opening to the end of the run: watched, lost, found again by its name.

A cable is pulled, a sound server dies or hangs, a camera says nothing more: the stage goes on
without, at every step it asks :meth:`DeviceLife.poll`, and one day its device is back. Nothing here
waits for a device but :meth:`DeviceLife.begin`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from realtime.attempt import Attempt, Pending
from realtime.clock import NS_PER_S
from realtime.errors import DeviceError

FIRST_RETRY_S = 0.25
LAST_RETRY_S = 1.0  # the back-off doubles up to here
LONGEST_LOOK_S = 0.1  # of silence seen at one look: who was held up himself must not blame others
MEND_S = 60.0  # a device that is at work is opened anew no more often
GOOD_S = 10.0  # a device that lived for so long is looked for at once

_log = logging.getLogger(__name__)


class Living(Protocol):
    """An open device that can be watched."""

    @property
    def name(self) -> str:
        """What it is called in the list of devices."""

    @property
    def active(self) -> bool:
        """False once it has gone and says so."""

    @property
    def beats(self) -> int:
        """Grows for as long as it is at work."""

    @property
    def patience_s(self) -> float:
        """Without a beat for so long it is taken for gone."""

    def trouble(self) -> str | None:
        """What a new stream would mend, in words that follow its name; None while all is well."""

    def close(self) -> object:
        """Give it back; at once, even where the device answers to nothing."""


Device = TypeVar("Device", bound=Living)


class DeviceLife(Generic[Device]):
    """Opens a device and opens it again, by whatever means ``connect`` finds it again.

    Args:
        kind: "camera", "microphone" or "speaker".
        connect: opens it, however long that takes; raises DeviceError, saying what was found.
        start: runs ``connect`` elsewhere.
    """

    def __init__(
        self,
        kind: str,
        connect: Callable[[], Device],
        start: Callable[[Callable[[], Device], str], Pending[Device]] = Attempt,
    ) -> None:
        self._kind = kind
        self._connect = connect
        self._start = start
        self._name = ""
        self._device: Device | None = None
        self._attempt: Pending[Device] | None = None
        self._polled_ns: int | None = None
        self._beats = 0
        self._silent_s = 0.0
        self._opened_ns: int | None = None  # again
        self._lost_ns = 0
        self._retry_ns = 0
        self._mend_ns = 0
        self._retry_s = FIRST_RETRY_S
        self._refusal = ""
        self._losses = 0
        self._returns = 0
        self._is_closed = False

    def begin(self) -> Device:
        """Open it for the first time, and wait until it is.

        Raises:
            DeviceError: there is none, or it cannot be opened.
        """
        self._take(self._connect())
        assert self._device is not None
        return self._device

    @property
    def device(self) -> Device | None:
        """The device, as it was at the last look; None while it is gone."""
        return self._device

    def poll(self, now_ns: int) -> Device | None:
        """The device, if all is well with it; None while it is gone and looked for."""
        before_ns = now_ns if self._polled_ns is None else self._polled_ns
        self._polled_ns = now_ns
        if self._device is not None:
            reason = self._reason(self._device, (now_ns - before_ns) / NS_PER_S)
            if reason is not None:
                self._lose(self._device, now_ns, reason)
        if self._device is None:
            self._seek(now_ns)
        return self._device

    def _reason(self, device: Device, elapsed_s: float) -> str | None:
        """Why it must be opened again; None when it need not."""
        if not device.active:
            return "has gone"
        if device.beats != self._beats:
            self._beats, self._silent_s = device.beats, 0.0
            return self._trouble(device)
        self._silent_s += min(elapsed_s, LONGEST_LOOK_S)
        if self._silent_s > device.patience_s:
            return f"has been silent for {self._silent_s:.1f} s"
        return None

    def _trouble(self, device: Device) -> str | None:
        assert self._polled_ns is not None
        reason = device.trouble()
        if reason is None or self._polled_ns < self._mend_ns:
            return None
        self._mend_ns = self._polled_ns + round(MEND_S * NS_PER_S)
        return reason

    def _lose(self, device: Device, now_ns: int, reason: str) -> None:
        self._device = None
        self._losses += 1
        self._lost_ns = now_ns
        self._retry_ns = self._later(now_ns)
        if self._opened_ns is None or now_ns - self._opened_ns > GOOD_S * NS_PER_S:
            # At once: much of what ends a stream does not end a device.
            self._retry_s, self._retry_ns = FIRST_RETRY_S, now_ns
        self._refusal = ""
        device.close()
        _log.warning(
            "%s '%s' %s; all else goes on, waiting for it by name", self._kind, self._name, reason
        )

    def _later(self, now_ns: int) -> int:
        wait_s, self._retry_s = self._retry_s, min(2.0 * self._retry_s, LAST_RETRY_S)
        return now_ns + round(wait_s * NS_PER_S)

    def _seek(self, now_ns: int) -> None:
        """Go on looking for it; never waits."""
        if self._attempt is None:
            if now_ns >= self._retry_ns:
                self._attempt = self._start(self._connecting, f"find {self._kind}")
            return
        if not self._attempt.is_over:
            return
        attempt, self._attempt = self._attempt, None
        try:
            self._take(attempt.outcome())
        except DeviceError as error:
            self._retry_ns = self._later(now_ns)
            self._tell_refusal(str(error))
            return
        self._opened_ns = now_ns
        self._returns += 1
        away_s = (now_ns - self._lost_ns) / NS_PER_S
        _log.warning("%s '%s' is back after %.1f s", self._kind, self._name, away_s)

    def _connecting(self) -> Device:
        device = self._connect()
        if self._is_closed:  # nobody waits for it any more
            device.close()
        return device

    def _take(self, device: Device) -> None:
        self._device, self._name = device, device.name
        self._beats, self._silent_s = device.beats, 0.0

    def _tell_refusal(self, text: str) -> None:
        """Once, and again when it is another."""
        if text != self._refusal:
            self._refusal = text
            _log.warning("still waiting for %s '%s' by name: %s", self._kind, self._name, text)

    def close(self) -> None:
        """Give it back; what is being opened meanwhile is closed as soon as it is open."""
        self._is_closed = True
        if self._device is not None:
            self._device.close()
            self._device = None
        attempt, self._attempt = self._attempt, None
        if attempt is not None and attempt.is_over:
            try:
                attempt.outcome().close()
            except DeviceError:
                return

    def stats(self) -> Mapping[str, float]:
        """Whether it is gone, how often it was lost, and how often it came back."""
        return {
            "device_lost": float(self._device is None),
            "device_losses": self._losses,
            "device_reopened": self._returns,
        }
