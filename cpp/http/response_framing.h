// How a response says where its body ends, and what becomes of the connection behind it.
#pragma once
#include <string_view>

namespace gevent::http {

class ResponseFraming {
 public:
  // What is known apart from the fields.
  struct Facts {
    int code = 200;
    bool of_1_0 = false;  // the version of the request, which may be neither
    bool of_1_1 = true;
    bool close = false;            // the connection ends in any case
    bool length_is_said = false;   // by the application
    bool length_is_known = false;  // to the server: all of the body is there
  };
  enum class Body : unsigned char {
    kNone,       // there is none, whatever the application gives
    kAsSaid,     // the application has said how long it is
    kMeasured,   // Content-Length is to be added
    kChunked,    // Transfer-Encoding: chunked is to be added
    kUntilClose  // its end is the end of the connection, or in a coding of the application's
  };

  // A field that the application has set; all of them ahead of decide().
  void note(std::string_view name, std::string_view value) noexcept;
  void decide(const Facts& facts) noexcept;

  [[nodiscard]] Body body() const noexcept { return body_; }
  // Whether the connection ends behind this response.
  [[nodiscard]] bool closes() const noexcept { return close_; }
  // The value of a Connection field that is to be added; empty: none is.
  [[nodiscard]] std::string_view connection() const noexcept { return connection_; }
  // Whether a field of the application's is not to be sent, for one of those that must not be there, or whose place
  // another one takes.
  [[nodiscard]] bool drops_any() const noexcept { return drops_connection_ || drops_length_ || drops_coding_; }
  [[nodiscard]] bool drops(std::string_view name) const noexcept;

 private:
  bool has_coding_ = false;
  bool has_connection_ = false;
  bool says_close_ = false;
  bool close_ = false;
  bool drops_connection_ = false;
  bool drops_length_ = false;
  bool drops_coding_ = false;
  std::string_view connection_;
  Body body_ = Body::kNone;
};

// Whether one of the options of a Connection field is "close".
[[nodiscard]] bool says_close(std::string_view connection) noexcept;

}  // namespace gevent::http
