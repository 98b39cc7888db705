"""What does a pool add to the price of a greenlet? It is paid for each item of a map."""

import pyperf

import gevent
from gevent.pool import Group, Pool

_ITEMS = 1000


def main():
    pool, group = Pool(100), Group()

    def bare():
        gevent.joinall([gevent.spawn(abs, item) for item in range(_ITEMS)])

    def in_group():
        for item in range(_ITEMS):
            group.spawn(abs, item)
        group.join()

    def imap():
        for _ in pool.imap_unordered(abs, range(_ITEMS)):
            pass

    runner = pyperf.Runner()
    runner.bench_func("pool: no pool, joinall", bare, inner_loops=_ITEMS)
    runner.bench_func("pool: Group.spawn", in_group, inner_loops=_ITEMS)
    runner.bench_func("pool: Pool(100).map", pool.map, abs, range(_ITEMS), inner_loops=_ITEMS)
    runner.bench_func("pool: Pool(100).imap_unordered", imap, inner_loops=_ITEMS)


if __name__ == "__main__":
    main()
