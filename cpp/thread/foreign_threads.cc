#include "thread/foreign_threads.h"

#include "base/kernel.h"

#ifdef GEVENT_HAVE_THREAD_FILES
#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/owned_fd.h"
#endif

namespace gevent {

#ifdef GEVENT_HAVE_THREAD_FILES
namespace {

// The signals that every thread can block and the C library keeps for nobody: 1 to 31 without SIGKILL and SIGSTOP.
constexpr unsigned long long kBlockable = 0x7ffbfeff;

using Text = std::array<char, 2048>;

std::string_view read_file(const char* path, Text& text) noexcept {
  const OwnedFd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return {};
  const ssize_t length = ::read(file.get(), text.data(), text.size() - 1);
  if (length <= 0) return {};
  text[static_cast<std::size_t>(length)] = '\0';
  return {text.data(), static_cast<std::size_t>(length)};
}

// What stands behind `label` in a line of its own; empty if there is none.
std::string_view field(std::string_view text, std::string_view label) noexcept {
  const std::size_t found = text.find(label);
  if (found == std::string_view::npos) return {};
  const std::string_view rest = text.substr(found + label.size());
  return rest.substr(0, rest.find('\n'));
}

std::string_view read_thread_file(unsigned long thread, const char* name, Text& text) noexcept {
  std::array<char, 64> path;
  std::snprintf(path.data(), path.size(), "/proc/self/task/%lu/%s", thread, name);
  return read_file(path.data(), text);
}

// Whether the C library may still be about to make it what it will be: it begins with all signals blocked.
bool has_just_begun(unsigned long thread) noexcept {
  constexpr double kBeginningS = 0.1;
  constexpr int kFieldsBeforeStart = 20;  // counted from the name, which may have spaces and stands in parentheses
  Text text;
  std::string_view stat = read_thread_file(thread, "stat", text);
  stat.remove_prefix(std::min(stat.size(), stat.rfind(')') + 1));
  for (int i = 0; i != kFieldsBeforeStart; ++i) stat.remove_prefix(std::min(stat.size(), stat.find(' ') + 1));
  if (stat.empty()) return false;
  const double began_s =
      static_cast<double>(std::strtoull(stat.data(), nullptr, 10)) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) - began_s < kBeginningS;
}

// One that has ended meanwhile counts as one that only serves.
bool only_serves(unsigned long thread) noexcept {
  Text text, own_text;
  const std::string_view status = read_thread_file(thread, "status", text);
  if (status.empty()) return true;
  const std::string_view blocked = field(status, "\nSigBlk:\t");
  if ((std::strtoull(blocked.data(), nullptr, 16) & kBlockable) != kBlockable) return false;
  if (field(status, "Name:\t") != field(read_file("/proc/self/status", own_text), "Name:\t")) return false;
  return !has_just_begun(thread);
}

// Calls count(thread) for each thread, until that returns false.
template <typename Count>
void for_each_thread(Count count) noexcept {
  const std::unique_ptr<DIR, int (*)(DIR*)> threads(::opendir("/proc/self/task"), &::closedir);
  if (threads == nullptr) return;
  while (const dirent* const entry = ::readdir(threads.get())) {
    const unsigned long thread = std::strtoul(entry->d_name, nullptr, 10);
    if (thread != 0 && !count(thread)) return;
  }
}

}  // namespace

bool foreign_thread_lives(std::span<const unsigned long> known) noexcept {
  bool found = false;
  for_each_thread([&](unsigned long thread) {
    found = std::ranges::find(known, thread) == known.end() && !only_serves(thread);
    return !found;
  });
  return found;
}

bool foreign_thread_lives(unsigned known_count) noexcept {
  unsigned count = 0;
  for_each_thread([&](unsigned long thread) {
    count += only_serves(thread) ? 0 : 1;
    return count <= known_count;
  });
  return count > known_count;
}

#else

bool foreign_thread_lives(std::span<const unsigned long>) noexcept { return false; }
bool foreign_thread_lives(unsigned) noexcept { return false; }

#endif

}  // namespace gevent
