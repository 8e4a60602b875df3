"""Work ahead in threads gives the results in order, takes no more than it needs, and raises errors
in their turn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from poregui.store.pixels import ahead


def test_results_come_in_the_order_of_the_items_whichever_is_done_first() -> None:
    def work(item: int) -> int:
        time.sleep(0.003 * (item % 3))
        return item * item

    assert list(ahead(work, range(60), 3)) == [item * item for item in range(60)]
    assert list(ahead(work, [], 3)) == []


def test_items_are_taken_a_little_ahead_and_no_further() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = ahead(lambda item: item, items(), 2)
    assert next(results) == 0
    assert len(taken) < 20
    results.close()
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")
    ]


def test_an_error_comes_after_the_results_before_it() -> None:
    def work(item: int) -> int:
        return 10 // (3 - item)

    results = ahead(work, range(9), 4)
    assert [next(results) for _ in range(3)] == [3, 5, 10]
    with pytest.raises(ZeroDivisionError):
        next(results)
