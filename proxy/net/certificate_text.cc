#include "net/certificate_text.h"

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "base/ip_address.h"
#include "base/text.h"
#include "base/utc_text.h"
#include "base/utf8.h"
#include "net/sha256.h"

namespace culvert {
namespace {

/// OPENSSL_free() would put the path of this file into the program.
void free_text(void* text) { CRYPTO_free(text, "", 0); }

constexpr std::size_t kMostOfSubject = 40;
constexpr std::size_t kMostOfSubjects = 60;

std::string text_of(const ASN1_STRING* string) {
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(string));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)), size};
}

/// The first value of that kind in UTF-8; empty if there is none, or it is malformed.
std::string utf8_entry_of(const X509_NAME* name, int kind) {
  const int at = X509_NAME_get_index_by_NID(name, kind, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  free_text(utf8);
  return text;
}

/// The same, cleaned.
std::string entry_of(const X509_NAME* name, int kind) {
  return printable(utf8_entry_of(name, kind), kMostOfSubject);
}

/// Different for different `bytes`.
std::string digest_of(std::string_view bytes) {
  constexpr std::size_t kEnough = 16;
  std::string text;
  for (const char byte : sha256(bytes).substr(0, kEnough)) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return text;
}

/// RFC 4514, in UTF-8, where control characters are escaped.  What has no such text goes by its
/// digest.
std::string whole_text_of(const X509_NAME* name) {
  constexpr unsigned long kFlags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  const bool is_text = X509_NAME_print_ex(out.get(), name, 0, kFlags) >= 0;
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  std::string text;
  if (is_text && size > 0) text.assign(bytes, static_cast<std::size_t>(size));
  if (!text.empty() && is_utf8(text)) return text;
  const unsigned char* der = nullptr;
  std::size_t der_size = 0;
  X509_NAME_get0_der(name, &der, &der_size);
  return "(a subject that is no text, " +
         digest_of({reinterpret_cast<const char*>(der), der_size}) + ")";
}

/// Users with long names that begin alike stay different.
std::string shorten_user(std::string name) {
  constexpr std::size_t kMost = 200;
  constexpr std::size_t kKept = 160;
  if (name.size() <= kMost) return name;
  const std::string digest = digest_of(name);
  const auto is_within_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
  };
  std::size_t end = kKept;
  while (end > 0 && is_within_character(name[end])) --end;
  name.resize(end);
  return name + "..." + digest;
}

/// What people call it: "'Corp Proxy CA'".
std::string shown(const X509_NAME* name) {
  for (const int kind : {NID_commonName, NID_organizationName, NID_organizationalUnitName}) {
    const std::string text = entry_of(name, kind);
    if (!text.empty()) return "'" + text + "'";
  }
  return "one without a name";
}

std::string address_of(const ASN1_OCTET_STRING* bytes) {
  const auto address = IpAddress::of_octets(text_of(bytes));
  return address ? address->to_string() : std::string();
}

/// The names and addresses that the certificate is for (RFC 6125 section 6.4), cleaned.
std::vector<std::string> names_of(const X509* cert) {
  std::vector<std::string> names;
  auto* all =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) names.push_back(printable(text_of(name->d.dNSName), kMostOfSubject));
    if (name->type == GEN_IPADD) names.push_back(address_of(name->d.iPAddress));
  }
  GENERAL_NAMES_free(all);
  if (names.empty()) names.push_back(entry_of(X509_get_subject_name(cert), NID_commonName));
  std::erase(names, "");
  return names;
}

/// "a.example, b.example and 3 more".
std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0 && text.size() + names[i].size() > kMostOfSubjects) {
      return text + fmt::format(" and {} more", names.size() - i);
    }
    text += (i > 0 ? ", " : "") + names[i];
  }
  return text.empty() ? "no name" : text;
}

/// The name or address that the certificate should be for.
std::string wanted_name(X509_STORE_CTX* check) {
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(check);
  if (const char* host = X509_VERIFY_PARAM_get0_host(param, 0)) {
    return shorten_middle(host, kMostOfSubject);
  }
  char* address = X509_VERIFY_PARAM_get1_ip_asc(param);
  std::string text = address != nullptr ? address : "this proxy";
  free_text(address);
  return text;
}

std::string wrong_name(X509_STORE_CTX* check, const X509* cert) {
  return fmt::format("has no certificate for {}, but for {} - name the right one with ?sni=",
                     wanted_name(check), list(names_of(cert)));
}

std::string wrong_time(const X509* cert, int depth, bool expired) {
  const std::time_t limit =
      unix_time(expired ? X509_get0_notAfter(cert) : X509_get0_notBefore(cert));
  std::string subject = "a certificate that ";
  if (depth > 0) subject = "a certificate whose CA " + shown(X509_get_subject_name(cert)) + " ";
  return fmt::format("has {}{} {} - this machine's clock says {}", subject,
                     expired ? "expired on" : "is not valid before", utc_text(limit),
                     utc_text(std::time(nullptr)));
}

std::string unknown_issuer(const X509* cert, int depth, TlsTrust trust) {
  const X509_NAME* issuer = X509_get_issuer_name(cert);
  const bool self_signed = X509_NAME_cmp(issuer, X509_get_subject_name(cert)) == 0;
  if (self_signed && depth == 0) {
    return "has a self-signed certificate, " + shown(issuer) +
           " - to trust it, name its file with ?ca=";
  }
  switch (trust) {
    case TlsTrust::named:
      return "has a certificate from a CA that is not in ?ca=, " + shown(issuer);
    case TlsTrust::nobody:
      return "cannot be trusted: this machine has no CA certificates - install ca-certificates, or "
             "name the file of CA " +
             shown(issuer) + " with ?ca=";
    case TlsTrust::system:
      break;
  }
  return "has a certificate from an unknown CA, " + shown(issuer) +
         " - name that CA's file with ?ca=";
}

