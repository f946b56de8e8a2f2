#include "support/scripted_transport.h"

#include <utility>

namespace culvert::test {

class ScriptedTransport::ScriptedDial final : public Dial, private Pollable {
 public:
  ScriptedDial(ScriptedTransport& transport, Side side, DialDone done)
      : transport_(transport), side_(side), done_(done) {
    ++transport_.alive_;
  }
  ~ScriptedDial() override {
    --transport_.alive_;
    transport_.loop_.unwatch_closing(*this);
    std::erase(transport_.hanging_, this);
  }
  ScriptedDial(const ScriptedDial&) = delete;
  ScriptedDial& operator=(const ScriptedDial&) = delete;

  void start() override {
    if (transport_.steps_.empty()) {
      transport_.hanging_.push_back(this);
      return;
    }
    step_ = transport_.steps_.front();
    transport_.steps_.pop_front();
    if (step_.peer == nullptr && step_.sys == 0 && !step_.error) {
      transport_.hanging_.push_back(this);
    } else if (transport_.deferred_) {
      transport_.loop_.resume(*this);
    } else {
      finish();
    }
  }

  void fail_later(int sys) {
    step_.sys = sys;
    transport_.loop_.resume(*this);
  }

 private:
  void on_poll(std::uint32_t) override { finish(); }
  void finish() {
    if (step_.error) return done_(*step_.error);
    if (step_.peer == nullptr) return done_(connect_error(step_.sys, side_));
    done_(step_.peer->stream());
  }

  ScriptedTransport& transport_;
  Side side_;
  DialDone done_;
  Step step_;
};

ScriptedTransport& ScriptedTransport::connects(Peer& peer) {
  steps_.push_back({&peer, 0});
  return *this;
}
ScriptedTransport& ScriptedTransport::fails(int sys) {
  steps_.push_back({nullptr, sys});
  return *this;
}
ScriptedTransport& ScriptedTransport::fails(Error error) {
  steps_.push_back({.error = std::move(error)});
  return *this;
}
ScriptedTransport& ScriptedTransport::hangs() {
  steps_.push_back({});
  return *this;
}
ScriptedTransport& ScriptedTransport::later(bool deferred) {
  deferred_ = deferred;
  return *this;
}

std::unique_ptr<Dial> ScriptedTransport::dial(const HostPort& address, Side side,
                                              const AddressCheck&, DialDone done) {
  requested_.push_back(address.to_string());
  return std::make_unique<ScriptedDial>(*this, side, done);
}

void ScriptedTransport::let_go(int sys) {
  for (ScriptedDial* dial : hanging_) dial->fail_later(sys);
}

}  // namespace culvert::test
