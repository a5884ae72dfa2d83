"""A recorded session without one of its objects, as an array and as a file.

    python run_live.py --demo --record session --duration 20
    python docs/examples/remix_session.py session karaoke.wav 1

``python -m realtime remix`` does this from the command line, with pictures; here the streams are
arrays, to do with them what you like.
"""

import sys
from pathlib import Path

import numpy as np

from realtime.errors import UsageError
from realtime.remix.recorded import open_recorded
from realtime.sinks.wav import WavWriter


def main() -> None:
    """Write the sum of all tracks but those that are named by number (0: the residual)."""
    if len(sys.argv) < 3:
        sys.exit("error: wanted SESSION OUT.wav [NUMBER ...], the numbers of what is left out")
    folder, out, *left_out = sys.argv[1:]
    try:
        recorded = open_recorded(Path(folder))
    except UsageError as error:
        sys.exit(f"error: {error}")
    kept = np.zeros(recorded.samples, np.float32)
    for track in recorded.tracks:
        is_left_out = str(track.number) in left_out
        print(f"{track.number} {track.name}: {'left out' if is_left_out else 'kept'}")
        if not is_left_out:
            kept += track.samples
    with WavWriter(Path(out), recorded.rate_hz) as wav:
        wav.write(kept)
    print(f"{out}: {recorded.samples / recorded.rate_hz:.1f} s")


if __name__ == "__main__":
    main()
