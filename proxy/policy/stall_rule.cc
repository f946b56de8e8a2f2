#include "policy/stall_rule.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace culvert {
namespace {

// More than three WINDOW_UPDATEs of 35 bytes, with TLS 1.3, or 42 bytes before; requests have more.
constexpr std::uint64_t kRequest = 128;
// What a client that reads a window of 4 MiB late sends in small bursts has less.
constexpr std::uint64_t kUpload = 64 * 1024;

bool needs_answer(const StallSigns& signs) {
  if (signs.unanswered >= kUpload) return true;
  return signs.unanswered >= kRequest && signs.last_burst >= kRequest;
}

}  // namespace

std::string_view name_of(Idleness what) {
  static constexpr std::array<std::string_view, 3> kNames = {
      "does_not_read", "does_not_acknowledge", "does_not_send"};
  return kNames[static_cast<std::size_t>(what)];
}

StuckOn stuck_on(const StallSigns& signs) {
  const std::uint64_t client = signs.for_client.sum();
  const std::uint64_t upstream = signs.for_upstream.sum();
  if (client + upstream > 0) {
    return client >= upstream ? StuckOn::client_takes : StuckOn::upstream_takes;
  }
  if (signs.owes)
    return *signs.owes == Side::client ? StuckOn::client_owes : StuckOn::upstream_owes;
  if (!signs.upstream_finished && needs_answer(signs)) return StuckOn::upstream_unanswered;
  return StuckOn::nothing;
}

StallCase::News StallCase::look(const StallSigns& signs, Time moved, Time now,
                                std::chrono::milliseconds limit) {
  const std::uint64_t client = signs.for_client.sum();
  const std::uint64_t upstream = signs.for_upstream.sum();
  // Or bytes have moved through us as well.
  const bool acknowledged = client < for_client_ || upstream < for_upstream_;
  for_client_ = client;
  for_upstream_ = upstream;
  if (std::exchange(received_, signs.received) != signs.received) told_ = false;
  on_ = stuck_on(signs);
  const Time since = since_;
  if (acknowledged || signs.paced) since_ = now;
  if (moved > std::exchange(moved_, moved)) since_ = std::max(since_, moved);
  if (stalled_) {
    if (since_ == since && on_ != StuckOn::nothing) return News::none;
    stalled_ = false;
    lasted_ = std::chrono::round<std::chrono::milliseconds>(now - since);
    return News::moves_again;
  }
  const bool is_news = on_ != StuckOn::nothing && !(told_ && on_ == StuckOn::upstream_unanswered);
  if (!is_news || now - since_ < limit) return News::none;
  stalled_ = true;
  told_ = on_ == StuckOn::upstream_unanswered;
  return News::stalled;
}

}  // namespace culvert
