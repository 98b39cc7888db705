#include "http/request_head.h"

#include <algorithm>

#include "http/characters.h"
#include "http/request_rules.h"

namespace gevent::http {
namespace {

constexpr std::size_t kEmptyLinesMax = 8;
constexpr std::string_view kProtocol = "HTTP/1.";

// The first byte from `begin` on that is not of `kind`.
std::size_t skip(const char* text, std::size_t begin, std::size_t end, std::uint8_t kind) noexcept {
  while (begin < end && is(text[begin], kind)) ++begin;
  return begin;
}

}  // namespace

std::string Field::unfolded() const {
  std::string result;
  std::string_view left = value;
  while (true) {
    const std::size_t line_end = left.find('\r');
    const std::string_view line = without_blanks_around(left.substr(0, line_end));
    if (!line.empty()) {
      if (!result.empty()) result += ' ';
      result += line;
    }
    if (line_end == std::string_view::npos) return result;
    left.remove_prefix(line_end + 2);
  }
}

bool RequestHead::repeats(std::size_t index) const noexcept {
  const std::string_view name = fields[index].name;
  return std::any_of(fields.begin(), fields.begin() + static_cast<std::ptrdiff_t>(index), [name](const Field& one) {
    return one.name.size() == name.size() &&
           std::equal(name.begin(), name.end(), one.name.begin(), [](char a, char b) { return lower(a) == lower(b); });
  });
}

bool RequestHead::is_plain() const noexcept {
  if (minor_version == 0 || chunked || expects_continue || has_upgrade || folded) return false;
  return method != "HEAD" && method != "CONNECT";
}

void RequestHeadReader::begin(const HeadLimits& limits) noexcept {
  limits_ = limits;
  state_ = State::kReading;
  at_ = Place::kBefore;
  refusal_ = {};
  kept_.clear();
  position_ = line_begin_ = empty_lines_ = lines_ = 0;
  method_ = method_end_ = target_ = target_end_ = line_end_ = 0;
  fields_only_ = false;
  offsets_.clear();
}

void RequestHeadReader::begin_fields(const HeadLimits& limits) noexcept {
  begin(limits);
  fields_only_ = true;
  at_ = Place::kFieldStart;
}

std::size_t RequestHeadReader::feed(const char* data, std::size_t size) {
  const std::size_t before = position_;
  if (before > 0) {
    kept_.append(data, size);
    data = kept_.data();
  }
  scan(data, before > 0 ? kept_.size() : size);
  if (state_ == State::kComplete) complete(data);
  if (state_ == State::kReading && before == 0) {
    kept_.assign(data, size);
  } else if (state_ == State::kRefused) {
    keep_line(data);
  }
  return position_ - before;
}

// From here on, kept_ is what refused_line() shows.
void RequestHeadReader::keep_line(const char* text) {
  const std::size_t end = line_end_ != 0 ? line_end_ : position_;
  const std::string line =
      at_ > Place::kBeforeLf && !fields_only_ ? std::string(text + method_, end - method_) : std::string();
  kept_ = line;
}

// Goes on at position_ until the text or the head ends.
void RequestHeadReader::scan(const char* text, std::size_t size) {
  while (position_ < size && state_ == State::kReading) {
    if (!step(text, size) || !within_limits()) break;
  }
}

// What runs of equal bytes allow, a run at a time; everything else byte by byte. position_ is then behind what was
// looked at. False: refused.
bool RequestHeadReader::step(const char* text, std::size_t size) {
  // No run crosses a limit, so that a limit is met at the same byte however the text was cut.
  const std::size_t line_max = at_ < Place::kFieldStart ? limits_.line_max : limits_.field_line_max;
  const std::size_t end = std::min({size, line_begin_ + line_max, limits_.size_max});
  const char byte = text[position_];
  switch (at_) {
    case Place::kBefore:
    case Place::kBeforeLf:
      return before(byte);
    case Place::kMethod:
      return run(text, end, kToken) || method_ends(byte);
    case Place::kTarget:
      return run(text, end, kTarget) || target_ends(byte);
    case Place::kVersion:
      return whole_version(text, end) || version(byte);
    case Place::kLineLf:
    case Place::kFieldLf:
      return line_ends(byte);
    case Place::kFieldStart:
      return field_start(byte);
    case Place::kName:
      return run(text, end, kToken) || name_ends(byte);
    case Place::kValueStart:
      return run(text, end, kBlank) || value_begins();
    case Place::kFoldStart:
      return run(text, end, kBlank) || folded_value_begins(byte);
    case Place::kValue:
      return value(text, end);
    case Place::kEndLf:
      return head_ends(byte);
  }
  return false;
}

// Passes over bytes of one kind; whether there were any.
bool RequestHeadReader::run(const char* text, std::size_t end, std::uint8_t kind) noexcept {
  const std::size_t begin = position_;
  position_ = skip(text, begin, end, kind);
  return position_ > begin;
}

bool RequestHeadReader::method_ends(char byte) noexcept {
  if (byte != ' ') return bad("the method is no token");
  method_end_ = position_++;
  target_ = position_;
  at_ = Place::kTarget;
  return true;
}

bool RequestHeadReader::target_ends(char byte) noexcept {
  if (byte != ' ' || position_ == target_) return bad("the target is none");
  target_end_ = position_++;
  version_at_ = position_;
  at_ = Place::kVersion;
  return true;
}

bool RequestHeadReader::line_ends(char byte) noexcept {
  if (byte != '\n') return bad("a carriage return that ends no line");
  line_begin_ = ++position_;
  at_ = Place::kFieldStart;
  return true;
}

bool RequestHeadReader::name_ends(char byte) noexcept {
  if (byte != ':') return bad("the name of a field is no token");
  offsets_.back().name_end = position_++;
  at_ = Place::kValueStart;
  return true;
}

bool RequestHeadReader::value_begins() noexcept {
  offsets_.back().value = offsets_.back().value_end = position_;
  at_ = Place::kValue;
  return true;
}

bool RequestHeadReader::folded_value_begins(char byte) noexcept {
  if (byte == '\r') return bad("a continued line with nothing on it");
  if (offsets_.back().value == offsets_.back().value_end) offsets_.back().value = position_;
  at_ = Place::kValue;
  return true;
}

bool RequestHeadReader::head_ends(char byte) noexcept {
  if (byte != '\n') return bad("a carriage return that ends no line");
  ++position_;
  state_ = State::kComplete;
  return true;
}

bool RequestHeadReader::before(char byte) {
  if (at_ == Place::kBeforeLf) {
    if (byte != '\n') return bad("a carriage return that ends no line");
    if (++empty_lines_ > kEmptyLinesMax) return bad("empty lines without end");
    line_begin_ = ++position_;
    at_ = Place::kBefore;
  } else if (byte == '\r') {
    ++position_;
    at_ = Place::kBeforeLf;
  } else if (is(byte, kToken)) {
    method_ = line_begin_ = position_;
    at_ = Place::kMethod;
  } else {
    return bad("the method is no token");
  }
  return true;
}

// Mostly it is there as a whole, and within all limits: nine bytes with the carriage return.
bool RequestHeadReader::whole_version(const char* text, std::size_t end) {
  constexpr std::size_t kSize = kProtocol.size() + 2;
  if (position_ != version_at_ || end - position_ <= kSize) return false;
  const std::string_view found(text + position_, kSize);
  if (!found.starts_with(kProtocol) || !is(found[kSize - 2], kDigit) || found[kSize - 1] != '\r') return false;
  minor_ = found[kSize - 2] - '0';
  line_end_ = position_ + kSize - 1;
  position_ += kSize;
  at_ = Place::kLineLf;
  return true;
}

bool RequestHeadReader::version(char byte) {
  const std::size_t index = position_ - version_at_;
  if (index < kProtocol.size()) {
    if (byte != kProtocol[index]) return bad("the version is not HTTP/1");
  } else if (index == kProtocol.size()) {
    if (!is(byte, kDigit)) return bad("the version is not HTTP/1");
    minor_ = byte - '0';
  } else {
    if (byte != '\r') return bad("the request line does not end after the version");
    line_end_ = position_;
    at_ = Place::kLineLf;
  }
  ++position_;
  return true;
}

bool RequestHeadReader::field_start(char byte) {
  if (byte == '\r') {
    ++position_;
    at_ = Place::kEndLf;
    return true;
  }
  if (++lines_ > limits_.fields_max) return fail(kFieldsTooLarge, "too many fields");
  if (is(byte, kBlank)) {
    if (offsets_.empty()) return bad("a blank before the first field");
    offsets_.back().folded = true;
    at_ = Place::kFoldStart;
    return true;
  }
  offsets_.push_back({position_, position_, position_, position_, false});
  at_ = Place::kName;
  if (!is(byte, kToken)) return bad("the name of a field is no token");
  return true;
}

bool RequestHeadReader::value(const char* text, std::size_t end) {
  const std::size_t begin = position_;
  if (run(text, end, kFieldValue)) {
    std::size_t last = position_;
    while (last > begin && is(text[last - 1], kBlank)) --last;
    if (last > begin) offsets_.back().value_end = last;
    return true;
  }
  if (text[position_] != '\r') return bad("a control character in a field");
  ++position_;
  at_ = Place::kFieldLf;
  return true;
}

bool RequestHeadReader::fail(int status, const char* reason) noexcept {
  refusal_ = {status, reason};
  state_ = State::kRefused;
  return false;
}

// After each step: position_ is how many bytes were taken, and limits are of whole lines.
bool RequestHeadReader::within_limits() noexcept {
  if (state_ == State::kComplete) return true;
  if (at_ < Place::kFieldStart) {
    if (position_ - line_begin_ >= limits_.line_max) return fail(kUriTooLong, "the request line is too long");
  } else if (position_ - line_begin_ >= limits_.field_line_max) {
    return fail(kFieldsTooLarge, "a field is too long");
  }
  if (position_ >= limits_.size_max) return fail(kFieldsTooLarge, "the head is too large");
  return true;
}

void RequestHeadReader::complete(const char* text) {
  const auto part = [text](std::size_t begin, std::size_t end) { return std::string_view(text + begin, end - begin); };
  head_.line = part(method_, line_end_);
  head_.method = part(method_, method_end_);
  head_.target = part(target_, target_end_);
  head_.minor_version = minor_ == 0 ? 0 : 1;
  head_.folded = false;
  head_.fields.clear();
  for (const Offsets& one : offsets_) {
    head_.fields.push_back({part(one.name, one.name_end), part(one.value, one.value_end), one.folded});
    head_.folded |= one.folded;
    if (one.folded && is_decisive(head_.fields.back().name)) {
      bad("a continued line in a field that must not have one");
      return;
    }
  }
  if (fields_only_) return;
  refusal_ = apply_rules(head_, limits_.host_required);
  if (refusal_) state_ = State::kRefused;
}

}  // namespace gevent::http
