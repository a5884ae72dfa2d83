"""Who may come in: the page's own address, its own origin, and its token. No socket is in here.

Whatever opens a page asks for it by a name. A page of another site may give its own name this
machine's address ("rebinding"); so names must be known, while a plain IP address is nobody's name.
A WebSocket may be opened from anywhere; so its origin must be the page.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import Literal, TypeAlias

from realtime.clock import NS_PER_S
from realtime.page_options import MOST_TOKEN

ENTER_S = 5.0  # within which the token must be said
WRONG_TOKENS = 10  # of one address in a minute; then it is not asked any more
FORGOTTEN_S = 60.0
MOST_ADDRESSES = 256  # that are remembered
_MOST_ENTRY = MOST_TOKEN + 64

Refusal: TypeAlias = tuple[HTTPStatus, str]
Counted: TypeAlias = Literal["hosts", "origins", "tokens", "floods"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """``names`` may stand in a request's ``Host``, before ``:port``.

    ``takes_addresses``: so may any IP address. ``token`` None: nobody is asked for one.
    """

    names: tuple[str, ...]
    port: int
    scheme: Literal["http", "https"] = "http"
    takes_addresses: bool = False
    token: str | None = None


class Door:
    """Asked from any thread."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._lock = Lock()
        self._refused: dict[Counted, int] = {"hosts": 0, "origins": 0, "tokens": 0, "floods": 0}
        self._wrong: OrderedDict[str, deque[int]] = OrderedDict()  # when, ns, by address

    def refusal_of_page(self, hosts: Sequence[str]) -> Refusal | None:
        """Why a request with these ``Host`` headers gets nothing; None: it gets what it wants."""
        if len(hosts) == 1 and self._is_ours(hosts[0]):
            return None
        self._count("hosts")
        return HTTPStatus.MISDIRECTED_REQUEST, "unknown host"

    def refusal_of_socket(
        self, host: str, origins: Sequence[str], address: str, now_ns: int
    ) -> Refusal | None:
        """Why a WebSocket is not opened; ``host`` is known already."""
        if list(origins) != [f"{self.rules.scheme}://{host}"]:
            self._count("origins")
            return HTTPStatus.FORBIDDEN, "foreign page"
        if self._is_barred(address, now_ns):
            self._count("floods")
            return HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens; wait a minute"
        return None

    @property
    def wants_token(self) -> bool:
        """Whether the first message must be the token."""
        return self.rules.token is not None

    def opens(self, message: str | bytes | None, address: str, now_ns: int) -> bool:
        """Whether this first message is the token; None: nothing came."""
        said = entry(message)
        token = self.rules.token or ""
        is_right = said is not None and hmac.compare_digest(said.encode(), token.encode())
        if token and is_right:
            return True
        self._count("tokens")
        if said:  # a page without a token has guessed nothing
            self._remember(address, now_ns)
        return False

    def stats(self) -> Mapping[str, float]:
        """How many were refused, by reason."""
        with self._lock:
            return {f"refused_{name}": count for name, count in self._refused.items()}

    def _is_ours(self, host: str) -> bool:
        suffix = f":{self.rules.port}"
        if not host.endswith(suffix):
            return False
        name = host.removesuffix(suffix).lower()
        if name in self.rules.names:
            return True
        return self.rules.takes_addresses and _is_address(name)

    def _count(self, what: Counted) -> None:
        with self._lock:
            self._refused[what] += 1

    def _remember(self, address: str, now_ns: int) -> None:
        with self._lock:
            times = self._wrong.setdefault(address, deque(maxlen=WRONG_TOKENS))
            times.append(now_ns)
            self._wrong.move_to_end(address)
            while len(self._wrong) > MOST_ADDRESSES:
                self._wrong.popitem(last=False)

    def _is_barred(self, address: str, now_ns: int) -> bool:
        with self._lock:
            times = self._wrong.get(address)
            if times is None or len(times) < WRONG_TOKENS:
                return False
            return now_ns - times[0] < FORGOTTEN_S * NS_PER_S


def entry(message: str | bytes | None) -> str | None:
    """The token that ``{"kind": "enter", "token": ...}`` says, at most so long; else None."""
    if not isinstance(message, str) or len(message) > _MOST_ENTRY:
        return None
    try:
        asked = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or asked.keys() != {"kind", "token"} or asked["kind"] != "enter":
        return None
    token = asked["token"]
    return token if isinstance(token, str) and token.isascii() else None


def _is_address(name: str) -> bool:
    bare = name.removeprefix("[").removesuffix("]")
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return False
    return (found.version == 6) == (bare != name)
