// Our side of TLS with a client, and OpenSSL's own client at the other end of a socket pair.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/tcp_stream.h"
#include "net/tls_server_context.h"
#include "net/tls_stream.h"
#include "support/sockets.h"
#include "support/tls_client.h"

namespace culvert::test {

/// A context with these certificates, and perhaps a CA for clients.
inline std::shared_ptr<TlsServerContext> server_context(
    const std::vector<TlsAuthority::Files>& certificates, const std::string& client_ca = {}) {
  TlsServerContext::Options options;
  for (const TlsAuthority::Files& files : certificates) {
    options.certificates.push_back({files.cert, files.key});
  }
  options.client_ca = client_ca;
  std::vector<std::string> problems;
  auto made = TlsServerContext::make(options, problems);
  if (!made) throw std::runtime_error(problems.at(0));
  return made;
}

inline const TlsAuthority::Files& proxy_files() {
  static const TlsAuthority::Files files = authority().issue("proxy.example");
  return files;
}

/// OpenSSL as a client of `fd`, which is not blocking.
class RawTlsClient {
 public:
  struct Options {
    int version = 0;  ///< TLS1_2_VERSION or TLS1_3_VERSION; 0: whatever both can
    std::string name = "proxy.example";
    std::vector<unsigned char> protocols{};  ///< ALPN, each behind its size
    TlsAuthority::Files certificate{};
    std::string trust = authority().file();  ///< empty: any server
    const char* signatures = nullptr;        ///< the only ones that it takes
    const char* ciphers = nullptr;           ///< the same, of `version`
  };
  RawTlsClient(Fd fd, const Options& options, SSL_SESSION* resumed = nullptr)
      : fd_(std::move(fd)), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX* context = context_.get();
    if (options.version != 0) {
      SSL_CTX_set_min_proto_version(context, options.version);
      SSL_CTX_set_max_proto_version(context, options.version);
      if (options.version < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
    }
    if (!options.trust.empty()) {
      SSL_CTX_load_verify_file(context, options.trust.c_str());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    }
    if (!options.certificate.cert.empty()) {
      SSL_CTX_use_certificate_chain_file(context, options.certificate.cert.c_str());
      SSL_CTX_use_PrivateKey_file(context, options.certificate.key.c_str(), SSL_FILETYPE_PEM);
    }
    if (options.signatures != nullptr) {
      std::string list = options.signatures;
      SSL_CTX_set1_sigalgs_list(context, list.data());
    }
    if (options.ciphers != nullptr) {
      const bool old = options.version == TLS1_2_VERSION;
      (old ? SSL_CTX_set_cipher_list : SSL_CTX_set_ciphersuites)(context, options.ciphers);
    }
    if (!options.protocols.empty()) {
      SSL_CTX_set_alpn_protos(context, options.protocols.data(),
                              static_cast<unsigned>(options.protocols.size()));
    }
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_.get());
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(options.name.c_str()));
    if (!options.trust.empty()) SSL_set1_host(ssl_.get(), options.name.c_str());
    if (resumed != nullptr) SSL_set_session(ssl_.get(), resumed);
    SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() const { return ssl_.get(); }
  Fd& fd() { return fd_; }
  /// Continues the handshake; true once it is over.
  bool step() {
    if (done() || !failure.empty()) return true;
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl());
    note(result);
    return done() || !failure.empty();
  }
  bool done() const { return SSL_is_init_finished(ssl()) == 1; }
  /// What can be read now.
  void read_now() {
    char buffer[20'000];
    for (;;) {
      ERR_clear_error();
      const int count = SSL_read(ssl(), buffer, sizeof buffer);
      if (count <= 0) return note(count);
      received.append(buffer, static_cast<std::size_t>(count));
    }
  }
  void write(std::string_view bytes) {
    SSL_write(ssl(), bytes.data(), static_cast<int>(bytes.size()));
  }
  /// The session that can be resumed.
  std::shared_ptr<SSL_SESSION> session() const {
    return {SSL_get1_session(ssl()), SSL_SESSION_free};
  }
  bool resumed() const { return SSL_session_reused(ssl()) == 1; }

  std::string received;
  std::string failure;  ///< why it is over
  bool ended = false;   ///< by close_notify

 private:
  void note(int result) {
    const int why = SSL_get_error(ssl(), result);
    if (why == SSL_ERROR_ZERO_RETURN) ended = true;
    if (why == SSL_ERROR_SYSCALL) failure = "closed";
    if (why == SSL_ERROR_SSL) {
      const char* reason = ERR_reason_error_string(ERR_peek_error());
      failure = reason != nullptr ? reason : "unknown";
    }
  }

  Fd fd_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  struct Free {
    void operator()(SSL* ssl) const {
      // Or its session would count as broken.
      SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
      SSL_free(ssl);
    }
  };
  std::unique_ptr<SSL, Free> ssl_;
};

/// Two ends of a unix socket pair, neither blocking.
inline std::pair<Fd, Fd> open_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
    throw std::runtime_error("no socket pair");
  }
  return {Fd(fds[0]), Fd(fds[1])};
}

/// A server and a client that are connected.
struct TlsTalk final : StreamEvents {
  explicit TlsTalk(const TlsServerContext& context, const RawTlsClient::Options& options = {},
                   SSL_SESSION* resumed = nullptr)
      : TlsTalk(context, options, resumed, open_pair()) {}

  void on_ready(Stream&) override {
    if (!server_over()) result = server->handshake();
  }
  bool server_over() const { return result.status != Io::Status::would_block; }
  bool ready() const { return result.status == Io::Status::ok && client->done(); }
  /// Until both know how it ended.
  [[nodiscard]] bool shake_hands() {
    return turn_until(loop, [&] { return client->step() && server_over(); }) && ready();
  }
  /// Until the server has `size` bytes, or an end: "(eof)" or "(error)".
  std::string server_reads(std::size_t size) {
    std::string out;
    char buffer[64'000];
    static_cast<void>(turn_until(loop, [&] {
      const Io io = server->try_read(buffer);
      if (io.status == Io::Status::ok) out.append(buffer, io.bytes);
      if (io.status == Io::Status::eof) out += "(eof)";
      if (io.status == Io::Status::error) out += "(error)";
      return out.size() >= size || io.status == Io::Status::eof || io.status == Io::Status::error;
    }));
    return out;
  }
  std::string client_reads(std::size_t size) {
    static_cast<void>(turn_until(loop, [&] {
      client->read_now();
      return client->received.size() >= size || client->ended || !client->failure.empty();
    }));
    return client->received + (client->ended ? "(end)" : "") +
           (client->failure.empty() ? "" : "(" + client->failure + ")");
  }
  Error error() const { return server->client_error(result); }

  Loop loop;
  std::unique_ptr<TlsStream> server;
  std::unique_ptr<RawTlsClient> client;
  Io result = Io::would_block();

 private:
  TlsTalk(const TlsServerContext& context, const RawTlsClient::Options& options,
          SSL_SESSION* resumed, std::pair<Fd, Fd> ends)
      : server(TlsStream::server(
            std::make_unique<TcpStream>(loop, ends.first.release(), TcpStream::State::connected),
            context)),
        client(std::make_unique<RawTlsClient>(std::move(ends.second), options, resumed)) {
    server->set_events(this);
    result = server->handshake();
  }
};

}  // namespace culvert::test
