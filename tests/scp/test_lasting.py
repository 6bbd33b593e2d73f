"""What a process has loaded is left out of further collections; what it makes later is not."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, weakref
from scp import lasting

class Thing: pass

def lost():
    thing = Thing()
    thing.itself = thing
    return weakref.ref(thing)

loaded = [Thing() for _ in range(1000)]
lasting.freeze()
frozen = gc.get_freeze_count()
seen = sum(isinstance(each, Thing) for each in gc.get_objects())
later = lost()
gc.collect()
print(frozen > 1000, seen, later() is None, gc.isenabled())
"""


def test_only_what_exists_is_left_out():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0", "True", "True"]
