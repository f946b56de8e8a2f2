#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/certificate_text.h"

struct ssl_ctx_st;

namespace culvert {

/// Where OpenSSL looks for the system's CAs: files, and directories of which it reads files when it
/// needs them.  Environment variables (SSL_CERT_FILE, SSL_CERT_DIR) count.
std::vector<std::string> system_ca_places();

/// The settings for TLS to a server: trusted CAs, and our own certificate.  Immutable once made, so
/// the workers share it.
class TlsClientContext {
 public:
  struct Options {
    std::string ca;           ///< PEM file or hashed directory; empty: the system's store
    std::string cert, key;    ///< PEM files; both empty: no client certificate
    bool any_server = false;  ///< its certificate is not checked
  };
  /// The error's text names the file that cannot be used.
  static Result<std::shared_ptr<const TlsClientContext>> make(const Options& options);

  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  ssl_ctx_st* get() const { return context_; }
  TlsTrust trust() const { return trust_; }
  bool any_server() const { return any_server_; }

 private:
  explicit TlsClientContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
  TlsTrust trust_ = TlsTrust::named;
  bool any_server_ = false;
};

}  // namespace culvert
