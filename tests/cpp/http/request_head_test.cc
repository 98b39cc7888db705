#include "http/request_head.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gevent::http {
namespace {

using State = RequestHeadReader::State;

// What a head comes to, in one line; the same for every way in which it is cut.
std::string verdict(RequestHeadReader& reader) {
  if (reader.state() == State::kReading) return "unfinished";
  if (reader.state() == State::kRefused) return std::to_string(reader.refusal().status) + " " + reader.refusal().reason;
  const RequestHead& head = reader.head();
  std::string text(head.method);
  text += " " + std::string(head.path) + "?" + std::string(head.query) + " 1." + std::to_string(head.minor_version);
  for (const Field& field : head.fields) text += "|" + std::string(field.name) + "=" + field.unfolded();
  if (head.chunked) text += " chunked";
  if (head.has_length) text += " length " + std::to_string(head.content_length);
  if (head.keep_alive) text += " kept";
  return text;
}

std::string read_in_pieces(const std::string& bytes, std::size_t piece, const HeadLimits& limits, std::size_t& taken) {
  RequestHeadReader reader;
  reader.begin(limits);
  taken = 0;
  while (taken < bytes.size() && reader.state() == State::kReading) {
    // A copy of each piece: what arrived before is gone from where it was.
    const std::string part = bytes.substr(taken, piece);
    const std::size_t count = reader.feed(part.data(), part.size());
    taken += count;
    if (reader.state() == State::kComplete) return verdict(reader);
    if (count < part.size()) break;
  }
  return verdict(reader);
}

std::string read(const std::string& bytes, const HeadLimits& limits = {}) {
  std::size_t taken_whole = 0;
  const std::string whole = read_in_pieces(bytes, bytes.size() + 1, limits, taken_whole);
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 100u}) {
    std::size_t taken = 0;
    CHECK(read_in_pieces(bytes, piece, limits, taken) == whole);
    CHECK(taken == taken_whole);
  }
  return whole;
}

bool refused(const std::string& bytes, int status = 400) {
  const std::string found = read(bytes);
  INFO(bytes, " is ", found);
  return found.starts_with(std::to_string(status));
}

}  // namespace

TEST_CASE("a head is taken apart, and what comes after it is left") {
  RequestHeadReader reader;
  reader.begin({});
  const std::string bytes = "POST /a%20b?c=d HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  CHECK(reader.feed(bytes.data(), bytes.size()) == bytes.size() - 3);
  REQUIRE(reader.state() == State::kComplete);
  CHECK(reader.head().line == "POST /a%20b?c=d HTTP/1.1");
  CHECK(verdict(reader) == "POST /a%20b?c=d 1.1|Host=h|Content-Length=3 length 3 kept");
}

TEST_CASE("what a head says does not depend on where it is cut") {
  CHECK(read("GET / HTTP/1.1\r\nHost: h\r\n\r\n") == "GET /? 1.1|Host=h kept");
  CHECK(read("\r\n\r\nGET / HTTP/1.0\r\n\r\n") == "GET /? 1.0");
  CHECK(read("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n") == "GET /? 1.0|Connection=x, Keep-Alive kept");
  CHECK(read("GET / HTTP/1.7\r\nhost:\r\n\r\n") == "GET /? 1.1|host= kept");
  CHECK(read("GET / HTTP/1.1\r\nHost: h\r\nA:\t b \t\r\nB:\r\n\r\n") == "GET /? 1.1|Host=h|A=b|B= kept");
  CHECK(read("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n").ends_with("chunked kept"));
  CHECK(read("GET http://u.v:8/w?x HTTP/1.1\r\nHost: other\r\n\r\n") == "GET /w?x 1.1|Host=other kept");
  CHECK(read("GET HTTP://u HTTP/1.1\r\nHost: other\r\n\r\n") == "GET /? 1.1|Host=other kept");
  CHECK(read("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n") == "OPTIONS *? 1.1|Host=h kept");
  CHECK(read("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n") == "CONNECT h:80? 1.1|Host=h:80");
  CHECK(read("GET / HTTP/1.1\r\nHost: h\r\n") == "unfinished");
}

