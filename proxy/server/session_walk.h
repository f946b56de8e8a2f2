#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "net/loop.h"
#include "session/session.h"

namespace culvert {

/// Looks at the sessions of one worker, each once, in turns of its loop that are short however many
/// there are.  Those that begin meanwhile are left out, and so are those that end before their
/// turn.
class SessionWalk {
 public:
  using Sessions = std::vector<std::unique_ptr<Session>>;

  class Visitor {
   public:
    virtual ~Visitor() = default;
    /// In the turn of the first ones.
    virtual void begin() = 0;
    virtual void look(Session& session) = 0;
    virtual void end() = 0;
  };

  /// A session knows its place in `sessions`, see Session::slot.  Both outlive it.
  SessionWalk(Loop& loop, Sessions& sessions) : loop_(loop), sessions_(sessions) {}
  SessionWalk(const SessionWalk&) = delete;
  SessionWalk& operator=(const SessionWalk&) = delete;

  /// Begins at once, or after the walk that is under way.  Of those that wait for that one, the
  /// last to come is kept.
  void start(std::unique_ptr<Visitor> visitor);
  /// To be called before the session at `slot` gives its place to the last one; returns where it is
  /// then.
  std::size_t before_leaving(std::size_t slot) {
    return slot < next_ ? leave_before_its_turn(slot) : slot;
  }

 private:
  [[gnu::cold]] std::size_t leave_before_its_turn(std::size_t slot);
  void begin();
  void look_at_some();

  Loop& loop_;
  Sessions& sessions_;
  std::unique_ptr<Visitor> visitor_;  // nullptr: none is under way
  std::unique_ptr<Visitor> waiting_;
  std::size_t next_ = 0;  // all below this place are still to be looked at
};

}  // namespace culvert
