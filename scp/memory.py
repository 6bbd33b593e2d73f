"""A limit on the memory of a process, so that no image takes that of the node and the machine."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from config.settings import MIB


@contextmanager
def limited_memory(memory_mb: int | None) -> Iterator[None]:
    """Let this process allocate at most so many MiB in the block; more raises MemoryError (setrlimit(2), RLIMIT_DATA).

    Private writable memory counts, touched or not; code and shared memory do not. None sets no limit, and a lower one
    that the process was started with stays.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [limit for limit in before if limit != resource.RLIM_INFINITY]
    if memory_mb is not None:
        limits.append(memory_mb * MIB)
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits, default=resource.RLIM_INFINITY), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
