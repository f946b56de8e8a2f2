#include "net/client_hello.h"

#include <memory>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace culvert {

std::string make_client_hello(const HostPort& host) {
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  if (!context) return {};
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), SSL_free);
  if (!tls) return {};
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(tls.get(), in, out);
  if (in == nullptr || out == nullptr) return {};
  std::string name = host.host;
  if (name.ends_with('.')) name.pop_back();
  // SSL_set_tlsext_host_name, whose macro has a cast that we do not allow.
  if (!host.ip) {
    SSL_ctrl(tls.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  SSL_set_connect_state(tls.get());
  // It writes the hello, and finds no answer.
  SSL_do_handshake(tls.get());
  ERR_clear_error();
  std::string hello(BIO_ctrl_pending(out), '\0');
  BIO_read(out, hello.data(), static_cast<int>(hello.size()));
  return hello;
}

}  // namespace culvert
