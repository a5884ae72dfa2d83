"""A device from its first opening to the end of the run: watched, lost, found again by its name.

A cable is pulled, a sound server dies or hangs, a camera says nothing more: the stage goes on
without, at every step it asks :meth:`DeviceLife.poll`, and one day its device is back. Another may
be put in its place by :meth:`DeviceLife.exchange`: that is opened beside it first, and where it
cannot be, the present one goes on. Nothing here waits for a device but :meth:`DeviceLife.begin`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic

from realtime.attempt import Attempt, Pending
from realtime.clock import NS_PER_S
from realtime.device_search import Device, Search, Way
from realtime.errors import DeviceError
from realtime.telling import Remark

FIRST_RETRY_S = 0.25
LAST_RETRY_S = 1.0  # the back-off doubles up to here
LONGEST_LOOK_S = 0.1  # of silence seen at one look: who was held up himself must not blame others
MEND_S = 60.0  # a device that is at work is opened anew no more often
GOOD_S = 10.0  # a device that lived for so long is looked for at once
REST_S = 1.0  # between two exchanges: whoever asks on and on must not take the sound away

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Rival(Generic[Device]):
    """What is to take the present device's place, once it is open."""

    way: Way[Device]
    name: str
    search: Search[Device]


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
        self._way = Way(connect)
        self._start = start
        self._name = ""
        self._device: Device | None = None
        self._search: Search[Device] | None = None
        self._rival: _Rival[Device] | None = None
        self._rest_until_ns: int | None = None
        self._remark = Remark()
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
        self._exchanges = 0

    def begin(self) -> Device:
        """Open it for the first time, and wait until it is.

        Raises:
            DeviceError: there is none, or it cannot be opened.
        """
        self._take(self._way.connect())
        assert self._device is not None
        return self._device

    @property
    def device(self) -> Device | None:
        """The device, as it was at the last look; None while it is gone."""
        return self._device

    @property
    def name(self) -> str:
        """What the device is called, or the one that is looked for."""
        return self._name

    @property
    def remark(self) -> Remark:
        """What came of the last exchange that was asked for."""
        return self._remark

    @property
    def exchanges(self) -> int:
        """How often another device took the place."""
        return self._exchanges

    def exchange(self, now_ns: int, name: str, way: Way[Device]) -> None:
        """Open the device ``name`` beside the present one, and take it as soon as it is open."""
        reason = ""
        if self._rival is not None:
            reason = f"'{self._rival.name}' is still being opened"
        elif self._rest_until_ns is not None and now_ns < self._rest_until_ns:
            reason = "it was exchanged just now"
        if reason:
            way.close()
            self._refuse(f"{self._kind} '{name}' was not opened: {reason}; ask again in a moment")
            return
        search = Search(way.connect, self._start, f"open {self._kind}")
        self._rival = _Rival(way, name, search)

    def _decide(self, now_ns: int) -> None:
        """See what came of the rival."""
        rival = self._rival
        if rival is None or not rival.search.is_over:
            return
        self._rival = None
        self._rest_until_ns = now_ns + round(REST_S * NS_PER_S)
        try:
            device = rival.search.outcome()
        except DeviceError as error:
            rival.way.close()
            goes_on = "goes on" if self._device is not None else "is looked for"
            self._refuse(f"{error}; '{self._name}' {goes_on}")
            return
        before, self._device = self._device, None
        if before is not None:
            before.close()
        if self._search is not None:
            self._search.drop()
            self._search = None
        self._way.close()
        self._way = rival.way
        self._take(device)
        self._retry_s, self._opened_ns, self._exchanges = FIRST_RETRY_S, None, self._exchanges + 1
        text = f"{self._kind} is '{self._name}' now"
        self._remark = self._remark.after(text, is_refusal=False)
        _log.warning("%s", text)

    def _refuse(self, text: str) -> None:
        self._remark = self._remark.after(text, is_refusal=True)
        _log.warning("%s", text)

    def poll(self, now_ns: int) -> Device | None:
        """The device, if all is well with it; None while it is gone and looked for."""
        self._decide(now_ns)
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
        if self._search is None:
            if now_ns >= self._retry_ns:
                self._search = Search(self._way.connect, self._start, f"find {self._kind}")
            return
        if not self._search.is_over:
            return
        search, self._search = self._search, None
        try:
            self._take(search.outcome())
        except DeviceError as error:
            self._retry_ns = self._later(now_ns)
            self._tell_refusal(str(error))
            return
        self._opened_ns = now_ns
        self._returns += 1
        away_s = (now_ns - self._lost_ns) / NS_PER_S
        _log.warning("%s '%s' is back after %.1f s", self._kind, self._name, away_s)

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
        if self._device is not None:
            self._device.close()
            self._device = None
        self._way.close()
        search, self._search = self._search, None
        if search is not None:
            search.drop()
        rival, self._rival = self._rival, None
        if rival is not None:
            rival.way.close()
            rival.search.drop()

    def stats(self) -> Mapping[str, float]:
        """Whether it is gone, how often it was lost, and how often it came back."""
        return {
            "device_lost": float(self._device is None),
            "device_losses": self._losses,
            "device_reopened": self._returns,
            "device_exchanges": self._exchanges,
        }
