"""Command lines that say what is wrong in one line."""

from __future__ import annotations

import argparse
from typing import NoReturn


class OneLineParser(argparse.ArgumentParser):
    """Its subcommands' parsers are of this kind as well."""

    def error(self, message: str) -> NoReturn:
        """Leave with 2, after the line."""
        self.exit(2, f"error: {' '.join(message.split())}; run with --help\n")
