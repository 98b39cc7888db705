"""What does a semaphore cost when nobody else wants it? Everybody pays this price."""

import pyperf

from gevent.lock import Semaphore


def main():
    semaphore = Semaphore()

    def acquire_release():
        semaphore.acquire()
        semaphore.release()

    pyperf.Runner().bench_func("semaphore: uncontended", acquire_release)


if __name__ == "__main__":
    main()
