"""What the user is told in one line. Each message names the thing and the next command to type."""

from __future__ import annotations


class UsageError(ValueError):
    """An option, a file or a model is wrong; the command ends with exit code 2."""


class DeviceError(RuntimeError):
    """A device or a library is missing; the command ends with exit code 3."""
