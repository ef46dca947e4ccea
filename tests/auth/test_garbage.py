"""The garbage collector of a long-lived process."""

import subprocess
import sys

SCRIPT = """
import gc, weakref
from auth.garbage import settle
before = gc.get_threshold()
settle()
assert gc.get_freeze_count() > 1_000
assert gc.get_threshold() > before
class Ring: pass
ring = Ring()
ring.itself = ring
seen = weakref.ref(ring)
del ring
kept = [[] for _ in range(50_000)]
assert seen() is None
"""


def test_what_is_there_is_spared_and_a_cycle_that_comes_later_is_still_found() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=120)
