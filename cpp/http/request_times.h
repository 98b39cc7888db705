// Requests and how long they took: counted where they happen, in buckets, and added up elsewhere.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace gevent::http {

class RequestTimes {
 public:
  // Upper ends of the buckets; one more has all that took longer.
  static constexpr std::array<double, 16> kBoundsS = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                      0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};
  static constexpr std::size_t kBuckets = kBoundsS.size() + 1;

  void note(double seconds) noexcept {
    ++requests;
    total_s += seconds;
    const auto* const bound = std::lower_bound(kBoundsS.begin(), kBoundsS.end(), seconds);
    ++buckets[static_cast<std::size_t>(bound - kBoundsS.begin())];
  }

  // The upper end of the bucket in which the `share` (0 to 1) quantile lies; nullopt for none. Of those that took
  // longer than the last bound no more is known.
  [[nodiscard]] std::optional<double> quantile(double share) const noexcept {
    std::uint64_t total = 0, seen = 0;
    for (const std::uint64_t count : buckets) total += count;
    if (total == 0) return std::nullopt;
    const double wanted = share * static_cast<double>(total);
    for (std::size_t i = 0; i < kBoundsS.size(); ++i) {
      seen += buckets[i];
      if (static_cast<double>(seen) >= wanted) return kBoundsS[i];
    }
    return kBoundsS.back();
  }

  std::uint64_t requests = 0;
  double total_s = 0;
  std::array<std::uint64_t, kBuckets> buckets{};
};

}  // namespace gevent::http
