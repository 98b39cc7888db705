#include "http/field_variable.h"

#include "http/characters.h"

namespace gevent::http {

std::string variable_of(std::string_view field) {
  std::string name = same_word(field, "content-type") || same_word(field, "content-length") ? "" : "HTTP_";
  for (const char byte : field) {
    const char small = lower(byte);
    name += byte == '-' ? '_' : small >= 'a' && small <= 'z' ? static_cast<char>(small - 'a' + 'A') : byte;
  }
  return name;
}

}  // namespace gevent::http
