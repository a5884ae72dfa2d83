"""Options of the page for a browser: where it is served, to whom, and with which certificate."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from realtime.errors import UsageError
from realtime.option_row import Row
from realtime.small_file import read_small

BROWSER = "browser"  # what --source takes for a browser's camera and microphone
TOKEN_VARIABLE = "PIXELPLAYER_WEB_TOKEN"
LEAST_TOKEN, MOST_TOKEN = 16, 200  # characters
_LOWEST_PORT, _HIGHEST_PORT = 1024, 65_535
_MADE_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """``address`` None: on this machine alone, at the first free port from 8765 on.

    ``token`` is a file; :func:`with_token` has put what is in it in its place.
    """

    address: str | None = None
    token: str | None = None
    certificate: str | None = None
    key: str | None = None

    @property
    def is_asked_for(self) -> bool:
        """Whether anything is given that a page alone has."""
        return self != PageOptions()


def read_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; an IPv6 address stands in brackets.

    Raises:
        ValueError: it is something else.
    """
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"\d{1,5}", port) or not _LOWEST_PORT <= int(port) <= _HIGHEST_PORT:
        raise ValueError(text)
    if bare != host:
        ipaddress.IPv6Address(bare)
    elif not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", host):
        raise ValueError(text)
    return bare.lower(), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check(given: PageOptions) -> None:
    """Raise UsageError for what contradicts itself."""
    if given.key is not None and given.certificate is None:
        raise UsageError("--web-key belongs to a certificate; add --web-certificate FILE")


def with_token(given: PageOptions, environment: Mapping[str, str]) -> str | None:
    """The token that opens the page: from the file, the environment, or made; None: none is needed.

    Raises:
        UsageError: what is given cannot be one.
    """
    if given.token is not None:
        text = read_small(Path(given.token), MOST_TOKEN + 2, "--web-token")
        return _token(text, f"--web-token {given.token}")
    if TOKEN_VARIABLE in environment:
        return _token(environment[TOKEN_VARIABLE], TOKEN_VARIABLE)
    if given.address is None or is_loopback(read_address(given.address)[0]):
        return None
    return secrets.token_urlsafe(_MADE_BYTES)


def _token(text: str, name: str) -> str:
    token = text.strip()
    if not re.fullmatch(rf"[A-Za-z0-9._~-]{{{LEAST_TOKEN},{MOST_TOKEN}}}", token):
        raise UsageError(
            f"{name}: wanted {LEAST_TOKEN} to {MOST_TOKEN} letters, digits, or any of - . _ ~; "
            'make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return token


def _address(text: str) -> str:
    read_address(text)
    return text


ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "web-address": Row(
            place="page.address",
            metavar="HOST:PORT",
            wanted=f"HOST:PORT, PORT {_LOWEST_PORT} to {_HIGHEST_PORT}",
            parse=_address,
            help="where the page is served (default: this machine alone); elsewhere it opens with "
            "a token only: 0.0.0.0:8765 (docs/browser.md)",
        ),
        "web-token": Row(
            place="page.token",
            metavar="FILE",
            help=f"the token in it opens the page (or in ${TOKEN_VARIABLE}; default: one is made "
            "where others can reach the page)",
        ),
        "web-certificate": Row(
            place="page.certificate",
            metavar="FILE",
            help="PEM: the page is served as https, which browsers want for sound and camera "
            "from another machine",
        ),
        "web-key": Row(
            place="page.key", metavar="FILE", help="its key, where that is a file of its own"
        ),
    }
)
