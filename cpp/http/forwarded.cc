#include "http/forwarded.h"

#include <utility>

#include "http/characters.h"

namespace gevent::http {
namespace {

// Takes the field apart from the front. The first thing that is not as it has to be ends that.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : left_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }

  void skip_blanks() noexcept {
    while (!left_.empty() && is(left_.front(), kBlank)) left_.remove_prefix(1);
  }

  bool skip(char wanted) noexcept {
    if (left_.empty() || left_.front() != wanted) return false;
    left_.remove_prefix(1);
    return true;
  }

  std::string_view name() noexcept { return take_while(""); }

  // Brackets and colons are let pass, though an address with them ought to be quoted.
  bool value(std::string& value) {
    if (skip('"')) return quoted(value);
    value = take_while("[]:");
    return true;
  }

 private:
  std::string_view take_while(std::string_view more) noexcept {
    std::size_t size = 0;
    while (size < left_.size() && (is(left_[size], kToken) || more.find(left_[size]) != std::string_view::npos)) ++size;
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  bool quoted(std::string& value) {
    while (!left_.empty()) {
      if (skip('"')) return true;
      if (skip('\\') && left_.empty()) return false;
      value += left_.front();
      left_.remove_prefix(1);
    }
    return false;
  }

  std::string_view left_;
};

std::string in_small_letters(std::string text) {
  for (char& byte : text) byte = lower(byte);
  return text;
}

// name=value, and whatever ends it.
bool read_pair(Reader& reader, ForwardedElement& element) {
  reader.skip_blanks();
  const std::string_view name = reader.name();
  std::string value;
  if (name.empty() || !reader.skip('=') || !reader.value(value)) return false;
  reader.skip_blanks();
  if (same_word(name, "for")) {
    element.client = std::move(value);
  } else if (same_word(name, "proto")) {
    element.proto = in_small_letters(std::move(value));
  } else if (same_word(name, "host")) {
    element.host = std::move(value);
  }
  return true;
}

}  // namespace

std::optional<std::vector<ForwardedElement>> forwarded_elements(std::string_view text) {
  std::vector<ForwardedElement> elements(1);
  Reader reader(text);
  while (!reader.at_end()) {
    if (!read_pair(reader, elements.back())) return std::nullopt;
    if (reader.skip(',')) {
      elements.emplace_back();
    } else if (!reader.skip(';') && !reader.at_end()) {
      return std::nullopt;
    }
  }
  return elements;
}

}  // namespace gevent::http
