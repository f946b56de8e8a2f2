#include "tls.h"

#include <cstdio>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "wire.h"

namespace bench {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

void must(bool done, const char* what) {
  if (!done) fail(std::string("TLS: ") + what + ": " + ERR_reason_error_string(ERR_peek_error()));
}

void add_extension(X509* certificate, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value);
  X509_EXTENSION_free(extension);
}

Certificate self_signed(EVP_PKEY* key) {
  constexpr long kDay = 24 * 60 * 60;
  Certificate certificate(X509_new());
  must(certificate != nullptr, "X509_new");
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const unsigned char common_name[] = "bench upstream";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_alt_name, "IP:127.0.0.1");
  must(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

}  // namespace

TlsContext make_tls_server(const std::string& certificate_file) {
  // EVP_EC_gen, whose macro has a cast that we do not allow.
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  must(key != nullptr, "EVP_PKEY_Q_keygen");
  const Certificate certificate = self_signed(key.get());
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  must(context != nullptr, "SSL_CTX_new");
  must(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1, "the certificate");
  must(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1, "the key");
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

  std::FILE* file = std::fopen(certificate_file.c_str(), "w");
  if (file == nullptr) fail("cannot write " + certificate_file);
  const bool written = PEM_write_X509(file, certificate.get()) == 1;
  if (std::fclose(file) != 0 || !written) fail("cannot write " + certificate_file);
  return context;
}

}  // namespace bench
