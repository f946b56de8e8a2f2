#pragma once

#include <memory>
#include <string_view>

#include "dial/protocol_look.h"
#include "dial/proxy_dial.h"
#include "dial/upstream_dial.h"
#include "dial/upstream_memory.h"
#include "net/stream.h"
#include "net/timer.h"

namespace culvert {

/// A ProxyDial that checks the proxy a second time if it ends the connection before its first byte.
/// That may be its refusal of the target; or it is not there: it may have stopped just then, and
/// its listener with it, or docker or a load balancer holds its port open and nothing is behind
/// that yet.  So it is connected to once more, and nothing is sent: if that fails, or this
/// connection is ended too, it may just be starting, which is then the failure; if not, the first
/// end is.
///
/// A proxy that has never spoken the protocol of its URL is asked in others, once a minute, if it
/// is silent to a greeting, or ends another handshake and keeps the second connection: what it
/// speaks instead is then the failure.
class SecondLook final : public UpstreamDial, private StreamEvents {
 public:
  SecondLook(const UpstreamRequest& request, Done done);

  void start() override;
  DialFailure timeout_failure() const override;
  Replied replied() const override { return dial_.replied(); }
  DialTimes times() const override { return dial_.times(); }

 private:
  /// The proxy is connected to once more.
  struct Look {
    Look(DialFailure why, Loop& loop, Callback<void()> expired, std::unique_ptr<Dial> again)
        : first_end(std::move(why)),
          begun(loop.now()),
          timer(loop, expired),
          reconnection(std::move(again)) {}

    DialFailure first_end;
    Loop::Clock::time_point begun;
    Timer timer;
    std::unique_ptr<Dial> reconnection;
    std::unique_ptr<Stream> stream;  // the new connection
    std::unique_ptr<ProtocolLook> protocol;
  };

  /// The proxy is silent so far, and may be so because it speaks another protocol.
  struct Silence {
    Silence(Loop& loop, Callback<void()> expired) : timer(loop, expired) {}

    Timer timer;
    std::unique_ptr<ProtocolLook> look;
  };

  UpstreamMemory& memory() const;
  void on_silence();
  void on_silence_explained(std::string_view protocol);
  void on_done(UpstreamResult&& result);
  bool is_about_nothing_sent(const DialFailure& failure) const;
  void reconnect(DialFailure first_end);
  void on_reconnected(DialResult result);
  void watch();
  void on_ready(Stream&) override { watch(); }
  void on_timeout();
  bool may_speak_another_protocol() const;
  void look_at_protocol();
  void on_protocol(std::string_view protocol);
  void finish_without_program();
  void finish(DialFailure failure);
  void report(UpstreamResult&& result);

  ProxyDial dial_;
  Done done_;
  std::unique_ptr<Look> look_;  // few dials need these
  std::unique_ptr<Silence> silence_;
};

}  // namespace culvert
