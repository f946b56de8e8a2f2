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

Ticker::~Ticker() {
  stop();
  if (fd_ >= 0) close(fd_);
}

void Ticker::open() {
  if (fd_ < 0) fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

void Ticker::start(std::chrono::milliseconds interval) {
  stop();
  open();
  if (fd_ < 0 || loop_.watch(fd_, *this, EPOLLIN) != 0) return;
  running_ = true;
  interval_ = interval;
  set(interval, interval);
}

void Ticker::hurry(std::chrono::milliseconds delay) {
  if (running_) set(delay, interval_);
}

void Ticker::set(std::chrono::milliseconds first, std::chrono::milliseconds interval) const {
  const itimerspec when{.it_interval = timespec_of(interval), .it_value = timespec_of(first)};
  timerfd_settime(fd_, 0, &when, nullptr);
}

void Ticker::stop() {
  if (!std::exchange(running_, false)) return;
  loop_.unwatch(fd_, *this);
  set({}, {});
}

void Ticker::on_poll(std::uint32_t) {
  std::uint64_t ticks = 0;
  if (read(fd_, &ticks, sizeof ticks) == sizeof ticks) tick_();
}

}  // namespace culvert
