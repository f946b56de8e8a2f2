#pragma once

#include <cstdint>
#include <ctime>
#include <string>

struct asn1_string_st;
struct x509_st;
struct x509_store_ctx_st;

namespace culvert {

/// The CAs by which a server's certificate is checked.
enum class TlsTrust : std::uint8_t {
  named,   ///< those of a file or directory that the configuration names
  system,  ///< the system's store
  nobody,  ///< that store, and it is empty
};

/// Why `check`, which has failed, does not accept a server's certificate: a clause that follows the
/// server's name and says what helps.  Names in the certificate are cleaned and bounded.
std::string why_not_trusted(x509_store_ctx_st* check, TlsTrust trust);

/// The same about a client's certificate; a clause that follows "a certificate".
std::string why_client_is_not_trusted(x509_store_ctx_st* check);

/// Who a client is by its certificate: the common name of its subject, or else the whole subject
/// (RFC 4514).  UTF-8 without control characters, at most 200 bytes, never empty; and different for
/// different names.
std::string user_of(const x509_st* cert);

/// Seconds since 1970; 0: the certificate that has it is damaged.
std::time_t unix_time(const asn1_string_st* time);

/// What a server's certificate says, and whether it was accepted.  Texts are cleaned and bounded.
struct CertificateFacts {
  enum class Verdict : std::uint8_t {
    none,  ///< there was no certificate
    accepted,
    unknown_issuer,  ///< none of the chain is from a CA that is trusted
    self_signed,
    no_store,  ///< nothing is trusted, see TlsTrust::nobody
    wrong_name,
    expired,
    not_yet_valid,
    other,  ///< see `reason`
  };
  Verdict verdict = Verdict::none;
  std::string names;  ///< "a.example, b.example and 3 more"
  std::string
      issuer;  ///< "WR2 of Google Trust Services"; with unknown_issuer the CA that is missing
  /// Of the certificate, or of the one of its chain that was not accepted.
  std::time_t not_before = 0, not_after = 0;
  std::string reason{};     ///< OpenSSL's words
  bool other_name = false;  ///< whatever the verdict: it is for other names than the one asked for
};

/// Of a certificate that was accepted; nullptr: there is none.
CertificateFacts certificate_facts(const x509_st* cert);
/// Of the one that `check`, which has failed, does not accept.
CertificateFacts certificate_facts(x509_store_ctx_st* check, TlsTrust trust);

}  // namespace culvert
