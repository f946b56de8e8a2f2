#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "config/config.h"
#include "dial/dial.h"
#include "dial/handshake_step.h"
#include "dial/upstream_dial.h"
#include "net/stream.h"
#include "net/timer.h"

namespace culvert {

/// One connection to an upstream's proxy, and the handshakes on it: a PROXY header if it wants one,
/// TLS if its kind uses it, then the proxy's own.  For direct it is one to the target, without any.
class ProxyDial final : public UpstreamDial, private StreamEvents {
 public:
  /// `pooled`, if given, is used instead of a new connection: one from the WarmPool.
  ProxyDial(const UpstreamRequest& request, Done done, std::unique_ptr<Stream> pooled = nullptr);

  void start() override;
  DialFailure timeout_failure() const override;
  Replied replied() const override { return proxy_ ? proxy_->replied() : Replied::nothing; }
  DialTimes times() const override;

  const UpstreamRequest& request() const { return request_; }
  /// Ends the dial, which has begun: what was found out elsewhere.
  void fail(DialFailure failure);

 private:
  AddressCheck check_of_proxy(const Upstream& upstream) const;
  void connect();
  void on_connected(DialResult result);
  HandshakeStep* next_step();
  [[gnu::cold]] void tell(std::string_view what) const;
  std::unique_ptr<Handshake> make_proxy_handshake() const;
  void advance();
  void on_ready(Stream&) override { advance(); }
  void await_reason();
  void on_timeout();
  DialFailure step_failure() const;
  DialFailure naming_header(DialFailure failure) const;
  void succeed();

  UpstreamRequest request_;
  Done done_;
  Timer timer_;
  std::unique_ptr<Dial> transport_;
  std::unique_ptr<Stream> stream_;
  std::optional<HeaderStep> header_;  // the handshakes, each constructed
  std::optional<TlsStep> tls_;        // when the one before it is done
  std::optional<ProxyStep> proxy_;
  HandshakeStep* step_ = nullptr;  // the current one
  bool refused_ = false;           // and more about the reason is awaited
  DialTimes times_;
};

/// Why the request is not even begun: its address is prohibited, or the proxy's protocol cannot
/// express it.  nullopt: it may begin.
std::optional<DialFailure> objection_to(const UpstreamRequest& request);

/// What `error` of `transport`, the Transport's dial for `upstream`, means for a dial through that.
DialFailure connect_failure(const UpstreamConfig& upstream, const Dial& transport, Error error);
/// The failure when `transport` has timed out.
DialFailure connect_timeout_failure(const UpstreamConfig& upstream, const Dial& transport);

}  // namespace culvert
