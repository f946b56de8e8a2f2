#include "net/tls_server_context.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/fatal.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "net/pem.h"
#include "net/sha256.h"
#include "net/tls_settings.h"

namespace culvert {
namespace {

constexpr std::size_t kMostOfCas = 4 << 20;

// AES-128 first: it costs the least time and memory, and nobody breaks it (RFC 8446 section 9.1
// has every client know it).  A client without hardware for AES asks for ChaCha20 first, and gets
// that.
constexpr const char* kCiphers = "ECDHE+AESGCM+AES128:ECDHE+CHACHA20:ECDHE+AESGCM";  // of TLS 1.2
constexpr const char* kCipherSuites =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";  // of 1.3

/// Which of `offered` (RFC 7301 section 3.1) is HTTP/1.1.  A client that offers others only would
/// speak one of them.
int on_protocols(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                 const unsigned char* offered, unsigned size, void*) {
  static constexpr std::string_view kHttp11 = "http/1.1";
  for (unsigned at = 0; at < size; at += 1U + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != kHttp11) continue;
    *chosen = offered + at + 1;
    *chosen_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// A client's certificate is checked in full handshakes only, and may have expired since.
bool certificate_has_expired(const SSL_SESSION* session) {
  X509* const cert = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return cert != nullptr && X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0;
}

SSL_TICKET_RETURN on_resumption(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                                SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  if (certificate_has_expired(session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/// As OpenSSL does it, but the connection does not hold the chain for as long as it lasts.
int verify_client(X509_STORE_CTX* check, void*) {
  const int verdict = X509_verify_cert(check);
  if (verdict == 1) X509_STORE_CTX_set0_verified_chain(check, nullptr);
  return verdict;
}

/// A session is resumed only where the same CAs are asked for.
void set_session_id(SSL_CTX* context, std::string_view digest_of_cas) {
  SSL_CTX_set_session_id_context(
      context, reinterpret_cast<const unsigned char*>(digest_of_cas.data()),
      static_cast<unsigned>(std::min<std::size_t>(digest_of_cas.size(), SSL_MAX_SID_CTX_LENGTH)));
}

/// The CAs by which clients are verified, and their names for CertificateRequest.
class ClientCas {
 public:
  ClientCas() : store_(X509_STORE_new()), names_(sk_X509_NAME_new_null()) {
    if (store_ == nullptr || names_ == nullptr) fatal("TLS", ENOMEM);
  }
  ~ClientCas() {
    X509_STORE_free(store_);
    sk_X509_NAME_pop_free(names_, X509_NAME_free);
  }
  ClientCas(const ClientCas&) = delete;
  ClientCas& operator=(const ClientCas&) = delete;

  /// The problem of `pem`, which is from `file`; empty: none.
  std::string read(std::string_view pem, const std::string& file) {
    ERR_clear_error();
    const PemReader reader = pem_reader(pem);
    while (X509* cert = next_certificate(reader)) {
      X509_STORE_add_cert(store_, cert);
      add_name(X509_get_subject_name(cert));
      X509_free(cert);
    }
    const bool whole = is_pem_end();
    ERR_clear_error();
    if (!whole) return concat({"a certificate in ", file, " is damaged"});
    if (sk_X509_NAME_num(names_) == 0) return file + " holds no certificate in PEM form";
    return {};
  }
  void set_for(SSL_CTX* context) const {
    SSL_CTX_set1_cert_store(context, store_);
    SSL_CTX_set_client_CA_list(context, SSL_dup_CA_list(names_));
  }

 private:
  void add_name(const X509_NAME* name) {
    for (int i = 0; i < sk_X509_NAME_num(names_); ++i) {
      if (X509_NAME_cmp(sk_X509_NAME_value(names_, i), name) == 0) return;
    }
    sk_X509_NAME_push(names_, X509_NAME_dup(name));
  }

  X509_STORE* store_;
  STACK_OF(X509_NAME) * names_;
};

SSL_CTX* make_context() {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) fatal("TLS", ENOMEM);
  set_stream_options(context);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_ciphersuites(context, kCipherSuites);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_alpn_select_cb(context, on_protocols, nullptr);
  // What is known of a session is with the client, in one ticket, which may be used again.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_session_ticket_cb(context, nullptr, on_resumption, nullptr);
  return context;
}

}  // namespace

std::shared_ptr<TlsServerContext> TlsServerContext::make(const Options& options,
                                                         std::vector<std::string>& problems) {
  ERR_clear_error();
  const std::size_t before = problems.size();
  std::shared_ptr<TlsServerContext> out(new TlsServerContext());
  for (const ServerCertificate::Files& files : options.certificates) {
    out->add_certificate(files, problems);
  }
  out->require_client_certificates(options.client_ca, problems);
  ERR_clear_error();
  if (problems.size() != before) return nullptr;
  out->set_ticket_keys(std::make_shared<TicketKeys>());
  return out;
}

TlsServerContext::~TlsServerContext() {
  for (const Identity& identity : identities_) SSL_CTX_free(identity.context);
}

void TlsServerContext::add_certificate(const ServerCertificate::Files& files,
                                       std::vector<std::string>& problems) {
  auto certificate = ServerCertificate::read(files, problems);
  if (!certificate) return;
  Identity& identity = identity_for(*certificate);
  identity.kinds_of_key.push_back(EVP_PKEY_get_base_id(certificate->key()));
  if (SSL_CTX_use_cert_and_key(identity.context, certificate->leaf(), certificate->key(),
                               certificate->chain(), 0) != 1) {
    problems.push_back(concat(
        {"the certificate in ", printable(files.cert), " cannot be used: ", last_tls_error()}));
  }
  if (!default_) default_ = std::move(certificate);
}

/// Where the client's abilities choose between two kinds of key, or else a new one.
TlsServerContext::Identity& TlsServerContext::identity_for(const ServerCertificate& certificate) {
  const std::vector<std::string> names = certificate.names();
  const int kind = EVP_PKEY_get_base_id(certificate.key());
  const auto other_kind =
      std::find_if(identities_.begin(), identities_.end(), [&](const Identity& identity) {
        const auto& kinds = identity.kinds_of_key;
        return identity.names == names &&
               std::find(kinds.begin(), kinds.end(), kind) == kinds.end();
      });
  if (other_kind != identities_.end()) return *other_kind;
  for (const std::string& name : names) names_.add(name, identities_.size());
  SSL_CTX* context = make_context();
  SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(on_server_name));
  SSL_CTX_set_tlsext_servername_arg(context, this);
  return identities_.emplace_back(Identity{context, names, {}});
}

/// By one reading of the file, which may be replaced at any time: what a session is bound to and
/// what a client is verified by are always the same CAs.
void TlsServerContext::require_client_certificates(const std::string& ca,
                                                   std::vector<std::string>& problems) {
  SecretFile file;
  ClientCas cas;
  if (!ca.empty()) {
    file = read_secret_file(ca, kMostOfCas);
    std::string problem = file.problem.empty()
                              ? cas.read(file.text.reveal(), printable(ca))
                              : concat({"cannot read ", printable(ca), ": ", file.problem});
    if (!problem.empty()) return problems.push_back("client-ca: " + std::move(problem));
  }
  const std::string digest = sha256(file.text.reveal());
  if (!ca.empty()) client_cas_ = digest;
  for (const Identity& identity : identities_) {
    set_session_id(identity.context, digest);
    if (!wants_client_certificate()) continue;
    cas.set_for(identity.context);
    SSL_CTX_set_verify(identity.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
    SSL_CTX_set_cert_verify_callback(identity.context, verify_client, nullptr);
  }
}

void TlsServerContext::set_ticket_keys(std::shared_ptr<TicketKeys> keys) {
  tickets_ = std::move(keys);
  for (const Identity& identity : identities_) tickets_->serve(identity.context);
}

/// A client that asks for a name that we have not gets the default certificate, and judges it.
int TlsServerContext::on_server_name(SSL* ssl, int*, void* self) {
  const auto& context = *static_cast<const TlsServerContext*>(self);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto found = context.names_.find(name);
  if (found && *found != 0) SSL_set_SSL_CTX(ssl, context.identities_[*found].context);
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace culvert
