// The head of a response, written as it is put together: the status line and the fields, and what they say that a
// server has to know.
//
// What is not a field is not written, since it could become one, or a response of its own.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gevent::http {

class ResponseHead {
 public:
  // Forgets the response before, keeps the memory. False: `status` cannot be sent.
  [[nodiscard]] bool begin(std::string_view status);
  // False: that is no field.
  [[nodiscard]] bool add(std::string_view name, std::string_view value);
  // Of the server's own, whose text is known to be in order. Takes no note of what it says.
  void add_own(std::string_view name, std::string_view value);
  void add_own(std::string_view name, std::uint64_t value);
  // The empty line. Nothing is added after that.
  void end() { text_ += "\r\n"; }

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  // The status begins with three digits and a blank, of a final response that has a body.
  [[nodiscard]] bool is_ordinary() const noexcept { return ordinary_; }

  [[nodiscard]] bool has_date() const noexcept { return has_date_; }
  [[nodiscard]] bool has_length() const noexcept { return has_length_; }
  // More than one Content-Length, or one that is no number. length() is of no use then.
  [[nodiscard]] bool length_is_unclear() const noexcept { return length_is_unclear_; }
  [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
  [[nodiscard]] bool has_coding() const noexcept { return has_coding_; }
  [[nodiscard]] bool has_connection() const noexcept { return has_connection_; }
  // "close" is an option of Connection.
  [[nodiscard]] bool asks_to_close() const noexcept { return asks_to_close_; }

 private:
  void note(std::string_view name, std::string_view value) noexcept;
  void note_length(std::string_view value) noexcept;

  std::string text_;
  std::uint64_t length_ = 0;
  bool ordinary_ = false;
  bool has_date_ = false;
  bool has_length_ = false;
  bool length_is_unclear_ = false;
  bool has_coding_ = false;
  bool has_connection_ = false;
  bool asks_to_close_ = false;
};

}  // namespace gevent::http
