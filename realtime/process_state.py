"""What the system says of a process."""

from __future__ import annotations

from pathlib import Path


def is_stopped(pid: int) -> bool:
    """Whether it was stopped, by SIGSTOP or a debugger; False where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    state = text.rpartition(")")[2].split()[:1]  # the name before may hold anything
    return state in (["T"], ["t"])
