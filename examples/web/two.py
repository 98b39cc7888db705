"""The same with a pool of processes: who asks for little does not wait for who asks for much."""

from one import primes_below

from gevent.processpool import ProcessPool, TaskTimeout, WorkerLost
from gevent.pywsgi import WSGIServer

LIMIT_MAX = 100_000_000
SECONDS_MAX = 5


class Application:
    def __init__(self, pool):
        self.count = pool.with_options(timeout=SECONDS_MAX).apply

    def __call__(self, environ, start_response):
        status, text = self.answer(environ["PATH_INFO"].strip("/"))
        start_response(status, [("Content-Type", "text/plain")])
        return [text.encode()]

    def answer(self, path):
        if not path.isdecimal() or int(path) > LIMIT_MAX:
            return "404 Not Found", f"ask for a number up to {LIMIT_MAX}\n"
        try:
            return "200 OK", f"{self.count(primes_below, (int(path),))}\n"
        except TaskTimeout:
            return "503 Service Unavailable", f"that takes more than {SECONDS_MAX} s\n"
        except WorkerLost:
            return "500 Internal Server Error", "the process that worked at it has died\n"


if __name__ == "__main__":
    with ProcessPool() as pool:
        WSGIServer(("127.0.0.1", 8000), Application(pool)).serve_forever()
