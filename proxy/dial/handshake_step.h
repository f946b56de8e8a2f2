#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/trace.h"
#include "codec/handshake.h"
#include "config/config.h"
#include "dial/dial_outcome.h"
#include "net/output.h"
#include "net/stream.h"
#include "net/tls_stream.h"

namespace culvert {

struct Upstream;

/// One of the handshakes that turn a connection to a proxy into one to the target.
class HandshakeStep {
 public:
  enum class Progress : std::uint8_t {
    waits,
    refused,  ///< waits for more about the reason; failure() is what is known
    done,
    failed,
  };

  virtual ~HandshakeStep() = default;
  /// Continues until the stream would block; then on_ready() is awaited.
  virtual Progress advance() = 0;
  virtual DialPhase phase() const = 0;
  /// The failure, after advance() failed or was refused.  `io` is last_io(), or that of a later
  /// step, interpreted for this one.
  virtual HandshakeFailure failure(const Io& io) const = 0;
  /// The outcome of the last attempt to read or write.
  const Io& last_io() const { return io_; }

 protected:
  Io io_;
};

/// The header of the PROXY protocol, which nothing replies to.
class HeaderStep final : public HandshakeStep {
 public:
  /// `stream` outlives every advance().
  HeaderStep(Stream& stream, std::string header) : stream_(stream), header_(std::move(header)) {}
  Progress advance() override;
  /// It is part of connecting.
  DialPhase phase() const override { return DialPhase::connect; }
  HandshakeFailure failure(const Io& io) const override;

 private:
  Stream& stream_;
  Output header_;
};

/// TLS with an upstream's proxy.
class TlsStep final : public HandshakeStep {
 public:
  /// Wraps `stream` in TLS.
  TlsStep(std::unique_ptr<Stream>& stream, Upstream& upstream);
  Progress advance() override;
  DialPhase phase() const override { return DialPhase::tls; }
  HandshakeFailure failure(const Io& io) const override;

 private:
  TlsStream* tls_;  // the stream around
};

/// The proxy's own handshake: SOCKS, or CONNECT.
class ProxyStep final : public HandshakeStep {
 public:
  /// `stream` outlives every advance().
  ProxyStep(Stream& stream, std::unique_ptr<Handshake> handshake);
  /// Tells what is sent and received from the first message on; both outlive every advance().
  [[gnu::cold]] void tell(Trace& trace, const UpstreamConfig& upstream);
  Progress advance() override;
  DialPhase phase() const override { return handshake_->phase(); }
  HandshakeFailure failure(const Io& io) const override;
  Replied replied() const { return replied_; }

 private:
  Progress pause_or_fail();
  bool take(std::string_view bytes);
  void note_reply();

  Stream& stream_;
  std::unique_ptr<Handshake> handshake_;
  Output output_;
  Replied replied_ = Replied::nothing;
  std::optional<HandshakeFailure> refusal_;  // from the proxy's reply
  Trace* trace_ = nullptr;
  const UpstreamConfig* upstream_ = nullptr;  // with trace_
};

}  // namespace culvert