TEST_CASE("a field repeats another of the same name in whatever letters") {
  RequestHeadReader reader;
  reader.begin({});
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nA-b: 1\r\nA-bc: 2\r\na-B: 3\r\nA_b: 4\r\n\r\n";
  reader.feed(head.data(), head.size());
  std::vector<bool> found;
  for (std::size_t i = 0; i < reader.head().fields.size(); ++i) found.push_back(reader.head().repeats(i));
  CHECK(found == std::vector<bool>{false, false, false, true, false});
}

TEST_CASE("100-continue counts wherever it stands in Expect, and in HTTP/1.1 only") {
  const auto expects = [](const std::string& version, const std::string& value) {
    RequestHeadReader reader;
    reader.begin({});
    const std::string head = "GET / HTTP/" + version + "\r\nHost: h\r\nExpect: " + value + "\r\n\r\n";
    reader.feed(head.data(), head.size());
    return reader.head().expects_continue;
  };
  for (const char* value :
       {"100-continue", "100-Continue", "x, 100-continue", "100-continue,", ",100-continue;, 100-continue"}) {
    CHECK(expects("1.1", value));
    CHECK_FALSE(expects("1.0", value));
  }
  for (const char* value : {"", "x", "x 100-continue", "100-continued", "\"100-continue\""})
    CHECK_FALSE(expects("1.1", value));
}

TEST_CASE("a continued line becomes a blank, and the connection is not kept") {
  CHECK(read("GET / HTTP/1.1\r\nHost: h\r\nA: b \r\n \tc\r\n\td \r\n\r\n") == "GET /? 1.1|Host=h|A=b c d");
  CHECK(read("GET / HTTP/1.1\r\nHost: h\r\nA:\r\n b\r\n\r\n") == "GET /? 1.1|Host=h|A=b");
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Upgrade"}) {
    CHECK(refused(std::string("GET / HTTP/1.1\r\n") + name + ": 1\r\n 2\r\n\r\n"));
  }
}

