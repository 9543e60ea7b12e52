"""The long run of ``tests/feeds/differential.py``, with the bounds checks of the kernels on.

    python -m tests.feeds.fuzz_stream --seconds 600 --seed 1

Stops at the first difference and names the seed of its stream.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from tempfile import TemporaryDirectory


def main() -> int:
    """Compare streams for as long as is asked."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0, help="of the first stream")
    asked = options.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["NUMBA_BOUNDSCHECK"] = "1"
        os.environ["NUMBA_CACHE_DIR"] = folder
        from tests.feeds.differential import one_of

        until = time.monotonic() + asked.seconds
        seed, messages = asked.seed, 0
        while time.monotonic() < until:
            try:
                messages += one_of(seed)
            except BaseException:
                print(f"seed {seed}:", file=sys.stderr)
                raise
            seed += 1
    print(f"{seed - asked.seed} streams, {messages} messages, no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
