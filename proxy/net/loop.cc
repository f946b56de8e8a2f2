#include "net/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include <uv.h>

#include "base/fatal.h"
#include "net/manual_clock.h"
#include "net/resolver.h"
#include "net/timer.h"

namespace culvert {
namespace {

constexpr int kEventsPerTurn = 256;
// By a manual clock only: the kernel may take a moment to deliver what a local peer has sent.
constexpr int kLocalDeliveryMs = 5;

/// Moves `clock` on by `wait`, or to the first deadline if that is sooner.  A timer without delay
/// is due in the next turn, even if that does not wait.
void move_clock(ManualClock& clock, const TimerHeap& timers, std::chrono::milliseconds wait) {
  constexpr Loop::Clock::duration kLeastDelay(1);  // see Timer::start()
  const auto now = clock.now();
  auto then = now + wait;
  if (!timers.empty() && timers.earliest() <= std::max(then, now + kLeastDelay)) {
    then = timers.earliest();
  }
  if (then > now) clock.advance(then - now);
}

}  // namespace

struct Loop::Uv {
  uv_loop_t loop;
  uv_async_t wake;
};

Loop::Loop(ManualClock* manual_clock)
    : uv_(std::make_unique<Uv>()),
      manual_clock_(manual_clock),
      now_(clock_time()),
      events_(std::make_unique<epoll_event[]>(kEventsPerTurn)),
      mailbox_(std::make_shared<Mailbox>(*this)) {
  for (auto* list : {&resumed_, &resuming_}) list->reserve(kEventsPerTurn);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fatal("epoll_create1", errno);
  if (const int failed = uv_loop_init(&uv_->loop)) fatal("uv_loop_init", -failed);
  if (const int failed = uv_async_init(&uv_->loop, &uv_->wake, [](uv_async_t*) {})) {
    fatal("uv_async_init", -failed);
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = this;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, uv_backend_fd(&uv_->loop), &event) != 0) {
    fatal("epoll_ctl", errno);
  }
}

Loop::~Loop() {
  run_deferred();
  resolver_.reset();
  {
    const std::lock_guard lock(mailbox_->mutex_);
    mailbox_->loop_ = nullptr;
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&uv_->wake), nullptr);
  uv_run(&uv_->loop, UV_RUN_NOWAIT);
  assert(watched_ == 0 && timers_.empty());
  uv_loop_close(&uv_->loop);
  close(epoll_);
}

uv_loop_s* Loop::uv() {
  uv_wants_turn_ = true;
  return &uv_->loop;
}

Resolver& Loop::resolver() {
  if (!resolver_) resolver_ = std::make_unique<Resolver>(*this);
  return *resolver_;
}

bool Loop::busy() const { return watched_ != 0 || !timers_.empty() || works_elsewhere(); }

/// A thread works for us, or libuv has handles or requests besides our own.
bool Loop::works_elsewhere() const {
  if (expected_posts_ > 0) return true;
  // The wake-up handle is part of the loop itself, so it does not count here.  Otherwise it stays
  // referenced: libuv polls nothing for a loop without referenced handles.
  auto* wake = reinterpret_cast<uv_handle_t*>(&uv_->wake);
  uv_unref(wake);
  const bool alive = uv_loop_alive(&uv_->loop) != 0;
  uv_ref(wake);
  return alive;
}

Loop::Clock::time_point Loop::clock_time() const {
  return manual_clock_ != nullptr ? manual_clock_->now() : Clock::now();
}

void Loop::run() {
  stopping_ = false;
  ended_ = {};
  while (!stopping_) turn_after_another(-1);
}

void Loop::turn(int limit_ms) {
  ended_ = {};
  turn_after_another(limit_ms);
}

void Loop::turn_after_another(int limit_ms) {
  fetch_events(limit_ms);
  now_ = clock_time();
  for (; event_index_ < event_count_; ++event_index_) {
    const epoll_event& event = events_[static_cast<std::size_t>(event_index_)];
    if (event.data.ptr == this) {
      uv_wants_turn_ = true;
    } else if (event.data.ptr != nullptr) {
      static_cast<Pollable*>(event.data.ptr)->on_poll(event.events);
    }
  }
  event_count_ = 0;

  if (!resumed_.empty()) {
    resuming_.swap(resumed_);
    for (Pollable*& next : resuming_) {
      Pollable* owner = std::exchange(next, nullptr);
      if (owner == nullptr) continue;  // unwatched meanwhile
      owner->resumed_ = false;
      owner->on_poll(0);
    }
    resuming_.clear();
  }

  run_due_timers();
  if (uv_wants_turn_) run_uv();
  run_deferred();
  if (turn_end_) turn_end_();
}

