#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "dial/second_look.h"
#include "dial/upstream_dial.h"
#include "net/output.h"
#include "net/stream.h"
#include "net/timer.h"

namespace culvert {

/// A dial through an HTTP proxy that may not be there, although its port accepts: a relay in front
/// of it (docker's published port, haproxy, nginx stream, ssh -L) may accept, wait for the first
/// bytes, and close.  A proxy that is there may refuse a target by closing, too.  So if a
/// connection ended before its first byte, the proxy is asked on another one for something that is
/// about no target, `OPTIONS *` (RFC 9110 sections 9.3.7 and 7.6.2).  If that ends without a byte
/// as well, nothing may be behind the port, which is then the failure; if not, the first end is.
/// With DialPurpose::forward_again a connection has ended so before this dial, and it begins with
/// that.
class PortCheck final : public UpstreamDial, private StreamEvents {
 public:
  /// Whether the upstream's proxy can be asked.
  static bool is_for(const UpstreamConfig& upstream);

  PortCheck(const UpstreamRequest& request, Done done);

  void start() override;
  DialFailure timeout_failure() const override;
  Replied replied() const override { return dial_.replied(); }
  DialTimes times() const override { return dial_.times(); }

 private:
  struct Question {
    Question(Loop& loop, Callback<void()> expired) : timer(loop, expired) {}

    Timer timer;
    std::unique_ptr<Dial> connection;
    std::unique_ptr<Stream> stream;
    Output request;
  };

  void on_done(UpstreamResult&& result);
  void ask_after(DialFailure first_end, std::chrono::milliseconds patience);
  void ask(std::string_view request);
  void on_connected(DialResult result);
  void on_ready(Stream&) override { move(); }
  void move();
  void on_ended();
  void on_there();
  void on_timeout() { on_there(); }

  UpstreamRequest request_;
  Done done_;
  SecondLook dial_;
  DialFailure first_end_;
  std::chrono::milliseconds patience_{0};  // with each question
  bool asks_first_;
  bool asked_in_socks_ = false;
  std::unique_ptr<Question> question_;  // few dials need it
};

}  // namespace culvert
