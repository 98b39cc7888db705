"""The same, and every page is read by another process: what computes does not hold up what waits."""

from gevent import monkey

monkey.patch_all(multiprocessing=True)

import re  # noqa: E402
import sys  # noqa: E402
from collections import Counter  # noqa: E402
from multiprocessing import Pool  # noqa: E402

from two import Crawler  # noqa: E402

WORD = re.compile(r"\w+")
TAG = re.compile(r"<[^>]*>")


def count_words(page):
    """Runs in a process of the pool."""
    return Counter(WORD.findall(TAG.sub(" ", page.decode(errors="replace")).lower()))


class Index(Crawler):
    def __init__(self, start, readers, **options):
        self.readers = readers
        self.words = Counter()
        self.under_way = []
        super().__init__(start, **options)

    def keep(self, url, page):
        super().keep(url, page)
        self.under_way.append(self.readers.apply_async(count_words, (page,)))

    def run(self):
        super().run()
        for result in self.under_way:
            self.words.update(result.get(timeout=60))  # raises here what count_words raised there
        return self.words


if __name__ == "__main__":
    with Pool() as readers:
        index = Index(sys.argv[1], readers)
        for word, count in index.run().most_common(5):
            print(count, word)
