#include "dial/handshake_step.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "codec/clause.h"
#include "codec/protocol_guess.h"
#include "dial/dial_text.h"
#include "dial/dial_trace.h"
#include "dial/upstream.h"

namespace culvert {

HandshakeStep::Progress HeaderStep::advance() {
  io_ = header_.write_to(stream_);
  if (io_.status == Io::Status::would_block) return Progress::waits;
  return io_.status == Io::Status::ok ? Progress::done : Progress::failed;
}

HandshakeFailure HeaderStep::failure(const Io& io) const {
  return with_system_error(
      upstream_fault(Errc::connection_terminated, "closed the connection at once"), io.error);
}

TlsStep::TlsStep(std::unique_ptr<Stream>& stream, Upstream& upstream) {
  const UpstreamConfig& config = upstream.config;
  auto tls = TlsStream::client(std::move(stream), *upstream.tls,
                               config.sni.empty() ? config.address.host : config.sni,
                               *upstream.tls_session);
  tls_ = tls.get();
  stream = std::move(tls);
}

HandshakeStep::Progress TlsStep::advance() {
  io_ = tls_->handshake();
  if (io_.status == Io::Status::would_block) return Progress::waits;
  return io_.status == Io::Status::ok ? Progress::done : Progress::failed;
}

HandshakeFailure TlsStep::failure(const Io& io) const {
  std::string other = why_not_tls(tls_->first_bytes());
  if (!other.empty()) return upstream_fault(Errc::tls_protocol_error, std::move(other));
  return {tls_->handshake_error(io)};
}

ProxyStep::ProxyStep(Stream& stream, std::unique_ptr<Handshake> handshake)
    : stream_(stream), handshake_(std::move(handshake)), output_(handshake_->take_output()) {}

void ProxyStep::tell(Trace& trace, const UpstreamConfig& upstream) {
  trace_ = &trace;
  upstream_ = &upstream;
  trace_sent(trace_, *upstream_, phase(), output_.rest());
}

HandshakeStep::Progress ProxyStep::advance() {
  std::array<char, 2048> buffer;
  for (;;) {
    if (!output_.empty()) {
      io_ = output_.write_to(stream_);
      if (io_.status != Io::Status::ok) return pause_or_fail();
    }
    if (handshake_->done()) return Progress::done;
    io_ = stream_.try_read(buffer);
    if (io_.status != Io::Status::ok) return pause_or_fail();
    if (!take({buffer.data(), io_.bytes})) return Progress::failed;
  }
}

HandshakeStep::Progress ProxyStep::pause_or_fail() {
  const bool blocks = io_.status == Io::Status::would_block;
  if (handshake_->is_refused()) {
    // How the connection ends tells no more.
    io_ = Io::would_block();
    return blocks ? Progress::refused : Progress::failed;
  }
  if (blocks) return Progress::waits;
  // After earlier replies the close counts as a reply: this is how ssh -D refuses.
  if (replied_ != Replied::nothing) note_reply();
  return Progress::failed;
}

/// False if the proxy refused.
bool ProxyStep::take(std::string_view bytes) {
  note_reply();
  const DialPhase answered = phase();
  auto used = handshake_->consume(bytes);
  if (trace_ != nullptr) {
    trace_received(trace_, *upstream_, answered, used ? bytes.substr(0, *used) : bytes);
  }
  if (!used) {
    refusal_ = std::move(used).error();
    return false;
  }
  // Bytes received with the reply belong to the tunnel.
  if (*used < bytes.size()) stream_.unread(std::string(bytes.substr(*used)));
  output_.bytes() = handshake_->take_output();
  if (trace_ != nullptr) trace_sent(trace_, *upstream_, phase(), output_.rest());
  return true;
}

void ProxyStep::note_reply() {
  replied_ = std::max(replied_,
                      phase() == DialPhase::request ? Replied::to_request : Replied::to_greeting);
}

/// A failure in the current phase.
HandshakeFailure ProxyStep::failure(const Io& io) const {
  if (refusal_) return *refusal_;
  HandshakeFailure failure = handshake_->eof();
  if (handshake_->is_refused()) return failure;
  return io.status == Io::Status::error ? with_system_error(std::move(failure), io.error) : failure;
}

}  // namespace culvert
