#include "base/open_mode.h"

#include <algorithm>

namespace gevent {
namespace {

constexpr std::string_view kNatures = "rwxa";
constexpr std::string_view kOthers = "btU+";

bool has(std::string_view letters, char letter) noexcept { return letters.find(letter) != std::string_view::npos; }

// All are letters of a mode, and each is there once.
bool are_known(std::string_view letters) noexcept {
  return std::ranges::all_of(letters, [letters](char letter) {
    return (has(kNatures, letter) || has(kOthers, letter)) && std::ranges::count(letters, letter) == 1;
  });
}

}  // namespace

std::string OpenMode::raw() const { return std::string(1, nature) + (updating ? "b+" : "b"); }

const char* OpenMode::parse(std::string_view letters, OpenMode& mode) noexcept {
  if (!are_known(letters)) return "invalid mode: {!r}";
  mode.text = !has(letters, 'b');
  mode.updating = has(letters, '+');
  const bool universal = has(letters, 'U');
  if (universal && letters.find_first_of("xwa+") != std::string_view::npos)
    return "mode U cannot be combined with 'x', 'w', 'a', or '+'";
  if (!mode.text && has(letters, 't')) return "{!r} asks for text and binary";
  if (universal) {
    mode.nature = 'r';
    return nullptr;
  }
  const std::size_t first = letters.find_first_of(kNatures);
  if (first == std::string_view::npos) return "{!r} must have exactly one of ['a', 'r', 'w', 'x']";
  if (letters.find_first_of(kNatures, first + 1) != std::string_view::npos)
    return "{!r} has more than one of create, read, write and append mode at once";
  mode.nature = letters[first];
  return nullptr;
}

}  // namespace gevent
