"""Batches side by side on a CPU: each worker thread computes whole batches on its own core.

Splitting every product over all cores would make them wait for one another after each of some
hundred small operations; batches are independent, so that cores that take one each never wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from collect.models.model import Model

MAX_WORKERS = 8  # beyond it, the interpreter's lock is what they wait for

Item = TypeVar("Item")
Result = TypeVar("Result")


def worker_count(model: Model) -> int:
    """How many batches to compute at a time: one per core that torch may use, one on a GPU."""
    if model.device.type != "cpu":
        return 1
    return max(1, min(torch.get_num_threads(), MAX_WORKERS))


def ordered(
    compute: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Results in the order of the items, at most `workers` + 1 items ahead of the caller."""
    if workers == 1:
        yield from map(compute, items)
        return
    threads = torch.get_num_threads()
    each = max(1, threads // workers)
    waiting: deque[Future[Result]] = deque()
    # The number of threads belongs to the thread that sets it: the caller's own stays.
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(each,))
    try:
        for item in items:
            waiting.append(pool.submit(compute, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)
