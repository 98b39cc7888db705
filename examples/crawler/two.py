"""Follow the links of a site: so many requests at a time, each page once, nobody waits for ever."""

from gevent import monkey

monkey.patch_all()

import re  # noqa: E402
import sys  # noqa: E402
from urllib.parse import urldefrag, urljoin, urlsplit  # noqa: E402
from urllib.request import urlopen  # noqa: E402

import gevent  # noqa: E402
from gevent.queue import JoinableQueue  # noqa: E402

LINK = re.compile(rb'href="([^"]+)"')


class Crawler:
    def __init__(self, start, at_a_time=20, pages_max=1000):
        self.site = urlsplit(start).netloc
        self.pages_max = pages_max
        self.seen = set()
        self.pages = {}
        self.failures = {}
        self.to_do = JoinableQueue()
        self.at_a_time = at_a_time
        self.visit(start)

    def visit(self, url):
        url = urldefrag(url).url
        if url not in self.seen and urlsplit(url).netloc == self.site and len(self.seen) < self.pages_max:
            self.seen.add(url)
            self.to_do.put(url)

    def work(self):
        for url in self.to_do:
            try:
                with urlopen(url, timeout=10) as answer:
                    self.keep(url, answer.read())
            except OSError as error:
                self.failures[url] = error
            finally:
                self.to_do.task_done()

    def keep(self, url, page):
        self.pages[url] = page
        for link in LINK.findall(page):
            self.visit(urljoin(url, link.decode()))

    def run(self):
        workers = [gevent.spawn(self.work) for _ in range(self.at_a_time)]
        self.to_do.join()
        gevent.killall(workers)
        return self.pages


if __name__ == "__main__":
    crawler = Crawler(sys.argv[1])
    pages = crawler.run()
    print(len(pages), "pages,", sum(map(len, pages.values())), "bytes,", len(crawler.failures), "failures")
