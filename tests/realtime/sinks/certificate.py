"""A certificate for the tests, signed by itself, as docs/browser.md has it made."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.live.parts import needed_program


def self_signed(folder: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> tuple[Path, Path]:
    """Certificate and key, each a PEM file."""
    certificate, key = folder / "page.pem", folder / "page.key"
    subprocess.run(
        [
            *(needed_program("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-nodes"),
            *(
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-days",
                "30",
                "-subj",
                "/CN=pixelplayer",
            ),
            *("-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return certificate, key
