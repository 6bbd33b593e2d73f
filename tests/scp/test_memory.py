"""The limit holds in the block and only there, and never exceeds one that the process has."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from scp.memory import limited_memory

ROOT = Path(__file__).parents[3]

TRY = """
import resource
from scp.memory import limited_memory
resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**31))
for limit in (512, 4096, None):
    with limited_memory(limit):
        try:
            print(limit, len(bytearray(800 << 20)))
        except MemoryError:
            print(limit, "refused")
print(resource.getrlimit(resource.RLIMIT_DATA))
"""


def test_the_limit_ends_with_the_block():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limited_memory(8192):
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 8192 << 20
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_allocations_are_refused_beyond_the_lower_limit():
    ended = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout.splitlines() == ["512 refused", "4096 838860800", "None 838860800", "(1073741824, 2147483648)"]
