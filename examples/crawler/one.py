"""Fetch all pages that are named on the command line, at once."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from urllib.request import urlopen  # noqa: E402

import gevent  # noqa: E402


def fetch(url):
    try:
        with urlopen(url, timeout=10) as answer:
            print(url, len(answer.read()))
    except OSError as error:
        print(url, error)


gevent.joinall([gevent.spawn(fetch, url) for url in sys.argv[1:]])
