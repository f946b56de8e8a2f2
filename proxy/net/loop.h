#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "net/loop_lag.h"
#include "net/spare_descriptor.h"
#include "net/timer_heap.h"

struct uv_loop_s;
struct epoll_event;

namespace culvert {

class ManualClock;
class Resolver;
class Timer;

/// A descriptor's owner, called when the descriptor became ready.
class Pollable {
 public:
  virtual ~Pollable() = default;
  /// `events` are epoll's bits, or 0 after Loop::resume().  May destroy the Pollable.
  virtual void on_poll(std::uint32_t events) = 0;

 private:
  friend class Loop;
  bool watched_ = false;
  bool resumed_ = false;
};

/// How many names were looked up on this machine: none of a target that goes through SOCKS.
struct LookupCounts {
  std::atomic<std::uint64_t> targets{0};
  std::atomic<std::uint64_t> upstreams{0};
};

/// One thread's event loop.
///
/// Sockets hang on an edge-triggered epoll set of our own: one epoll_ctl in a socket's life, and
/// closing one is synchronous.  libuv serves everything that is not hot (signals,
/// wake-ups from other threads, child processes) and is embedded as its documentation describes:
/// its backend descriptor is one more member of the set, and libuv runs when that is ready.
/// uv_poll on every socket was measured: three more system calls a socket and 10-25 % more CPU in
/// ping-pong.
class Loop {
 public:
  using Clock = std::chrono::steady_clock;

  /// With a manual clock, a turn that has nothing to do but wait moves that clock instead.
  explicit Loop(ManualClock* manual_clock = nullptr);
  /// Everything on the loop must be destroyed before, see busy().
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Turns until stop().
  void run();
  void stop() { stopping_ = true; }
  /// One turn; waits for at most `limit_ms` (-1: for as long as it takes).
  void turn(int limit_ms = -1);

  /// The time of this turn: all that happens in one turn happens at the same time.
  Clock::time_point now() const { return now_; }
  /// The time at this very moment.
  Clock::time_point clock_time() const;

  /// Watches `fd` for `events` (epoll bits) until unwatch() or unwatch_closing().  0, or the errno
  /// with which the system refuses (ENOSPC: fs.epoll.max_user_watches is reached; ENOMEM): then
  /// on_poll() is never called.
  [[nodiscard]] int watch(int fd, Pollable& owner, std::uint32_t events);
  /// Changes what is watched for.
  void rewatch(int fd, Pollable& owner, std::uint32_t events);
  /// No on_poll() after this, not even for events that this turn already fetched.
  void unwatch(int fd, Pollable& owner);
  /// unwatch() for a descriptor that the caller closes next, which removes it from the set; not if
  /// a child may have it as well.
  void unwatch_closing(Pollable& owner);

  /// A child process has copies of all descriptors until it runs its program.  What another thread
  /// closes meanwhile stays in that thread's epoll set, and would bring events to an owner that is
  /// gone.  So each thread has to know before the first child is started: at once, or after a task
  /// was posted to it.
  static void expect_children() { children_expected.store(true, std::memory_order_relaxed); }
  static bool expects_children() { return children_expected.load(std::memory_order_relaxed); }
  /// Calls owner.on_poll(0) in the next turn, which then does not wait.
  void resume(Pollable& owner);

  /// Runs `task` at the end of this turn, when no frame of a callback is left on the stack.
  void defer(std::function<void()> task);
  /// The same from any thread.
  void post(std::function<void()> task);

  /// post() for threads that may outlive the loop.
  class Mailbox {
   public:
    explicit Mailbox(Loop& loop) : loop_(&loop) {}
    /// Does nothing once the loop is gone.  Ends what one expect_post() began.
    void post_expected(std::function<void()> task);

   private:
    friend class Loop;
    std::mutex mutex_;
    Loop* loop_;
  };
  std::shared_ptr<Mailbox> mailbox() const { return mailbox_; }
  /// A thread works for this loop: until it posts, the loop is busy and a manual clock stands.
  void expect_post() { ++expected_posts_; }
  enum class Room : std::uint8_t {
    made,  ///< a descriptor is free that was not
    soon,  ///< something can be spared in a moment
    none,
  };
  /// When descriptors run out, `make_room` closes what can be spared; one only.
  void set_make_room(std::function<Room()> make_room) { make_room_ = std::move(make_room); }
  bool can_make_room() const { return make_room_ != nullptr; }
  Room make_room() { return make_room_ ? make_room_() : Room::none; }
  /// `spare` is kept to tell clients that there is none: no socket of a dial may have its place.
  void set_spare(SpareDescriptor& spare) { spare_ = &spare; }
  /// Whether its place is taken, as far as there is one; to be asked before such a socket is
  /// opened.
  bool regain_spare() { return spare_ == nullptr || spare_->regain(); }
  /// Called at the end of each turn; one only.
  void set_turn_end(std::function<void()> hook) { turn_end_ = std::move(hook); }

  /// libuv's loop, for the classes of this folder.  The loop gives libuv a turn afterwards.
  uv_loop_s* uv();

  /// The name look-ups of this loop.
  Resolver& resolver();

  /// Notes how long this turn took so far; to be called at its end.  The clock that it asks is not
  /// asked again for how long the next turn may wait, so that this costs nothing in most turns.
  void note_turn() {
    ended_ = clock_time();
    if (ended_ - now_ >= LoopLag::kLong) lag_.note(ended_, ended_ - now_);
  }
  /// How long its turns took, as far as note_turn() was called; in its thread.
  const LoopLag& lag() const { return lag_; }

  /// Kept by Lookup; may be read from any thread.
  LookupCounts& lookups() { return lookups_; }

  /// True while it has watched descriptors, timers, libuv handles or requests, or expects a post.
  bool busy() const;

 private:
  friend class Timer;
  void turn_after_another(int limit_ms);
  void fetch_events(int limit_ms);
  void poll_events(int ms);
  int wait_ms(int limit_ms) const;
  bool works_elsewhere() const;
  void run_due_timers();
  void run_uv();
  void run_deferred();

  inline static std::atomic<bool> children_expected{false};

  struct Uv;  // libuv's loop and the handle that wakes it from other threads
  std::unique_ptr<Uv> uv_;
  bool uv_wants_turn_ = true;
  LookupCounts lookups_;
  LoopLag lag_;
  bool stopping_ = false;
  int epoll_ = -1;
  int watched_ = 0;
  ManualClock* manual_clock_;
  Clock::time_point now_;
  Clock::time_point ended_;  // when note_turn() was called in the turn right before; or 0
  std::unique_ptr<epoll_event[]> events_;
  int event_count_ = 0;
  int event_index_ = 0;
  std::vector<Pollable*> resumed_;
  std::vector<Pollable*> resuming_;
  TimerHeap timers_;
  std::vector<std::function<void()>> deferred_;
  std::function<void()> turn_end_;
  std::function<Room()> make_room_;
  SpareDescriptor* spare_ = nullptr;
  std::unique_ptr<Resolver> resolver_;
  std::shared_ptr<Mailbox> mailbox_;
  int expected_posts_ = 0;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace culvert