TEST_CASE("what could be read in two ways is refused") {
  const std::string ok = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (const char* line :
       {"GET  / HTTP/1.1",       " GET / HTTP/1.1",        "GET / HTTP/1.1 ",          "GET /",
        "GET / HTTP/2.0",        "GET / HTTP/1.10",        "GET / HTTP/01.1",          "GET / http/1.1",
        "GET / RTSP/1.0",        "G:T / HTTP/1.1",         "GET /#f HTTP/1.1",         "GET /\x7f HTTP/1.1",
        "GET /\xe4 HTTP/1.1",    "GET h HTTP/1.1",         "GET h:80 HTTP/1.1",        "GET * HTTP/1.1",
        "GET ftp://h/ HTTP/1.1", "GET http:///x HTTP/1.1", "GET http://u@h/ HTTP/1.1", "CONNECT / HTTP/1.1",
        "CONNECT h HTTP/1.1",    "CONNECT h: HTTP/1.1"}) {
    CHECK(refused(std::string(line) + "\r\nHost: h\r\n\r\n"));
  }
  for (const char* end :
       {"\n\r\n", "\r\r\n\r\n", "\r\n\n", "\r\nX: y\n\r\n", "\r\nX: y\rz\r\n\r\n", "\r\nX: y\r\r\n\r\n"}) {
    CHECK(refused("GET / HTTP/1.1\r\nHost: h" + std::string(end)));
  }
  for (const char* field : {"X : y",
                            "X",
                            ": y",
                            "X\x01: y",
                            "X: \x01",
                            "X: \x7f",
                            "\xe4: y",
                            "Host: i",
                            "Content-Length: +1",
                            "Content-Length: 1,1",
                            "Content-Length: 1 1",
                            "Content-Length:",
                            "Content-Length: 9999999999999999999",
                            "Content-Length: 0x1",
                            "Content-Length: 1\r\nContent-Length: 1",
                            "Transfer-Encoding: identity",
                            "Transfer-Encoding: gzip, chunked",
                            "Transfer-Encoding: chunked, chunked",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                            "Transfer-Encoding:",
                            "Transfer-Encoding: \x0b"
                            "chunked",
                            "Transfer-Encoding: chunked\r\nContent-Length: 1",
                            "Content-Length: 1\r\nTransfer-Encoding: chunked",
                            "Content-Type: a/b\r\nContent-Type: a/c",
                            "X: y\r\n \r\nZ: 1"}) {
    CHECK(refused(ok + field + "\r\n\r\n"));
  }
  CHECK(refused(ok + std::string("X: a\0b\r\n\r\n", 10)));
  CHECK(refused("GET / HTTP/1.1\r\n Host: h\r\n\r\n"));
  CHECK(refused("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"));
  CHECK(refused("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(refused("\rGET / HTTP/1.1\r\nHost: h\r\n\r\n"));
}

TEST_CASE("a Host is one, valid, and in HTTP/1.1 not missing") {
  CHECK(refused("GET / HTTP/1.1\r\n\r\n"));
  HeadLimits lenient;
  lenient.host_required = false;
  CHECK(read("GET / HTTP/1.1\r\n\r\n", lenient) == "GET /? 1.1 kept");
  for (const char* valid : {"h", "h:80", "h:", "[::1]:80", "[::1]", "1.2.3.4", "a_b.c-d", "%41", ""}) {
    CHECK_FALSE(refused(std::string("GET / HTTP/1.1\r\nHost: ") + valid + "\r\n\r\n"));
  }
  for (const char* invalid : {"a b", "a/b", "u@h", "a,b", "h:x", "h:70000", "[::1", "[x]", "::1", "[::1]x", "%4", "a?b",
                              "a#b", "h:80:80", "\xe4"}) {
    CHECK(refused(std::string("GET / HTTP/1.1\r\nHost: ") + invalid + "\r\n\r\n"));
  }
}

TEST_CASE("limits hold at the same byte however the head is cut") {
  HeadLimits limits;
  limits.line_max = 30;
  limits.field_line_max = 20;
  limits.fields_max = 3;
  limits.size_max = 80;
  const std::string line = "GET /" + std::string(14, 'x') + " HTTP/1.0\r\n";  // 30 bytes
  CHECK(read(line + "\r\n", limits) != "unfinished");
  CHECK(read("GET /" + std::string(15, 'x') + " HTTP/1.0\r\n\r\n", limits).starts_with("414"));
  CHECK(read(std::string(100, 'G'), limits).starts_with("414"));
  CHECK(read(line + "A: " + std::string(14, 'y') + "\r\n\r\n", limits).starts_with("GET"));
  CHECK(read(line + "A: " + std::string(16, 'y') + "\r\n\r\n", limits).starts_with("431"));
  CHECK(read(line + "A:\r\n b\r\n c\r\n\r\n", limits).starts_with("GET"));
  CHECK(read(line + "A:\r\n b\r\n c\r\n d\r\n\r\n", limits).starts_with("431"));
  limits.fields_max = 100;
  CHECK(read(line + "A:1234567890\r\nB:1234567890\r\nC:1234567890\r\nD:123456789\r\n\r\n", limits).starts_with("431"));
  CHECK(refused("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n"));
}

TEST_CASE("a reader is used for request after request") {
  RequestHeadReader reader;
  for (int i = 0; i < 3; ++i) {
    reader.begin({});
    CHECK_FALSE(reader.begun());
    const std::string first = "GET /" + std::to_string(i);
    const std::string rest = " HTTP/1.0\r\n\r\n";
    reader.feed(first.data(), first.size());
    CHECK(reader.begun());
    reader.feed(rest.data(), rest.size());
    CHECK(verdict(reader) == first + "? 1.0");
  }
}

TEST_CASE("a request is plain if nothing in it asks for special treatment") {
  const auto is_plain = [](const std::string& text) {
    RequestHeadReader reader;
    reader.begin({});
    reader.feed(text.data(), text.size());
    REQUIRE(reader.state() == RequestHeadReader::State::kComplete);
    return reader.head().is_plain();
  };
  const std::string rest = " HTTP/1.1\r\nHost: h\r\n";
  CHECK(is_plain("GET /" + rest + "\r\n"));
  CHECK(is_plain("POST /" + rest + "Content-Length: 3\r\nConnection: close\r\n\r\n"));
  CHECK_FALSE(is_plain("GET / HTTP/1.0\r\n\r\n"));
  CHECK_FALSE(is_plain("HEAD /" + rest + "\r\n"));
  CHECK_FALSE(is_plain("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"));
  for (const char* special : {"Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: x", "X: y\r\n z"}) {
    CAPTURE(special);
    CHECK_FALSE(is_plain("GET /" + rest + special + "\r\n\r\n"));
  }
}

}  // namespace gevent::http
