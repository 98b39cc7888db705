"""Users that sign what they send. Signing computes, so it is done in other processes."""

from gevent import monkey

monkey.patch_all(multiprocessing=True)

import hashlib  # noqa: E402
from functools import cache  # noqa: E402
from multiprocessing import get_context  # noqa: E402

from locust import FastHttpUser, constant, task  # noqa: E402


def sign(document):
    """Runs in a process of the pool."""
    return hashlib.pbkdf2_hmac("sha256", document, b"key", 200_000).hex()


@cache
def signers():
    """This process's pool; made when it is first needed, after Locust has forked."""
    return get_context("fork").Pool(2)


class Signer(FastHttpUser):
    wait_time = constant(0.1)

    @task
    def send(self):
        document = b"a document"
        signature = signers().apply(sign, (document,))
        self.client.post("/", data=document, headers={"Signature": signature})
