"""Every claim, reprinted; see ``benchmarks.report`` for what they have in common."""

import os

# As ``run_live.py`` does before numpy is loaded: its threads would be counted as the player's work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