/// With the organization behind it: "WR2 of Google Trust Services".
std::string issuer_of(const X509* cert) {
  const X509_NAME* name = X509_get_issuer_name(cert);
  const std::string common = entry_of(name, NID_commonName);
  std::string organization = entry_of(name, NID_organizationName);
  if (organization.empty()) organization = entry_of(name, NID_organizationalUnitName);
  if (common.empty() || organization.empty() || common == organization) {
    const std::string one = common.empty() ? organization : common;
    return one.empty() ? "a CA without a name" : one;
  }
  return common + " of " + organization;
}

void take_dates(const X509* cert, CertificateFacts& out) {
  out.not_before = unix_time(X509_get0_notBefore(cert));
  out.not_after = unix_time(X509_get0_notAfter(cert));
}

/// Only the first mistake is a verdict.
bool is_for_other_name(X509_STORE_CTX* check) {
  const char* const host = X509_VERIFY_PARAM_get0_host(X509_STORE_CTX_get0_param(check), 0);
  X509* const cert = X509_STORE_CTX_get0_cert(check);
  return host != nullptr && cert != nullptr && X509_check_host(cert, host, 0, 0, nullptr) == 0;
}

CertificateFacts::Verdict verdict_of(int error, const X509* cert, int depth, TlsTrust trust) {
  using Verdict = CertificateFacts::Verdict;
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      if (trust == TlsTrust::nobody) return Verdict::no_store;
      return depth == 0 &&
                     X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(cert)) == 0
                 ? Verdict::self_signed
                 : Verdict::unknown_issuer;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Verdict::wrong_name;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Verdict::expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Verdict::not_yet_valid;
    default:
      return Verdict::other;
  }
}

}  // namespace

std::time_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string why_not_trusted(X509_STORE_CTX* check, TlsTrust trust) {
  using Verdict = CertificateFacts::Verdict;
  const int error = X509_STORE_CTX_get_error(check);
  const int depth = X509_STORE_CTX_get_error_depth(check);
  const X509* cert = X509_STORE_CTX_get_current_cert(check);
  switch (cert != nullptr ? verdict_of(error, cert, depth, trust) : Verdict::other) {
    case Verdict::no_store:
    case Verdict::self_signed:
    case Verdict::unknown_issuer:
      return unknown_issuer(cert, depth, trust);
    case Verdict::wrong_name:
      return wrong_name(check, cert);
    case Verdict::expired:
    case Verdict::not_yet_valid:
      return wrong_time(cert, depth, error == X509_V_ERR_CERT_HAS_EXPIRED);
    default:
      break;
  }
  return std::string("has a TLS certificate that is not accepted: ") +
         X509_verify_cert_error_string(error);
}

std::string why_client_is_not_trusted(X509_STORE_CTX* check) {
  using Verdict = CertificateFacts::Verdict;
  const int error = X509_STORE_CTX_get_error(check);
  const int depth = X509_STORE_CTX_get_error_depth(check);
  const X509* cert = X509_STORE_CTX_get_current_cert(check);
  switch (cert != nullptr ? verdict_of(error, cert, depth, TlsTrust::named) : Verdict::other) {
    case Verdict::self_signed:
      return "that is self-signed, " + shown(X509_get_issuer_name(cert)) + ", not of client-ca";
    case Verdict::unknown_issuer:
      return "of a CA that is not in client-ca, " + shown(X509_get_issuer_name(cert));
    case Verdict::expired:
      return "that has expired on " + utc_text(unix_time(X509_get0_notAfter(cert)));
    case Verdict::not_yet_valid:
      return "that is not valid before " + utc_text(unix_time(X509_get0_notBefore(cert)));
    default:
      return std::string("that is not accepted: ") + X509_verify_cert_error_string(error);
  }
}

std::string user_of(const X509* cert) {
  const X509_NAME* subject = X509_get_subject_name(cert);
  if (X509_NAME_entry_count(subject) == 0) return "(a certificate without a subject)";
  std::string name = utf8_entry_of(subject, NID_commonName);
  if (name.empty() || !is_utf8(name) || has_control(name)) {
    name = whole_text_of(subject);
  }
  return shorten_user(std::move(name));
}

CertificateFacts certificate_facts(const X509* cert) {
  CertificateFacts facts;
  if (cert == nullptr) return facts;
  facts.verdict = CertificateFacts::Verdict::accepted;
  facts.names = list(names_of(cert));
  facts.issuer = issuer_of(cert);
  take_dates(cert, facts);
  return facts;
}

CertificateFacts certificate_facts(X509_STORE_CTX* check, TlsTrust trust) {
  CertificateFacts facts = certificate_facts(X509_STORE_CTX_get0_cert(check));
  const int error = X509_STORE_CTX_get_error(check);
  facts.other_name = is_for_other_name(check);
  facts.verdict = CertificateFacts::Verdict::other;
  facts.reason = X509_verify_cert_error_string(error);
  const X509* cert = X509_STORE_CTX_get_current_cert(check);
  if (cert == nullptr) return facts;
  facts.verdict = verdict_of(error, cert, X509_STORE_CTX_get_error_depth(check), trust);
  if (facts.verdict != CertificateFacts::Verdict::wrong_name) facts.issuer = issuer_of(cert);
  take_dates(cert, facts);
  return facts;
}

}  // namespace culvert
