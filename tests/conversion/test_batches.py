from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.conversion.batches import BUCKETS, Batcher, bucket_sizes, chunk_sizes, read_ahead


def test_order_is_kept_and_read_ahead_is_bounded() -> None:
    taken = 0
    most_ahead = 0
    lock = threading.Lock()
    started = 0

    def read(number: int) -> int:
        nonlocal started, most_ahead
        with lock:
            started += 1
            most_ahead = max(most_ahead, started - taken)
        return number * number

    with ThreadPoolExecutor(4) as pool:
        results = []
        for result in read_ahead(pool, read, range(100), depth=5):
            results.append(result)
            with lock:
                taken += 1
    assert results == [n * n for n in range(100)]
    assert most_ahead <= 6


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=60), st.integers(1, 6))
def test_every_item_is_in_one_batch_of_equal_sizes(sizes: list[tuple[int, int]], limit: int) -> None:
    items = list(enumerate(sizes))
    batcher = Batcher[tuple[int, tuple[int, int]]](lambda item: item[1], lambda _size: limit)
    batches = [batch for item in items if (batch := batcher.add(item))]
    waiting = len(items) - sum(map(len, batches))
    assert waiting <= 2 * limit
    while (batch := batcher.fullest()) is not None:
        batches.append(batch)
    assert Counter(item for batch in batches for item in batch) == Counter(items)
    assert all(len({size for _, size in batch}) == 1 and len(batch) <= limit for batch in batches)


@given(st.integers(1, 200), st.sampled_from([1, 2, 3, 4, 5, 8, 12, 16, 24]))
def test_buckets_hold_every_image_once(count: int, most: int) -> None:
    lengths = bucket_sizes(count, most)
    assert sum(lengths) == count
    assert lengths == sorted(lengths, reverse=True)
    assert set(lengths) <= {most, *(bucket for bucket in BUCKETS if bucket < most)}
    assert len(lengths) <= count // most + most.bit_length() + 1


def test_bucket_sizes() -> None:
    assert bucket_sizes(16, 16) == [16]
    assert bucket_sizes(15, 16) == [8, 4, 2, 1]
    assert bucket_sizes(37, 16) == [16, 16, 4, 1]
    assert bucket_sizes(5, 1) == [1] * 5


@given(st.integers(0, 3000), st.integers(1, 8), st.integers(1, 64))
def test_chunks_hold_every_task_once_and_do_not_grow(count: int, workers: int, largest: int) -> None:
    sizes = chunk_sizes(count, workers, largest)
    assert sum(sizes) == count
    assert max(sizes, default=1) <= largest
    assert sizes == sorted(sizes, reverse=True)


@given(st.integers(200, 3000), st.integers(1, 8))
def test_workers_finish_at_about_the_same_time(count: int, workers: int) -> None:
    ends = [0] * workers
    for size in chunk_sizes(count, workers, 64):
        ends[ends.index(min(ends))] += size
    assert max(ends) - min(ends) <= 2
