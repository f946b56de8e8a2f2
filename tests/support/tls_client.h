// A TLS client as a dial drives it, and the certificates of its tests.
#pragma once

#include <memory>
#include <string>

#include "net/tls_context.h"
#include "net/tls_session_slot.h"
#include "net/tls_stream.h"
#include "support/tls_server.h"
#include "support/turns.h"

namespace culvert::test {

/// Making keys takes time, so all tests share one authority.
inline const TlsAuthority& authority() {
  static const TlsAuthority instance;
  return instance;
}

inline std::shared_ptr<const TlsClientContext> trusting_context() {
  return TlsClientContext::make({.ca = authority().file(), .cert = {}, .key = {}}).value();
}

inline std::shared_ptr<ssl_ctx_st> proxy_context(const TlsServerOptions& options = {}) {
  static const TlsAuthority::Files files = authority().issue("proxy.example");
  return make_server_context(files, options);
}

/// A TlsStream that does its handshake by itself.
struct TlsClient final : StreamEvents {
  TlsClient(Loop& on, std::unique_ptr<Stream> beneath, const TlsClientContext& context,
            TlsSessionSlot& slot, const std::string& name = "proxy.example")
      : loop(on), stream(TlsStream::client(std::move(beneath), context, name, slot)) {
    stream->set_events(this);
    on_ready(*stream);
  }
  void on_ready(Stream&) override {
    ++calls;
    if (!ready()) result = stream->handshake();
  }
  bool ready() const { return result.status == Io::Status::ok; }
  bool over() const { return result.status != Io::Status::would_block; }
  bool shake_hands() {
    return turn_until(loop, [&] { return over(); });
  }
  Error error() const { return stream->handshake_error(result); }

  /// Reads until there is an end or `size` bytes.
  std::string read(std::size_t size) {
    std::string out;
    char buffer[20'000];
    static_cast<void>(turn_until(loop, [&] {
      const Io io = stream->try_read(buffer);
      if (io.status == Io::Status::ok) out.append(buffer, io.bytes);
      if (io.status == Io::Status::eof) out += "(eof)";
      if (io.status == Io::Status::error) out += "(error)";
      return out.size() >= size || io.status == Io::Status::eof || io.status == Io::Status::error;
    }));
    return out;
  }
  /// Writes all of it.
  bool write(std::string_view bytes) {
    return turn_until(loop,
                      [&] {
                        const Io io = stream->try_write(bytes);
                        if (io.status == Io::Status::ok) bytes.remove_prefix(io.bytes);
                        return bytes.empty() || io.status == Io::Status::error;
                      }) &&
           bytes.empty();
  }
  /// Writes `rest` and reads into `received`, both at once and as a relay does: on until both
  /// block, and then no sooner than an event.
  template <typename Done>
  bool exchange(std::string_view& rest, std::string& received, Done done) {
    std::string buffer(64 * 1024, '\0');
    int seen = calls - 1;
    return turn_until(loop, [&] {
      if (seen == calls) return false;
      seen = calls;
      for (bool blocked = false; !blocked && !done();) {
        const Io out = rest.empty() ? Io::would_block() : stream->try_write(rest.substr(0, 64'000));
        if (out.status == Io::Status::ok) rest.remove_prefix(out.bytes);
        const Io in = ended ? Io::would_block() : stream->try_read(buffer);
        if (in.status == Io::Status::ok) received.append(buffer, 0, in.bytes);
        ended = ended || in.status == Io::Status::eof || in.status == Io::Status::error;
        blocked = out.status != Io::Status::ok && in.status == Io::Status::would_block;
      }
      return done();
    });
  }
  bool shut_down() {
    return turn_until(loop,
                      [&] { return stream->shutdown_write().status != Io::Status::would_block; });
  }

  Loop& loop;
  std::unique_ptr<TlsStream> stream;
  Io result = Io::would_block();
  int calls = 0;
  bool ended = false;  ///< exchange() has read all that there was
};

/// A client that trusts its server, and begins its handshake over a scripted wire.
struct TlsLine {
  explicit TlsLine(const Pace& pace = {}, const TlsServerOptions& options = {})
      : wire(loop, pace), server(wire, proxy_context(options)) {}

  Loop loop;
  Peer wire;
  TlsServer server;
  TlsSessionSlot slot;
  std::shared_ptr<const TlsClientContext> context = trusting_context();
  TlsClient client{loop, wire.stream(), *context, slot};
};

}  // namespace culvert::test