/// Waits until there are events, or for as long as it may.
void Loop::fetch_events(int limit_ms) {
  event_index_ = 0;
  const int ms = wait_ms(limit_ms);
  if (manual_clock_ == nullptr) return poll_events(ms);
  const bool skips_wait = ms > 0 && !works_elsewhere();
  poll_events(!skips_wait ? ms : watched_ != 0 ? std::min(ms, kLocalDeliveryMs) : 0);
  const bool idle = skips_wait && event_count_ == 0;
  move_clock(*manual_clock_, timers_, std::chrono::milliseconds(idle ? ms : 0));
}

void Loop::poll_events(int ms) {
  event_count_ = epoll_wait(epoll_, events_.get(), kEventsPerTurn, ms);
  if (event_count_ < 0) {
    // A process that was stopped and continues (signal(7)): what arrived meanwhile is handled
    // before the timers that are due.
    event_count_ = epoll_wait(epoll_, events_.get(), kEventsPerTurn, 0);
  }
}

/// How long this turn may wait; -1: without limit.
int Loop::wait_ms(int limit_ms) const {
  if (!resumed_.empty() || !deferred_.empty() || uv_wants_turn_) return 0;
  int wait = limit_ms;
  if (!timers_.empty()) {
    // As now_ still is that of the turn before, a later time is of that turn, too.
    auto now = ended_;
    if (now <= now_) [[likely]]
      now = clock_time();
    // Rounded up: a timer that is due in half a millisecond must not spin until then.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.earliest() - now);
    const int ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    if (wait < 0 || ms < wait) wait = ms;
  }
  return wait;
}

void Loop::run_uv() {
  do {
    uv_wants_turn_ = false;
    uv_run(&uv_->loop, UV_RUN_NOWAIT);
    std::vector<std::function<void()>> posted;
    {
      const std::lock_guard lock(posted_mutex_);
      posted.swap(posted_);
    }
    for (const auto& task : posted) task();
  } while (uv_wants_turn_ || uv_backend_timeout(&uv_->loop) == 0);
}

void Loop::run_deferred() {
  // A deferred task may defer another (a session that ends another); each gets its turn now.
  while (!deferred_.empty()) {
    std::vector<std::function<void()>> tasks;
    tasks.swap(deferred_);
    for (const auto& task : tasks) task();
  }
}

int Loop::watch(int fd, Pollable& owner, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &owner;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return errno;
  owner.watched_ = true;
  ++watched_;
  return 0;
}

void Loop::rewatch(int fd, Pollable& owner, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &owner;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void Loop::unwatch_closing(Pollable& owner) {
  if (owner.watched_) --watched_;
  owner.watched_ = false;
  for (int i = event_index_ + 1; i < event_count_; ++i) {
    epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &owner) event.data.ptr = nullptr;
  }
  if (owner.resumed_) {
    std::erase(resumed_, &owner);
    std::replace(resuming_.begin(), resuming_.end(), &owner, static_cast<Pollable*>(nullptr));
    owner.resumed_ = false;
  }
}

void Loop::unwatch(int fd, Pollable& owner) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  unwatch_closing(owner);
}

void Loop::resume(Pollable& owner) {
  if (owner.resumed_) return;
  owner.resumed_ = true;
  resumed_.push_back(&owner);
}

void Loop::defer(std::function<void()> task) { deferred_.push_back(std::move(task)); }

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  uv_async_send(&uv_->wake);
}

void Loop::Mailbox::post_expected(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr) return;
  loop_->post([loop = loop_, task = std::move(task)] {
    --loop->expected_posts_;
    task();
  });
}

void Loop::run_due_timers() {
  while (TimerHeap::Entry* entry = timers_.take_due(now_)) {
    static_cast<Timer*>(entry)->expired_();
  }
}

}  // namespace culvert
