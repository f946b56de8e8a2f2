// The server's side of TLS, in memory, with certificates made for the test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/scripted_stream.h"
#include "support/sockets.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace culvert::test {

/// A certificate authority and its files.
class TlsAuthority {
 public:
  /// With no name it has one of its own.
  explicit TlsAuthority(std::string name = {});
  ~TlsAuthority();
  TlsAuthority(const TlsAuthority&) = delete;
  TlsAuthority& operator=(const TlsAuthority&) = delete;

  /// The certificate to trust, PEM.
  std::string file() const { return dir_.path("ca.pem"); }
  /// A certificate for a DNS name or an IP address, and its key, PEM.
  struct Files {
    std::string cert, key;
  };
  Files issue(const std::string& name, bool expired = false) const;
  Files own_files() const;  ///< its own certificate, and its key
  /// The same for several names, or with a common name that is not among them; valid between these
  /// days from now.
  struct Certificate {
    std::string common_name;
    std::vector<std::string> names;
    long from = -2, to = 7;
  };
  Files issue(const Certificate& certificate) const;

 private:
  TempDir dir_;
  evp_pkey_st* key_;
  x509_st* cert_;
};

/// The settings of a TLS server.
struct TlsServerOptions {
  std::string client_ca;  ///< requires a certificate of it
  bool only_tls12 = false;
  bool only_tls11 = false;
};
std::shared_ptr<ssl_ctx_st> make_server_context(const TlsAuthority::Files& files,
                                                const TlsServerOptions& options = {});

/// Speaks TLS at the far end of a scripted stream; its own script is what goes on inside.
class TlsServer {
 public:
  TlsServer(Peer& wire, std::shared_ptr<ssl_ctx_st> context);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  TlsServer& expects(std::string bytes);
  TlsServer& expects_end();  ///< close_notify
  TlsServer& sends(std::string bytes);
  TlsServer& ends();  ///< close_notify, then FIN
  /// RFC 8446 section 4.6.3: takes a new key, and requests one of the other side.
  TlsServer& updates_keys();

  std::string verdict() const { return failure_.empty() ? script_.verdict() : failure_; }
  const std::string& received() const { return script_.received(); }
  const Dialogue& script() const { return script_; }
  bool resumed() const;     ///< the client continued an earlier session
  std::string sni() const;  ///< the name that the client requested
  bool has_client_certificate() const;

  /// For a peer that is more than a script.
  std::function<std::string(std::string)> replies;

 private:
  TlsServer& acted();
  void on_wire(const std::string& bytes, bool end);
  void pump();
  void flush();

  Peer& wire_;
  std::shared_ptr<ssl_ctx_st> context_;
  ssl_st* ssl_;
  Dialogue script_;
  std::string failure_;
  bool ended_ = false;
};

}  // namespace culvert::test
