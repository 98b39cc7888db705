#include "http/response_framing.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <utility>

namespace gevent::http {
namespace {

using Facts = ResponseFraming::Facts;
using Body = ResponseFraming::Body;
using Fields = std::initializer_list<std::pair<const char*, const char*>>;

ResponseFraming framing_of(const Facts& facts, Fields fields = {}) {
  ResponseFraming framing;
  for (const auto& [name, value] : fields) framing.note(name, value);
  framing.decide(facts);
  return framing;
}

// Of an old client.
Facts old(Facts facts = {}) {
  facts.of_1_0 = true;
  facts.of_1_1 = false;
  return facts;
}

TEST_CASE("a body of unknown length is sent in chunks, or until the end of the connection") {
  const ResponseFraming chunked = framing_of({});
  CHECK(chunked.body() == Body::kChunked);
  CHECK((!chunked.closes() && chunked.connection().empty() && !chunked.drops_any()));
  const ResponseFraming until_close = framing_of(old());
  CHECK(until_close.body() == Body::kUntilClose);
  CHECK((until_close.closes() && until_close.connection() == "close"));
}

TEST_CASE("a length that is known is said, and one that the application has said stays") {
  CHECK(framing_of({.length_is_known = true}).body() == Body::kMeasured);
  CHECK(framing_of({.length_is_said = true, .length_is_known = true}).body() == Body::kAsSaid);
  const ResponseFraming kept = framing_of(old({.length_is_said = true}));
  CHECK((!kept.closes() && kept.connection() == "keep-alive"));
}

TEST_CASE("an old client is told that the connection stays, unless the application says something about it") {
  CHECK(framing_of(old({.length_is_known = true})).connection() == "keep-alive");
  const ResponseFraming own = framing_of(old({.length_is_known = true}), {{"Connection", "x"}});
  CHECK((own.connection().empty() && !own.drops_any()));
}

TEST_CASE("a connection that ends is announced once") {
  const ResponseFraming announced = framing_of({.close = true}, {{"connection", "x, Close"}});
  CHECK((announced.closes() && announced.connection().empty() && !announced.drops_any()));
  const ResponseFraming replaced = framing_of({.close = true}, {{"Connection", "keep-alive"}, {"connection", "y"}});
  CHECK((replaced.connection() == "close" && replaced.drops("CONNECTION") && !replaced.drops("Content-Length")));
  CHECK(framing_of({.code = 101, .close = true}, {{"Connection", "upgrade"}}).connection().empty());
}

TEST_CASE("a coding of the application's takes the place of a length, and ends the connection") {
  const ResponseFraming coded = framing_of({.length_is_known = true}, {{"transfer-Encoding", "gzip"}});
  CHECK((coded.body() == Body::kUntilClose && coded.closes()));
  CHECK((coded.drops("content-length") && !coded.drops("transfer-encoding")));
  CHECK(framing_of({.length_is_said = true}, {{"Transfer-Encoding", "gzip"}}).body() == Body::kUntilClose);
}

TEST_CASE("where there is no body nothing says how long it is") {
  for (const int code : {101, 204}) {
    CAPTURE(code);
    const ResponseFraming none = framing_of({.code = code}, {{"Transfer-Encoding", "chunked"}});
    CHECK(none.body() == Body::kNone);
    CHECK((none.drops("Content-Length") && none.drops("Transfer-Encoding")));
  }
  const ResponseFraming not_modified = framing_of(old({.code = 304}));
  CHECK((not_modified.body() == Body::kNone && !not_modified.closes() && !not_modified.drops_any()));
}

TEST_CASE("a request of some other version gets a body up to the end of what there is") {
  const ResponseFraming other = framing_of({.of_1_1 = false});
  CHECK((other.body() == Body::kUntilClose && !other.closes()));
}

TEST_CASE("close is one option of several, in any letters") {
  for (const char* value : {"close", " Close ", "a,\tCLOSE", "close,b"}) CHECK(says_close(value));
  for (const char* value : {"", "closed", "a close", "keep-alive"}) CHECK_FALSE(says_close(value));
}

}  // namespace
}  // namespace gevent::http
