#include "net/tls_context.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "net/tls_ciphers.h"
#include "net/tls_session_slot.h"
#include "net/tls_settings.h"

namespace culvert {
namespace {

Error file_error(const std::string& what, const std::string& file) {
  return {Errc::tls_certificate_error, Side::local, 0,
          what + " " + printable(file) + ": " + last_tls_error()};
}

/// What OpenSSL finds in a CA's certificate when it is first used it keeps there: now, before the
/// workers' threads share it.
void look_into_cas(SSL_CTX* context) {
  const STACK_OF(X509_OBJECT)* all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
    X509* const ca = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));
    if (ca != nullptr) X509_check_purpose(ca, -1, 0);
  }
}

/// The files of a hashed directory are read when they are needed: "2e5ac55d.0".
bool has_hashed_file(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
  while (const dirent* file = open ? readdir(open.get()) : nullptr) {
    const std::string_view name = file->d_name;
    if (name.size() > 9 && name.find_first_not_of("0123456789abcdef") == 8 && name[8] == '.') {
      return true;
    }
  }
  return false;
}

/// Where other systems have their CAs.  A static culvert runs there, too, and knows the places of
/// the system on which it was linked.
constexpr auto kFilesElsewhere = std::to_array<const char*>({
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
});

/// Of the system.
bool has_authorities(SSL_CTX* context) {
  if (sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))) > 0) return true;
  const std::vector<std::string> places = system_ca_places();
  return std::any_of(places.begin(), places.end(), has_hashed_file);
}

bool load_system_trust(SSL_CTX* context) {
  if (SSL_CTX_set_default_verify_paths(context) != 1) return false;
  const bool chosen = std::getenv(X509_get_default_cert_file_env()) != nullptr ||
                      std::getenv(X509_get_default_cert_dir_env()) != nullptr;
  if (chosen || has_authorities(context)) return true;
  for (const char* const file : kFilesElsewhere) {
    if (SSL_CTX_load_verify_file(context, file) == 1) break;
    ERR_clear_error();
  }
  return true;
}

Result<void> load_trust(SSL_CTX* context, const std::string& ca) {
  const auto load = [&] {
    if (ca.empty()) return load_system_trust(context);
    struct stat file {};
    const bool directory = stat(ca.c_str(), &file) == 0 && S_ISDIR(file.st_mode);
    return (directory ? SSL_CTX_load_verify_dir(context, ca.c_str())
                      : SSL_CTX_load_verify_file(context, ca.c_str())) == 1;
  };
  if (!load()) return file_error("cannot read CA certificates", ca);
  return {};
}

Result<void> load_client_certificate(SSL_CTX* context, const std::string& cert,
                                     const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(context, cert.c_str()) != 1) {
    return file_error("cannot read client certificate", cert);
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return file_error("cannot read private key", key);
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return file_error("private key does not belong to the certificate", key);
  }
  return {};
}

}  // namespace

std::vector<std::string> system_ca_places() {
  const auto value_or = [](const char* variable, const char* otherwise) {
    const char* const value = std::getenv(variable);
    return std::string(value != nullptr ? value : otherwise);
  };
  std::vector<std::string> places = {
      value_or(X509_get_default_cert_file_env(), X509_get_default_cert_file())};
  const std::string directories =
      value_or(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
  for (const std::string_view one : split(directories, ':')) places.emplace_back(one);
  return places;
}

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::make(const Options& options) {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) {
    return Error{Errc::proxy_internal_error, Side::local, 0, "TLS: " + last_tls_error()};
  }
  std::shared_ptr<TlsClientContext> out(new TlsClientContext(context));
  out->any_server_ = options.any_server;
  set_stream_options(context);
  offer_fast_ciphers_first(context, has_aes_instructions());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, TlsSessionSlot::on_new_session);
  if (auto loaded = load_trust(context, options.ca); !loaded) return std::move(loaded).error();
  look_into_cas(context);
  if (options.ca.empty()) {
    out->trust_ = has_authorities(context) ? TlsTrust::system : TlsTrust::nobody;
  }
  if (!options.cert.empty()) {
    auto loaded = load_client_certificate(context, options.cert, options.key);
    if (!loaded) return std::move(loaded).error();
  }
  return std::shared_ptr<const TlsClientContext>(std::move(out));
}

TlsClientContext::~TlsClientContext() { SSL_CTX_free(context_); }

}  // namespace culvert
