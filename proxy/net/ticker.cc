#include "net/ticker.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <utility>

namespace culvert {
namespace {

timespec timespec_of(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {static_cast<time_t>(seconds.count()),
          static_cast<long>(std::chrono::nanoseconds(time - seconds).count())};
}

}  // namespace

void Ticker::start(std::chrono::milliseconds interval) {
  stop();
  interval_ = interval;
  fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd_ < 0) return;
  if (loop_.watch(fd_, *this, EPOLLIN) != 0) {
    close(std::exchange(fd_, -1));
    return;
  }
  set(interval);
}

void Ticker::hurry(std::chrono::milliseconds delay) {
  if (running()) set(delay);
}

void Ticker::set(std::chrono::milliseconds first) const {
  const itimerspec when{.it_interval = timespec_of(interval_), .it_value = timespec_of(first)};
  timerfd_settime(fd_, 0, &when, nullptr);
}

void Ticker::stop() {
  if (!running()) return;
  loop_.unwatch(fd_, *this);
  close(std::exchange(fd_, -1));
}

void Ticker::on_poll(std::uint32_t) {
  std::uint64_t ticks = 0;
  if (read(fd_, &ticks, sizeof ticks) == sizeof ticks) tick_();
}

}  // namespace culvert
