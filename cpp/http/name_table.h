// Numbers for the names that fields have: the few that repeat for ever are looked up without making anything.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gevent::http {

// Names get the numbers 0, 1, 2, … in the order in which they are added, as they are written: "Host" and "host" are
// two. Holds at most `names_max`, since names are whatever clients send.
class NameTable {
 public:
  static constexpr int kUnknown = -1;

  explicit NameTable(std::size_t names_max) : names_max_(names_max), slots_(slots_for(names_max), kUnknown) {}

  [[nodiscard]] int find(std::string_view name) const noexcept {
    for (std::size_t slot = hash(name) & mask();; slot = (slot + 1) & mask()) {
      const int number = slots_[slot];
      if (number == kUnknown || names_[static_cast<std::size_t>(number)] == name) return number;
    }
  }

  // The number of a name that find() does not know; kUnknown if the table is full.
  int add(std::string_view name) {
    if (names_.size() >= names_max_) return kUnknown;
    std::size_t slot = hash(name) & mask();
    while (slots_[slot] != kUnknown) slot = (slot + 1) & mask();
    slots_[slot] = static_cast<int>(names_.size());
    names_.emplace_back(name);
    return slots_[slot];
  }

 private:
  static std::size_t slots_for(std::size_t names) noexcept {
    std::size_t slots = 16;
    while (slots < names * 4) slots *= 2;
    return slots;
  }
  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  static std::size_t hash(std::string_view name) noexcept {
    std::uint32_t value = 2166136261u;  // FNV-1a
    for (const char byte : name) value = (value ^ static_cast<unsigned char>(byte)) * 16777619u;
    return value ^ (value >> 15);
  }

  std::size_t names_max_;
  std::vector<int> slots_;  // at least three in four are empty
  std::vector<std::string> names_;
};

}  // namespace gevent::http
