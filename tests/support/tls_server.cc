#include "support/tls_server.h"

#include <cstdio>
#include <stdexcept>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/ip_address.h"

namespace culvert::test {
namespace {

void check(bool fine) {
  if (!fine) throw std::runtime_error(ERR_error_string(ERR_get_error(), nullptr));
}

EVP_PKEY* make_key() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  check(key != nullptr);
  return key;
}

void add_extension(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  check(extension != nullptr);
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

long next_number() {
  static long number = 0;
  return ++number;
}

/// A certificate that is signed by `issuer`, or by itself.
X509* make_certificate(const TlsAuthority::Certificate& wanted, EVP_PKEY* key, X509* issuer,
                       EVP_PKEY* issuer_key) {
  const std::string& name = wanted.common_name;
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), next_number());
  constexpr long kDay = 24 * 60 * 60;
  X509_gmtime_adj(X509_getm_notBefore(cert), wanted.from * kDay);
  X509_gmtime_adj(X509_getm_notAfter(cert), wanted.to * kDay);
  X509_NAME* subject = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(cert, issuer != nullptr ? X509_get_subject_name(issuer) : subject);
  X509_set_pubkey(cert, key);
  if (issuer == nullptr) {
    add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
  } else if (!wanted.names.empty()) {
    std::string all;
    for (const std::string& each : wanted.names) {
      all += (all.empty() ? "" : ",") + (IpAddress::parse(each) ? "IP:" + each : "DNS:" + each);
    }
    add_extension(cert, issuer, NID_subject_alt_name, all);
  }
  check(X509_sign(cert, issuer != nullptr ? issuer_key : key, EVP_sha256()) > 0);
  return cert;
}

void write_file(const std::string& path, auto write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  check(file != nullptr && write(file) == 1 && std::fclose(file) == 0);
}

}  // namespace

TlsAuthority::TlsAuthority(std::string name) : key_(make_key()) {
  if (name.empty()) name = "test authority " + std::to_string(next_number());
  cert_ = make_certificate({.common_name = std::move(name), .names = {}}, key_, nullptr, nullptr);
  write_file(file(), [&](std::FILE* out) { return PEM_write_X509(out, cert_); });
}

TlsAuthority::~TlsAuthority() {
  X509_free(cert_);
  EVP_PKEY_free(key_);
}

TlsAuthority::Files TlsAuthority::issue(const std::string& name, bool expired) const {
  return issue({.common_name = name, .names = {name}, .to = expired ? -1 : 7});
}

TlsAuthority::Files TlsAuthority::own_files() const {
  Files files{file(), dir_.path("ca.key")};
  write_file(files.key, [&](std::FILE* out) {
    return PEM_write_PrivateKey(out, key_, nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

TlsAuthority::Files TlsAuthority::issue(const Certificate& certificate) const {
  const std::string base = dir_.path(std::to_string(next_number()));
  Files files{base + ".pem", base + ".key"};
  EVP_PKEY* key = make_key();
  X509* cert = make_certificate(certificate, key, cert_, key_);
  write_file(files.cert, [&](std::FILE* out) { return PEM_write_X509(out, cert); });
  write_file(files.key, [&](std::FILE* out) {
    return PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(cert);
  EVP_PKEY_free(key);
  return files;
}

std::shared_ptr<ssl_ctx_st> make_server_context(const TlsAuthority::Files& files,
                                                const TlsServerOptions& options) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  check(SSL_CTX_use_certificate_file(context.get(), files.cert.c_str(), SSL_FILETYPE_PEM) == 1);
  check(SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) == 1);
  const std::string_view id = "culvert test";
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(id.data()),
                                 static_cast<unsigned>(id.size()));
  if (options.only_tls12) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  if (options.only_tls11) {
    SSL_CTX_set_min_proto_version(context.get(), TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    SSL_CTX_set_security_level(context.get(), 0);
  }
  if (!options.client_ca.empty()) {
    check(SSL_CTX_load_verify_file(context.get(), options.client_ca.c_str()) == 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

TlsServer::TlsServer(Peer& wire, std::shared_ptr<ssl_ctx_st> context)
    : wire_(wire), context_(std::move(context)), ssl_(SSL_new(context_.get())) {
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(ssl_);
  wire_.set_listener([this](const std::string& bytes, bool end) { on_wire(bytes, end); });
}

TlsServer::~TlsServer() {
  wire_.set_listener(nullptr);
  SSL_free(ssl_);
}

TlsServer& TlsServer::expects(std::string bytes) {
  script_.expects(std::move(bytes));
  return acted();
}
TlsServer& TlsServer::expects_end() {
  script_.expects_end();
  return acted();
}
TlsServer& TlsServer::sends(std::string bytes) {
  script_.sends(std::move(bytes));
  return acted();
}
TlsServer& TlsServer::ends() {
  script_.ends();
  return acted();
}

TlsServer& TlsServer::updates_keys() {
  SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(ssl_);
  flush();
  return *this;
}

TlsServer& TlsServer::acted() {
  if (SSL_is_init_finished(ssl_)) pump();
  return *this;
}

bool TlsServer::resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string TlsServer::sni() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

bool TlsServer::has_client_certificate() const {
  return SSL_get0_peer_certificate(ssl_) != nullptr;
}

void TlsServer::on_wire(const std::string& bytes, bool end) {
  BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
  if (!end) pump();
}

void TlsServer::pump() {
  ERR_clear_error();
  std::string buffer(16 * 1024, '\0');
  for (;;) {
    const int count = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
    if (count > 0) {
      const std::string bytes = buffer.substr(0, static_cast<std::size_t>(count));
      if (replies) {
        script_.sends(replies(bytes));
      } else {
        script_.take(bytes);
      }
      continue;
    }
    const int why = SSL_get_error(ssl_, count);
    if (why == SSL_ERROR_ZERO_RETURN && !script_.received_end()) script_.take_end();
    if (why == SSL_ERROR_SSL) failure_ = ERR_reason_error_string(ERR_peek_last_error());
    break;
  }
  if (SSL_is_init_finished(ssl_)) {
    if (!script_.output.empty()) {
      SSL_write(ssl_, script_.output.data(), static_cast<int>(script_.output.size()));
      script_.output.clear();
    }
    if (script_.ended && !ended_) SSL_shutdown(ssl_);
  }
  flush();
}

void TlsServer::flush() {
  std::string bytes(static_cast<std::size_t>(BIO_pending(SSL_get_wbio(ssl_))), '\0');
  if (!bytes.empty()) {
    BIO_read(SSL_get_wbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    wire_.sends(bytes);
  }
  if (script_.ended && !std::exchange(ended_, true)) wire_.ends();
}

}  // namespace culvert::test
