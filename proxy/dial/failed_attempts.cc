#include "dial/failed_attempts.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"
#include "codec/clause.h"
#include "dial/dial.h"
#include "dial/upstream.h"

namespace culvert {
namespace {

/// With less room the name and the cause of an attempt tell nothing.
constexpr std::size_t kLeastRoom = 36;
constexpr std::size_t kMostOfTarget = 32;
constexpr std::size_t kLeastName = 13;
/// The first one's cause is within the first 110 bytes of the reason phrase: some clients cut that.
constexpr std::size_t kMostOfFirst = 80;

std::string name_of(const FailedAttempt& attempt) {
  return shown_upstream(attempt.upstream->config.label);
}

std::size_t length_of(const FailedAttempt& attempt) {
  return name_of(attempt).size() + 1 + attempt.cause.size();
}

/// "socks5://p:1080 refused the connection" in at most `room` bytes: first the name is shortened.
std::string entry(const FailedAttempt& attempt, std::size_t room) {
  const std::size_t beside = attempt.cause.size() + 1;
  const std::size_t for_name = std::max(kLeastName, room - std::min(room, beside));
  return printable(shorten_middle(name_of(attempt), for_name) + " " + attempt.cause, room);
}

/// `room` for all: the short ones leave theirs to the long ones.
std::vector<std::size_t> share(std::span<const FailedAttempt* const> attempts, std::size_t room) {
  std::vector<std::size_t> order(attempts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return length_of(*attempts[a]) < length_of(*attempts[b]);
  });
  std::vector<std::size_t> rooms(attempts.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    rooms[order[i]] = std::min(length_of(*attempts[order[i]]), room / (order.size() - i));
    room -= rooms[order[i]];
  }
  rooms[0] = std::min(rooms[0], kMostOfFirst);
  return rooms;
}

std::string entries(std::span<const FailedAttempt* const> attempts, std::size_t room) {
  constexpr std::string_view kSeparator = "; ";
  constexpr std::size_t kRoomOfMore = 20;  // "; 1000 more, see log"
  std::size_t shown = attempts.size();
  std::string more;
  if (shown * (kLeastRoom + kSeparator.size()) > room) {
    room -= kRoomOfMore;
    shown = std::max<std::size_t>(1, room / (kLeastRoom + kSeparator.size()));
    more = fmt::format("; {} more, see log", attempts.size() - shown);
  }
  const auto first = attempts.first(shown);
  const auto rooms = share(first, room - (shown - 1) * kSeparator.size());
  std::string all;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) all += kSeparator;
    all += entry(*first[i], rooms[i]);
  }
  return all + more;
}

}  // namespace

void FailedAttempts::complete_with(const FailedAttempts& earlier) {
  for (const FailedAttempt& attempt : earlier.attempts_) {
    const bool has_one = std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& own) {
      return own.upstream == attempt.upstream;
    });
    if (!has_one) attempts_.push_back(attempt);
  }
}

std::string FailedAttempts::sentences() const {
  std::string all;
  for (const FailedAttempt& attempt : attempts_) {
    if (!all.empty()) all += "; ";
    all += attempt.error.text;
  }
  return all;
}

std::string FailedAttempts::list() const {
  return attempts_.empty() ? "" : "attempts failed: " + sentences();
}

Error FailedAttempts::summary(const HostPort& target,
                              std::optional<std::chrono::milliseconds> held) const {
  std::vector<const FailedAttempt*> order;
  order.reserve(attempts_.size());
  for (const FailedAttempt& attempt : attempts_) order.push_back(&attempt);
  const auto most_specific = std::max_element(order.begin(), order.end(), [](auto* a, auto* b) {
    if (a->tried != b->tried) return b->tried;
    return specificity(a->error) < specificity(b->error);
  });
  std::rotate(order.begin(), most_specific, most_specific + 1);
  Error error = order.front()->error;
  if (order.size() == 1) return error;
  const std::string head = fmt::format("{} upstreams failed: ", order.size());
  std::string tail = held ? fmt::format(" - waited {}", format_seconds(*held)) : "";
  tail += " (for " + shorten_middle(target.to_string(), kMostOfTarget) + ")";
  error.text = head + entries(order, kMostOfText - head.size() - tail.size()) + tail;
  error.detail = sentences();
  return error;
}

}  // namespace culvert
