#include "http/chunked_body.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace gevent::http {
namespace {

using State = ChunkedBody::State;

struct Outcome {
  std::string body;
  std::size_t taken = 0;
  State state = State::kFraming;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(const std::string& bytes, std::size_t piece, std::size_t room, const ChunkLimits& limits) {
  ChunkedBody chunks(limits);
  Outcome outcome;
  std::string given(room, '\0');
  while (outcome.taken < bytes.size() && (chunks.state() == State::kFraming || chunks.state() == State::kData)) {
    const std::string part = bytes.substr(outcome.taken, piece);
    const ChunkedBody::Decoded done = chunks.decode(part.data(), part.size(), given.data(), room, false);
    outcome.body += given.substr(0, done.given);
    outcome.taken += done.taken;
  }
  outcome.state = chunks.state();
  return outcome;
}

Outcome decode(const std::string& bytes, const ChunkLimits& limits = {}) {
  const Outcome whole = decode(bytes, bytes.size() + 1, 1000, limits);
  for (const std::size_t piece : {1u, 2u, 3u, 7u}) {
    for (const std::size_t room : {1u, 4u, 1000u}) CHECK(decode(bytes, piece, room, limits) == whole);
  }
  return whole;
}

}  // namespace

TEST_CASE("chunks are taken apart wherever they are cut") {
  const std::string bytes =
      "5\r\nhello\r\n3;a;b=c ; d = \"e\\\"f\"\r\n wo\r\n0003\t;x\r\nrld\r\n0\r\nA: b\r\nC:\r\n\r\n";
  const Outcome outcome = decode(bytes + "GET");
  CHECK(outcome.body == "hello world");
  CHECK(outcome.taken == bytes.size());
  CHECK(outcome.state == State::kComplete);
}

TEST_CASE("framing that is none is refused") {
  for (const char* bytes : {"\r\n",
                            "g\r\n",
                            "-1\r\n",
                            "+1\r\n",
                            "0x1\r\n",
                            " 1\r\n",
                            "1 \r\n",
                            "1_0\r\n",
                            "1\n",
                            "1\r\r\n",
                            "1;\r\n",
                            "1;\n",
                            "1;a\n",
                            "1;a\rb\r\n",
                            "1;a=\r\n",
                            "1;a=\"\n\"\r\n",
                            "1;=b\r\n",
                            "1;a=\"b\"c\x01\r\n",
                            "fffffffffffffffff\r\n",
                            "ffffffffffffffff\r\n",
                            "1\r\nab\r\n",
                            "1\r\na\n",
                            "1\r\na\r\r",
                            "0\r\nA b\r\n",
                            "0\r\n: b\r\n",
                            "0\r\nGET / HTTP/1.1\r\n",
                            "0\r\n A: b\r\n",
                            "0\r\nA: \x01\r\n",
                            "0\r\nA: b\n",
                            "0\r\n\n",
                            "0\r\n\rx"}) {
    INFO(bytes);
    CHECK(decode(bytes).state == State::kRefused);
  }
  CHECK(decode(std::string("1;a\0b\r\n", 7)).state == State::kRefused);
}

TEST_CASE("extensions and trailers are limited in sum, and so is the body") {
  ChunkLimits limits;
  limits.extensions_max = 10;
  limits.trailers_max = 10;
  limits.body_max = 6;
  CHECK(decode("1;abcd\r\na\r\n1;abcd\r\nb\r\n", limits).state == State::kFraming);
  CHECK(decode("1;abcd\r\na\r\n1;abcd\r\nb\r\n1;abcd\r\n", limits).state == State::kRefused);
  CHECK(decode("0\r\nA: b\r\n\r\n", limits).state == State::kComplete);
  CHECK(decode("0\r\nA: b\r\nC: dddd\r\n\r\n", limits).state == State::kRefused);
  CHECK(decode("3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n", limits).state == State::kComplete);
  CHECK(decode("3\r\nabc\r\n4\r\n", limits).state == State::kRefused);
}

TEST_CASE("a line of the body ends where it ends, across chunks") {
  ChunkedBody chunks;
  const std::string bytes = "2\r\nab\r\n4\r\nc\nde\r\n0\r\n\r\n";
  std::string line(100, '\0');
  const ChunkedBody::Decoded first = chunks.decode(bytes.data(), bytes.size(), line.data(), line.size(), true);
  CHECK(line.substr(0, first.given) == "abc\n");
  const ChunkedBody::Decoded second =
      chunks.decode(bytes.data() + first.taken, bytes.size() - first.taken, line.data(), line.size(), true);
  CHECK(line.substr(0, second.given) == "de");
  CHECK(first.taken + second.taken == bytes.size());
  CHECK(chunks.state() == State::kComplete);
}

}  // namespace gevent::http
