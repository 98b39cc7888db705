// The head of a request, from bytes to facts: the one reader there is, and the one verdict.
//
// Each byte is looked at once, by a state machine that neither knows nor cares in which pieces the bytes came: whole,
// byte by byte or cut anywhere, a head is understood, or refused with the same reason at the same byte. It is stricter
// than a recipient has to be (RFC 9112), because whatever two recipients can understand in two ways is how a request is
// hidden from one of them:
//
//   line ends          CR LF and nothing else, anywhere
//   the request line   one blank between its three parts, HTTP/1.x
//   field lines        a token, a colon right after it, a value without controls
//   folded lines       become a blank, if they say something and the field has nothing to do with framing; see
//                      RequestHead::folded
//
// Up to 8 empty lines before a request are passed over (RFC 9112 2.2).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/refusal.h"

namespace gevent::http {

struct HeadLimits {
  std::size_t line_max = 8191;         // of the request line with its end; beyond: 414
  std::size_t field_line_max = 65536;  // of a field line with its end; beyond: 431
  std::size_t fields_max = 100;        // field lines, continued ones counted too; beyond: 431
  std::size_t size_max = 1024 * 1024;  // of the whole; beyond: 431
  bool host_required = true;           // in HTTP/1.1
};

struct Field {
  std::string_view name;
  std::string_view value;  // without blanks around it; with line ends in it if `folded`
  bool folded = false;

  // The value on one line.
  [[nodiscard]] std::string unfolded() const;
};

enum class TargetForm : std::uint8_t { kOrigin, kAbsolute, kAuthority, kAsterisk };

// Views into the text that was read: valid until the reader is used again, or the memory that it was fed from is gone.
struct RequestHead {
  std::string_view line;  // without its end
  std::string_view method;
  std::string_view target;
  int minor_version = 0;  // 0 or 1: HTTP/1.2 and later are to be treated as 1.1 (RFC 9110 2.5)
  std::vector<Field> fields;
  bool folded = false;  // a line was continued: answer, then close

  // Whether a field before the one at `index` has the same name.
  [[nodiscard]] bool repeats(std::size_t index) const noexcept;

  // What the rules make of it; see request_rules.h.
  TargetForm form = TargetForm::kOrigin;
  std::string_view path;       // still with percent escapes
  std::string_view query;      // without the question mark
  std::string_view authority;  // of an absolute or an authority target: it takes the place of Host
  std::uint64_t content_length = 0;
  bool has_length = false;
  bool chunked = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool connection_upgrade = false;  // "upgrade" is an option of Connection
  bool has_upgrade = false;         // there is an Upgrade field

  // Nothing in it asks for special treatment: HTTP/1.1, with an answer that has a body, and no body in chunks.
  [[nodiscard]] bool is_plain() const noexcept;
};

class RequestHeadReader {
 public:
  enum class State : std::uint8_t { kReading, kComplete, kRefused };

  // Forgets the request before, keeps the memory.
  void begin(const HeadLimits& limits) noexcept;
  // The same for field lines alone, up to the empty one; no rules are applied.
  void begin_fields(const HeadLimits& limits) noexcept;

  // Takes the next bytes and returns how many were taken: all, unless the head is complete or refused by then. What
  // `data` points to must stay as it is until the head is no longer needed if it is complete then. Requires: state() ==
  // kReading.
  std::size_t feed(const char* data, std::size_t size);

  [[nodiscard]] State state() const noexcept { return state_; }
  // Whether anything but empty lines was seen.
  [[nodiscard]] bool begun() const noexcept { return at_ != Place::kBefore; }
  // Requires: kRefused.
  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }
  // The input ends here. Requires: kReading, and begun().
  void end_early() noexcept { bad("the head ends early"); }
  void end_late() noexcept { fail(kRequestTimeout, "the head takes too long"); }
  // What was understood of the request line, for a log; the memory is the reader's. Requires: kRefused.
  [[nodiscard]] std::string_view refused_line() const noexcept { return kept_; }
  // Requires: kComplete.
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }

 private:
  enum class Place : std::uint8_t {
    kBefore,
    kBeforeLf,
    kMethod,
    kTarget,
    kVersion,
    kLineLf,
    kFieldStart,
    kName,
    kValueStart,
    kValue,
    kFieldLf,
    kFoldStart,
    kEndLf,
  };
  // A field by offsets: text may still move while it arrives.
  struct Offsets {
    std::size_t name, name_end, value, value_end;
    bool folded;
  };

  void scan(const char* text, std::size_t size);
  bool step(const char* text, std::size_t size);
  bool run(const char* text, std::size_t end, std::uint8_t kind) noexcept;
  bool before(char byte);
  bool method_ends(char byte) noexcept;
  bool target_ends(char byte) noexcept;
  bool whole_version(const char* text, std::size_t end);
  bool version(char byte);
  bool line_ends(char byte) noexcept;
  bool field_start(char byte);
  bool name_ends(char byte) noexcept;
  bool value_begins() noexcept;
  bool folded_value_begins(char byte) noexcept;
  bool head_ends(char byte) noexcept;
  bool value(const char* text, std::size_t size);
  bool fail(int status, const char* reason) noexcept;
  bool bad(const char* reason) noexcept { return fail(kBadRequest, reason); }
  bool within_limits() noexcept;
  void complete(const char* text);
  void keep_line(const char* text);

  HeadLimits limits_;
  State state_ = State::kReading;
  Place at_ = Place::kBefore;
  Refusal refusal_;
  std::string kept_;            // what arrived in pieces
  std::size_t position_ = 0;    // of the next byte
  std::size_t line_begin_ = 0;  // of the line it is in
  std::size_t empty_lines_ = 0;
  std::size_t lines_ = 0;
  std::size_t method_ = 0, method_end_ = 0, target_ = 0, target_end_ = 0, line_end_ = 0, version_at_ = 0;
  int minor_ = 0;
  bool fields_only_ = false;
  std::vector<Offsets> offsets_;
  RequestHead head_;
};

}  // namespace gevent::http
