"""Behind a proxy: who is believed, and logs that say who the client was."""

import logging
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wsgi_served import HANDLERS, REFUSED, Served, hello, request  # noqa: E402


def whoami(environ, start_response):
    start_response("200 OK", [])
    words = [environ["REMOTE_ADDR"], environ["REMOTE_PORT"], environ["wsgi.url_scheme"], environ.get("HTTP_HOST", "")]
    return [" ".join(words).encode()]


@pytest.fixture(params=HANDLERS)
def served(request):
    return lambda application, **arguments: Served(application, HANDLERS[request.param], **arguments)


def told(answer):
    return answer.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize(
    "headers, found",
    [
        (["X-Forwarded-For: 9.8.7.6"], "9.8.7.6 0 http here"),
        (["X-Forwarded-For: 9.8.7.6, 127.0.0.1"], "9.8.7.6 0 http here"),
        (["X-Forwarded-For: 1.1.1.1, 9.8.7.6"], "9.8.7.6 0 http here"),
        (["X-Forwarded-For: 1.1.1.1, 9.8.7.6, 10.1.2.3"], "9.8.7.6 0 http here"),
        (["X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 9.8.7.6"], "9.8.7.6 0 http here"),
        (["X-Forwarded-For: 9.8.7.6:55"], "9.8.7.6 55 http here"),
        (["X-Forwarded-For: ::2"], "::2 0 http here"),
        (["X-Forwarded-For: x", "X-Forwarded-Proto: https", "X-Forwarded-Host: a.b"], "127.0.0.1 PORT https a.b"),
        (["X-Forwarded-Proto: gopher", "X-Forwarded-Host: a/b"], "127.0.0.1 PORT http here"),
        (["Forwarded: for=9.8.7.6;proto=https;host=a.b"], "9.8.7.6 0 https a.b"),
        (['Forwarded: for=1.1.1.1;proto=http, for="[::2]:55";proto=https'], "::2 55 https here"),
        (["Forwarded: for=9.8.7.6, for=10.1.2.3;host=x"], "9.8.7.6 0 http here"),
        (["Forwarded: for=unknown"], "127.0.0.1 PORT http here"),
        (["Forwarded: for=9.8.7.6", "X-Forwarded-For: 9.8.7.6"], "9.8.7.6 0 http here"),
    ],
)
def test_a_trusted_proxy_says_who_the_client_is(served, headers, found):
    with served(whoami, trusted_proxies=["127.0.0.1", "10.0.0.0/8"]) as it:
        answer = told(it.talk(request("/", *headers))).split()
        expected = found.split()
        assert [answer[i] for i in range(4) if expected[i] != "PORT"] == [each for each in expected if each != "PORT"]
        assert it.log[0].startswith(expected[0])


@pytest.mark.parametrize("trusted", [None, "10.0.0.0/8"])
def test_nobody_else_is_believed(served, trusted):
    with served(whoami, trusted_proxies=trusted) as it:
        answer = told(it.talk(request("/", "X-Forwarded-For: 9.8.7.6", "Forwarded: for=9.8.7.6;proto=https")))
        assert answer.startswith("127.0.0.1 ") and " http here" in answer


@pytest.mark.parametrize("headers", [["Forwarded: for=1.1.1.1", "X-Forwarded-For: 2.2.2.2"], ["Forwarded: for=("]])
def test_headers_that_contradict_each_other_are_refused(served, headers):
    with served(whoami, trusted_proxies="127.0.0.1") as it:
        assert it.talk(request("/", *headers)) == REFUSED


@pytest.mark.parametrize("trusted", [None, "127.0.0.1"])
def test_the_proxy_protocol_says_who_the_client_is_for_all_requests_of_the_connection(served, trusted):
    with served(whoami, proxy_protocol=True, trusted_proxies=trusted) as it:
        answer = it.talk(b"PROXY TCP4 9.8.7.6 127.0.0.1 55 80\r\n" + request() * 2)
        assert answer.count(b"9.8.7.6 55 http") == 2
        version_2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x09\x08\x07\x06\x01\x02\x03\x04\x00\x37\x00\x50"
        assert told(it.talk(version_2 + request())).startswith("9.8.7.6 55 http")
        assert told(it.talk(b"PROXY UNKNOWN\r\n" + request())).startswith("127.0.0.1 ")


@pytest.mark.parametrize("sent", [request(), b"PROXY TCP4 1.2.3.4\r\n" + request(), b"PRO"])
def test_a_connection_that_does_not_begin_with_the_proxy_protocol_is_closed(served, sent):
    with served(whoami, proxy_protocol=True, log=None) as it:
        try:
            assert it.talk(sent) == b""
        except ConnectionResetError:
            pass  # closed with something unread
        assert len(it.errors) == 1


def test_the_proxy_protocol_is_for_trusted_proxies_only(served):
    with served(whoami, proxy_protocol=True, trusted_proxies="10.0.0.1") as it:
        try:
            assert it.talk(b"PROXY TCP4 9.8.7.6 127.0.0.1 55 80\r\n" + request()) == b""
        except ConnectionResetError:
            pass
        assert len(it.errors) == 1


def test_the_access_log_follows_a_template_and_lets_nothing_through(served):
    with served(hello, log_format="combined") as it:
        it.talk(request("/a?b", 'User-Agent: x\\"y\xe4\x9b', "Referer: http://r/"))
        line = it.log[0]
        assert line.startswith("127.0.0.1 - - [") and line.endswith("\n")
        assert '] "GET /a?b HTTP/1.1" 200 ' in line
        assert line.endswith('"http://r/" "x\\\\\\"y\xe4\\x9b"\n')


def test_a_template_has_many_directives_and_can_go_to_logging(served):
    records = []
    logger = logging.Logger("access")
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())
    logger.addHandler(handler)
    template = "%m %U %q %H %>s %{Host}i %{Content-Type}o %{own}e %u %% %B"
    with served(hello, log=logger, log_format=template, environ={"own": 1}) as it:
        it.talk(request("/a?b"))
    assert records[0].startswith("GET /a ?b HTTP/1.1 200 here text/plain 1 - % ")


@pytest.mark.parametrize("template", ["%Z", "%{x}z", "100%"])
def test_a_template_with_what_nobody_knows_is_an_error_at_once(template):
    with pytest.raises(ValueError):
        Served(hello, log_format=template)
