#include "http/log_format.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

namespace gevent::http {
namespace {

bool find(void* asked, LogFormat::Source source, std::string_view name, std::string& value) {
  auto& all = *static_cast<std::string*>(asked);
  all += source == LogFormat::Source::kVariable ? 'v' : 'o';
  all.append(":").append(name).append(" ");
  value = "of " + std::string(name);
  return name.find("NOT") == std::string_view::npos;
}

LoggedRequest some_request() {
  LoggedRequest request;
  request.client = "1.2.3.4";
  request.request_line = "GET /a?b=c HTTP/1.1";
  request.status = 200;
  request.bytes_sent = 345;
  request.seconds = 0.25;
  request.written_at = 1'000'000'000;
  return request;
}

// The line after `text`; "unknown ..." if there is none.
std::string line_after(std::string_view text, const LoggedRequest& request = some_request(),
                       std::string* asked = nullptr) {
  std::string unknown, ignored;
  const auto format = LogFormat::parse(text, unknown);
  if (!format) return "unknown " + unknown;
  return format->line(request, &find, asked == nullptr ? &ignored : asked);
}

// Makes local time that of a zone, while it lives.
class Zone {
 public:
  explicit Zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;
  ~Zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

TEST_CASE("a template's text stays, and its directives become what they stand for") {
  CHECK(line_after("") == "");
  CHECK(line_after("as it is") == "as it is");
  CHECK(line_after("%h %a|%l|%s %>s %<s %b %B") == "1.2.3.4 1.2.3.4|-|200 200 200 345 345");
  CHECK(line_after("%m %U %q %H \"%r\" %%") == "GET /a ?b=c HTTP/1.1 \"GET /a?b=c HTTP/1.1\" %");
  CHECK(line_after("%D %T") == "250000 0.250000");
}

TEST_CASE("what there is not is a dash, but for numbers that are none") {
  const LoggedRequest nothing;
  CHECK(line_after("%h %r %s %b %m %U %q %H", nothing) == "- - - - - - - -");
  CHECK(line_after("%B %D %T", nothing) == "0 0 0.000000");
  LoggedRequest odd = some_request();
  for (const char* line : {"GET", "GET /", "GET / and more HTTP/1.1", "  "}) {
    CAPTURE(line);
    odd.request_line = line;
    CHECK(line_after("%m%U%q%H", odd) == "----");
  }
}

TEST_CASE("what has a name is asked for as others have it") {
  std::string asked;
  CHECK(line_after("%{User-Agent}i %{Content-Type}i %{X-Y}o %{own}e %u %v %p %{NOT}e", some_request(), &asked) ==
        "of HTTP_USER_AGENT of CONTENT_TYPE of x-y of own of REMOTE_USER of SERVER_NAME of SERVER_PORT -");
  CHECK(asked == "v:HTTP_USER_AGENT v:CONTENT_TYPE o:x-y v:own v:REMOTE_USER v:SERVER_NAME v:SERVER_PORT v:NOT ");
}

TEST_CASE("two templates have a name") {
  const Zone zone("UTC");
  CHECK(line_after("common") ==
        "1.2.3.4 - of REMOTE_USER [09/Sep/2001:01:46:40 +0000] \"GET /a?b=c HTTP/1.1\" 200 345");
  CHECK(line_after("combined").ends_with("200 345 \"of HTTP_REFERER\" \"of HTTP_USER_AGENT\""));
}

TEST_CASE("time is local, and may have a format of its own") {
  const Zone zone("XYZ+3:30");
  CHECK(line_after("%t") == "[08/Sep/2001:22:16:40 -0330]");
  CHECK(line_after("%{%H:%M}t %{}t") == "22:16 -");
  CHECK(line_after("%{" + std::string(200, 'x') + "}t") == std::string(200, 'x'));
}

TEST_CASE("a directive that nobody knows is refused, and so is a percent sign that begins none") {
  CHECK(line_after("%h %Z") == "unknown %Z");
  CHECK(line_after("%>Z") == "unknown %>Z");
  for (const char* text : {"100%", "%>", "%{x}z", "%{x", "%{x}", "%{"}) {
    CAPTURE(text);
    CHECK(line_after(text) == "unknown ");
  }
}

TEST_CASE("nothing that comes from outside can end a line or a quotation") {
  LoggedRequest request = some_request();
  request.request_line = "a\"b\\c\r\n\x1b\x7f d";
  CHECK(line_after("%r", request) == "a\\\"b\\\\c\\x0d\\x0a\\x1b\\x7f d");
  std::string line;
  append_escaped(line, "\xc2\x85 \xc2\xa0 \xc3\xa4 \xe2\x82\xac \"", false);
  CHECK(line == "\\x85 \xc2\xa0 \xc3\xa4 \xe2\x82\xac \"");
}

TEST_CASE("without a template a line has who, when, what, status, bytes and seconds") {
  const Zone zone("UTC");
  PlainLog log;
  CHECK(log.line(some_request()) == "1.2.3.4 - - [2001-09-09 01:46:40] \"GET /a?b=c HTTP/1.1\" 200 345 0.250000");
  LoggedRequest request;
  request.written_at = 1'000'000'001;
  CHECK(log.line(request) == "- - - [2001-09-09 01:46:41] \"\" 000 - -");
  request.instead = "socket error";
  request.request_line = "\"";
  CHECK(log.line(request) == "- - - [2001-09-09 01:46:41] \"\\\"\" socket error - -");
}

}  // namespace
}  // namespace gevent::http
