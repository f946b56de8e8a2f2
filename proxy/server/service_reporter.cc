#include "server/service_reporter.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"

namespace culvert {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// After a drain's limit tunnels are cut, whose clients get a moment, and a tunnel command is ended.
constexpr milliseconds kAfterDrain{10'000};
constexpr milliseconds kNotifyRetry{100};
constexpr std::size_t kMostUnsent = 64;

/// A third of what the watchdog waits for: one that comes late is not missed.
milliseconds tick_for(const std::optional<microseconds>& watchdog) {
  if (!watchdog) return ServiceReporter::kTick;
  return std::clamp(std::chrono::duration_cast<milliseconds>(*watchdog / 3), milliseconds(1),
                    ServiceReporter::kTick);
}

/// For MONOTONIC_USEC=, by which systemd tells a reload from the one before.
std::uint64_t monotonic_usec() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

ServiceReporter::ServiceReporter(Loop& loop, Log& log, const ServiceNotice& notice,
                                 std::vector<Member> members, Describe describe)
    : loop_(loop),
      log_(log),
      notice_(notice),
      members_(std::move(members)),
      describe_(std::move(describe)),
      tick_(tick_for(notice.watchdog())),
      timer_(loop, Callback<void()>::to<&ServiceReporter::on_tick>(this)),
      retry_(loop, Callback<void()>::to<&ServiceReporter::flush>(this)) {}

void ServiceReporter::begin() {
  if (!notice_.wanted()) return;
  begin_round(true);
  timer_.start(tick_);
}

void ServiceReporter::reloading() {
  if (notice_.wanted()) send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_usec()));
}

void ServiceReporter::reloaded(bool changed) {
  if (!notice_.wanted()) return;
  reload_failed_ = !changed;
  begin_round(true);
}

/// Not in the round that a tick may have begun: its answers may be older than what is to be ready.
void ServiceReporter::begin_round(bool makes_ready) {
  const auto round = std::make_shared<Round>(Round{members_.size(), 0, makes_ready});
  round_ = round;
  const std::weak_ptr<bool> alive = alive_;
  for (const Member& member : members_) {
    member.loop.post([this, alive, round, &first = loop_, tunnels = member.tunnels] {
      first.post([this, alive, round, count = tunnels()] {
        if (!alive.expired()) on_answer(*round, count);
      });
    });
  }
}

void ServiceReporter::on_answer(Round& round, std::size_t tunnels) {
  round.tunnels += tunnels;
  if (--round.left > 0 || state_ != State::serving) return;
  stuck_told_ = false;
  std::string status = describe_(round.tunnels);
  if (reload_failed_) status += "; the last reload has changed nothing, see the log";
  const std::string line = status_line(std::move(status));
  const std::string_view ready = round.makes_ready ? "READY=1\n" : "";
  const std::string_view watchdog = notice_.watchdog() ? "WATCHDOG=1\n" : "";
  send(fmt::format("{}{}{}", ready, watchdog, line));
}

/// Empty if that is known already.
std::string ServiceReporter::status_line(std::string status) {
  std::replace(status.begin(), status.end(), '\n', ' ');
  if (status == status_) return {};
  status_ = std::move(status);
  return "STATUS=" + status_;
}

void ServiceReporter::on_tick() {
  timer_.start(tick_);
  if (state_ == State::draining) return tell_drain();
  if (round_->left > 0) return complain_of_stuck();
  begin_round(false);
}

void ServiceReporter::complain_of_stuck() {
  if (!notice_.watchdog() || std::exchange(stuck_told_, true)) return;
  log_.write(Log::Level::error,
             fmt::format("{} of {} workers have not turned for {}: the service manager's watchdog "
                         "(WatchdogSec=) is told nothing until they do",
                         round_->left, members_.size(), format_duration(tick_)));
}

void ServiceReporter::draining(std::optional<milliseconds> limit,
                               std::function<std::string()> status) {
  if (!notice_.wanted() || state_ != State::serving) return;
  state_ = State::draining;
  drain_status_ = std::move(status);
  if (limit) drain_deadline_ = loop_.now() + *limit + kAfterDrain;
  send("STOPPING=1");
  tell_drain();
  timer_.start(tick_);
}

/// Three ticks more, so that one that comes late costs nothing, but never beyond the limit.
void ServiceReporter::tell_drain() {
  microseconds more = 3 * kTick;
  if (drain_deadline_) {
    more = std::min(more, std::chrono::duration_cast<microseconds>(*drain_deadline_ - loop_.now()));
  }
  std::string lines;
  if (more.count() > 0) lines += fmt::format("EXTEND_TIMEOUT_USEC={}\n", more.count());
  if (notice_.watchdog()) lines += "WATCHDOG=1\n";
  send(lines + status_line(drain_status_()));
}

void ServiceReporter::handed_over(int pid) {
  if (!notice_.wanted()) return;
  if (pid > 0) send(fmt::format("MAINPID={}", pid));
  state_ = State::silent;
  timer_.stop();
}

void ServiceReporter::send(std::string lines) {
  while (lines.ends_with('\n')) lines.pop_back();
  if (lines.empty() || state_ == State::silent || unsent_.size() >= kMostUnsent) return;
  unsent_.push_back(std::move(lines));
  flush();
}

void ServiceReporter::flush() {
  while (!unsent_.empty()) {
    if (notice_.send(unsent_.front()) == ServiceNotice::Sent::later) {
      return retry_.start(kNotifyRetry);
    }
    unsent_.pop_front();
  }
}

}  // namespace culvert
