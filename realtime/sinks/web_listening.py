"""Where the page is served: the port, the names that it is called by, the certificate."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass

from realtime.errors import DeviceError, UsageError
from realtime.page_options import PageOptions, is_loopback, read_address
from realtime.sinks.web_door import Rules

ADDRESS = "127.0.0.1"
FIRST_PORT = 8765
PORTS_TRIED = 20
_BACKLOG = 32


@dataclass(frozen=True, slots=True)
class Place:
    """A socket that listens, who may ask there, and what to type into a browser."""

    socket: socket.socket
    rules: Rules
    url: str
    tls: ssl.SSLContext | None


def listen(given: PageOptions) -> Place:
    """Listen where ``given`` says.

    Raises:
        UsageError: the certificate cannot be used, or the host is none of this machine.
        DeviceError: the port is taken.
    """
    tls = None if given.certificate is None else _tls(given.certificate, given.key)
    host, sock = _bound(given)
    sock.listen(_BACKLOG)
    port: int = sock.getsockname()[1]
    is_here = is_loopback(host)
    own = () if is_here else _own_names()
    rules = Rules(
        names=(*own, _in_url(host), ADDRESS, "localhost"),
        port=port,
        scheme="http" if tls is None else "https",
        takes_addresses=not is_here,
        token=given.token,
    )
    shown = _shown(host)
    fragment = "" if given.token is None else f"#token={given.token}"
    return Place(sock, rules, f"{rules.scheme}://{shown}:{port}/{fragment}", tls)


def _bound(given: PageOptions) -> tuple[str, socket.socket]:
    if given.address is None:
        return ADDRESS, _first_free()
    host, port = read_address(given.address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return host, _opened(found[0], (str(found[4][0]), port))
    except OSError as error:
        raise _unusable(given.address, error) from None


def _unusable(address: str, error: OSError) -> UsageError | DeviceError:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return UsageError(
            f"--web-address {address}: that is no address of this machine ({error.strerror}); "
            "0.0.0.0 stands for all of them"
        )
    return DeviceError(
        f"--web-address {address}: it cannot be listened at ({error.strerror}); choose another port"
    )


def _first_free() -> socket.socket:
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        try:
            return _opened(socket.AF_INET, (ADDRESS, port))
        except OSError:
            continue
    raise DeviceError(
        f"the ports {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} of {ADDRESS} are all in use; "
        "end what uses them, or use --view none"
    )


def _opened(family: int, address: tuple[str, int]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # on Windows two programs would share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def _tls(certificate: str, key: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Tickets come while the other end says what it wants. Python before 3.13 may then read and
    # write at once, which OpenSSL does not allow: 4 of 700 connections never got an answer.
    context.num_tickets = 0
    try:
        # Nobody is asked for a password in the middle of a start.
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise UsageError(
            f"--web-certificate {certificate}: it cannot be used ({reason}); wanted a PEM file "
            "with a certificate, and its key there or in --web-key (docs/browser.md)"
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")


def _own_names() -> tuple[str, ...]:
    """What this machine is called, in small letters."""
    own = socket.gethostname().lower()
    short = own.partition(".")[0]
    return own, short, f"{short}.local"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _shown(host: str) -> str:
    """What others type: of an address that stands for all of them, this machine's name."""
    try:
        if ipaddress.ip_address(host).is_unspecified:
            return socket.gethostname().lower()
    except ValueError:
        return host
    return _in_url(host)
