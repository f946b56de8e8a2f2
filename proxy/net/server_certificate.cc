#include "net/server_certificate.h"

#include <cstddef>
#include <ctime>
#include <utility>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/secret_file.h"
#include "base/text.h"
#include "base/utc_text.h"
#include "net/certificate_text.h"
#include "net/pem.h"

namespace culvert {
namespace {

constexpr std::size_t kMostOfPem = 1 << 20;

/// OpenSSL asks here for the passphrase of a key; by default it would ask a terminal.
int on_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

/// nullopt if it cannot be read, which is a problem then.
std::optional<Secret> pem_text(const std::string& file, std::vector<std::string>& problems) {
  SecretFile read = read_secret_file(file, kMostOfPem);
  if (read.problem.empty()) return std::move(read.text);
  problems.push_back(concat({"cannot read ", printable(file), ": ", read.problem}));
  return std::nullopt;
}

/// Why `cert` is not valid today; empty if it is.
std::string wrong_date(const X509* cert) {
  const std::time_t now = std::time(nullptr);
  const std::time_t from = unix_time(X509_get0_notBefore(cert));
  const std::time_t to = unix_time(X509_get0_notAfter(cert));
  if (now > to) return "has expired on " + utc_text(to);
  if (now < from) return "is not valid before " + utc_text(from);
  return {};
}

GENERAL_NAMES* alternative_names(const X509* cert) {
  return static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr));
}

std::string common_name(const X509* cert) {
  const X509_NAME* name = X509_get_subject_name(cert);
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

}  // namespace

void ServerCertificate::Free::operator()(X509* cert) const { X509_free(cert); }
void ServerCertificate::Free::operator()(stack_st_X509* chain) const {
  sk_X509_pop_free(chain, X509_free);
}
void ServerCertificate::Free::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

std::optional<ServerCertificate> ServerCertificate::read(const Files& files,
                                                         std::vector<std::string>& problems) {
  ServerCertificate out;
  const bool has_certificate = out.read_certificates(files.cert, problems);
  const bool has_key = out.read_key(files.key, problems);
  ERR_clear_error();
  if (!has_certificate || !has_key) return std::nullopt;
  if (X509_check_private_key(out.leaf(), out.key()) != 1) {
    ERR_clear_error();
    problems.push_back(
        concat({"the key in ", printable(files.key),
                " does not belong to the first certificate in ", printable(files.cert)}));
    return std::nullopt;
  }
  return out;
}

bool ServerCertificate::read_certificates(const std::string& file,
                                          std::vector<std::string>& problems) {
  const auto text = pem_text(file, problems);
  if (!text) return false;
  const PemReader reader = pem_reader(text->reveal());
  leaf_.reset(next_certificate(reader));
  if (!leaf_) {
    problems.push_back(concat({printable(file), " holds no certificate in PEM form"}));
    return false;
  }
  chain_.reset(sk_X509_new_null());
  while (X509* next = next_certificate(reader)) sk_X509_push(chain_.get(), next);
  if (!is_pem_end()) {
    problems.push_back(concat({"a certificate in ", printable(file), " is damaged"}));
    return false;
  }
  if (const std::string wrong = wrong_date(leaf()); !wrong.empty()) {
    problems.push_back(concat({"the certificate in ", printable(file), " ", wrong,
                               " - this machine's clock says ", utc_text(std::time(nullptr))}));
    return false;
  }
  return true;
}

bool ServerCertificate::read_key(const std::string& file, std::vector<std::string>& problems) {
  const auto text = pem_text(file, problems);
  if (!text) return false;
  bool asked = false;
  key_.reset(
      PEM_read_bio_PrivateKey(pem_reader(text->reveal()).get(), nullptr, on_passphrase, &asked));
  if (key_) return true;
  problems.push_back(asked
                         ? concat({"the key in ", printable(file),
                                   " is encrypted, and nobody is there who could type its "
                                   "passphrase - openssl pkey -in FILE -out NEW writes it without"})
                         : concat({printable(file), " holds no private key in PEM form"}));
  return false;
}

std::vector<std::string> ServerCertificate::names() const {
  std::vector<std::string> names;
  GENERAL_NAMES* all = alternative_names(leaf());
  if (all == nullptr) names.push_back(common_name(leaf()));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type != GEN_DNS) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(all);
  std::erase(names, "");
  return names;
}

std::string ServerCertificate::name_at(const std::string& address) const {
  if (X509_check_ip_asc(leaf(), address.c_str(), 0) == 1) return address;
  for (const std::string& name : names()) {
    if (name[0] != '*') return printable(name);
  }
  return {};
}

bool ServerCertificate::is_trusted_by_system() const {
  X509_STORE* const store = X509_STORE_new();
  X509_STORE_CTX* const check = X509_STORE_CTX_new();
  const bool trusted = X509_STORE_set_default_paths(store) == 1 &&
                       X509_STORE_CTX_init(check, store, leaf(), chain()) == 1 &&
                       X509_verify_cert(check) == 1;
  X509_STORE_CTX_free(check);
  X509_STORE_free(store);
  ERR_clear_error();
  return trusted;
}

bool ServerCertificate::has_no_alternative_name() const {
  GENERAL_NAMES* all = alternative_names(leaf());
  GENERAL_NAMES_free(all);
  return all == nullptr;
}

}  // namespace culvert
