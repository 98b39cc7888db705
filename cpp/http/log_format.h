// Lines of the access log after a template, in the manner of Apache's LogFormat.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gevent::http {

// Appends `text`, which is UTF-8, with control characters as \xNN and backslashes twice: nothing in it can end a line,
// or make a terminal or a browser do something. `quoted`: quotes are escaped as well.
void append_escaped(std::string& line, std::string_view text, bool quoted);

// What a line may say of a request that was answered. All text is UTF-8 and stays the caller's; empty: there is none.
struct LoggedRequest {
  std::string_view client;
  std::string_view request_line;
  int status = 0;                // 0: none
  std::string_view instead;      // of a status: why there is none
  std::uint64_t bytes_sent = 0;  // head included
  double seconds = -1;           // negative: it has not ended
  std::int64_t written_at = 0;   // since the epoch
};

// The line of a server without a template: who, when, what, status, bytes sent and seconds taken. Without its end.
class PlainLog {
 public:
  [[nodiscard]] std::string line(const LoggedRequest& request);

 private:
  std::int64_t second_ = -1;
  std::string time_;  // of second_
};

// A template, taken apart once.
class LogFormat {
 public:
  // What a template asks for by name.
  enum class Source : std::uint8_t { kVariable, kResponseField };
  // Puts what is called `name` into `value`; false if there is no such thing. Fields of a request are asked for as
  // variables of its environment, those of a response in small letters.
  using Find = bool (*)(void* context, Source source, std::string_view name, std::string& value);

  // `text`: a template, or "common" or "combined", which stand for one. nullopt, with the directive in `unknown`, where
  // there is one that nobody knows; it is empty where a "%" begins none.
  [[nodiscard]] static std::optional<LogFormat> parse(std::string_view text, std::string& unknown);

  // The line, without its end.
  [[nodiscard]] std::string line(const LoggedRequest& request, Find find, void* context) const;

 private:
  enum class What : std::uint8_t { kText, kFact, kNamed, kTime };
  struct Part {
    What what;
    char letter;       // of a kFact
    Source source;     // of a kNamed
    std::string text;  // or its name, or the format of a kTime
  };

  // Takes one directive off the front of `text`, which begins with "%". False: it is none that there is.
  bool take_directive(std::string_view& text, std::string& unknown);
  bool add_named(std::string_view name, char kind);
  bool add_letter(char letter);
  void add_text(std::string_view text);

  std::vector<Part> parts_;
};

}  // namespace gevent::http
