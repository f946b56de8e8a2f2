#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/host_port.h"
#include "codec/handshake.h"
#include "dial/dial.h"
#include "dial/upstream.h"
#include "net/resolver.h"
#include "net/timer.h"
#include "net/tls_stream.h"
#include "policy/address_guard.h"

namespace culvert {

/// Gets a stream to the target through one upstream: connects to the proxy (or, for direct, to the
/// target itself), does TLS if the proxy wants it, then the proxy's handshake.  Errors' texts are
/// whole sentences that name upstream and target; those of a hop leave the target to the dial that
/// waits for it.
///
/// A connection from the upstream's WarmPool may have died unseen: one that turns out to be closed
/// is replaced by a new one, and beside one that says nothing for a second a new one is dialed; who
/// answers first wins.
///
/// A proxy that resets the connection before its first word may have gone just then, and its
/// listener with it.  So it is connected to once more: if that is refused, this is the failure, and
/// its return may be waited for; if not, it was the reset.
class ProxyDial final : public Dial, private StreamEvents {
 public:
  /// What the stream is wanted for.
  enum class Purpose {
    tunnel,   ///< bytes go to the target itself
    hop,      ///< the same, for the upstream that comes here with `?via`: the target is its proxy
    forward,  ///< plain HTTP: through an HTTP proxy without CONNECT, the requests go to the proxy
    warm,     ///< for a WarmPool: all that needs no target
  };

  /// `target` outlives the dial; `check` is asked about its address, where that is known here.
  /// `budget` is what this attempt may take in all, or less with `?connect-timeout`; connecting to
  /// the proxy may take `connect_limit` of it, or all of it with `?connect-timeout`.
  ProxyDial(Loop& loop, Upstream& upstream, const HostPort& target, Purpose purpose,
            const AddressCheck& check, std::chrono::milliseconds connect_limit,
            std::chrono::milliseconds budget, DialDone done);

  void start() override;
  Error overdue() const override;

  /// After a failure: it was the upstream's proxy itself that could not be used, whatever the
  /// target.  Never for direct.
  bool proxy_failed() const { return proxy_failed_; }
  /// Where the time went, in words: "connect 12 ms, TLS 30 ms, handshake 100 ms".
  std::string spent() const;
  /// The proxy said something about the target, if only no; that it greets says nothing about what
  /// lies behind it.
  bool request_answered() const {
    return request_answered_ || (fresh_ && fresh_->request_answered_);
  }
  /// What `result`, which this came to, shows about the upstream.
  enum class Proof {
    none,
    works,   ///< if it was no success, what went wrong lies beyond the proxy
    fails,   ///< proxy_failed()
    silent,  ///< the request was taken and not answered, which may be the target's fault
  };
  Proof proof(const DialResult& result) const;

 private:
  enum class Stage { look_up, connect, tls, handshake };

  AddressGuard::Egress egress() const;
  void on_target_found(Lookup::Found found);
  void connect();
  void connect_anew();
  std::chrono::milliseconds left() const;
  void dial_fresh();
  void on_fresh_done(DialResult result);
  void give_up_as_fresh();
  void replace_stale();
  std::unique_ptr<Handshake> make_handshake() const;
  void on_connected(DialResult result);
  void continue_tls();
  void begin_handshake();
  void continue_handshake();
  bool flush_output();
  void on_ready(Stream& stream) override;
  void on_timeout();

  bool is_direct() const { return upstream_.config.kind == UpstreamConfig::Kind::direct; }
  std::string upstream_name() const;
  std::string out_of_reach(std::string_view cause) const;
  std::string target_name() const;
  const HostPort& asked_for() const { return resolved_ ? *resolved_ : target_; }
  void fail_target(Error error);
  void fail(Error error);
  void fail_tls(const Io& io);
  void fail_io(const Io& io);
  bool may_have_gone(const Error& error) const;
  void give_up(Error error);
  void succeed();

  Loop& loop_;
  Upstream& upstream_;
  const HostPort& target_;
  std::optional<HostPort> resolved_;  // target_ by its address, with resolve=local
  Purpose purpose_;
  AddressCheck check_;
  DialDone done_;
  Stage stage_ = Stage::connect;
  Loop::Clock::time_point begun_;
  Loop::Clock::time_point connected_{};  // to the proxy; none yet if zero
  Loop::Clock::time_point secured_{};    // the same for TLS
  Loop::Clock::time_point deadline_;
  std::chrono::milliseconds connect_limit_;
  Timer timer_;
  std::unique_ptr<Lookup> lookup_;
  std::unique_ptr<Dial> transport_;
  std::unique_ptr<Stream> stream_;
  TlsStream* tls_ = nullptr;  // stream_, if TLS began in this dial
  std::unique_ptr<Handshake> handshake_;
  std::string output_;
  bool from_pool_ = false;            // the connection has waited in a WarmPool
  std::unique_ptr<ProxyDial> fresh_;  // beside that connection, which is silent
  std::optional<Error> fresh_error_;  // what that came to, while the other may still answer
  bool fresh_proxy_failed_ = false;
  bool takes_warm_ = true;
  std::optional<Error> reset_;  // why the proxy is being connected to once more
  bool proxy_failed_ = false;
  bool proxy_answered_ = false;  // said something, if only a greeting
  bool request_answered_ = false;
};

}  // namespace culvert
