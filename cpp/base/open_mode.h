// The mode of an open(): "r", "wb+" and the like.
#pragma once
#include <string>
#include <string_view>

namespace gevent {

struct OpenMode {
  char nature = 'r';  // one of "rwxa"
  bool text = true;
  bool updating = false;

  [[nodiscard]] bool readable() const noexcept { return nature == 'r' || updating; }
  [[nodiscard]] bool writable() const noexcept { return nature != 'r' || updating; }
  // The mode of the raw file below.
  [[nodiscard]] std::string raw() const;

  // Puts what `letters` say into `mode`. nullptr; or what is wrong with them, where "{!r}" stands for them.
  // "U", newlines of any kind, is what text has anyway, so it is one more word for "r".
  [[nodiscard]] static const char* parse(std::string_view letters, OpenMode& mode) noexcept;
};

}  // namespace gevent
