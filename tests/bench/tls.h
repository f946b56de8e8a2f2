#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

/// The server's side of TLS for the HTTPS upstream.
namespace bench {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

/// A server that resumes sessions by ticket, with a certificate for 127.0.0.1 made on the spot and
/// written to the file, for its client to trust.
TlsContext make_tls_server(const std::string& certificate_file);

}  // namespace bench
