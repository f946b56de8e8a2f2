#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct evp_pkey_st;
struct stack_st_X509;
struct x509_st;

namespace culvert {

/// A certificate of ours, those that lead to its CA, and its key.
class ServerCertificate {
 public:
  struct Files {
    std::string cert, key;  ///< PEM
  };
  /// nullopt if `files` cannot be used; then each reason is a line of `problems` that names the
  /// file.  A certificate that is not valid today cannot.
  static std::optional<ServerCertificate> read(const Files& files,
                                               std::vector<std::string>& problems);

  x509_st* leaf() const { return leaf_.get(); }
  stack_st_X509* chain() const { return chain_.get(); }  ///< without the leaf
  evp_pkey_st* key() const { return key_.get(); }

  /// The DNS names that it is for; without any subjectAltName its common name.
  std::vector<std::string> names() const;
  /// The name by which a client that has it verified reaches us at `address`, an IP address: that
  /// itself if it is for it, else its first DNS name.  Empty: there is none.
  std::string name_at(const std::string& address) const;
  /// Its chain leads to a CA of the system's store.
  bool is_trusted_by_system() const;
  /// It has none, so that Go's programs and browsers take it for no name at all.
  bool has_no_alternative_name() const;

 private:
  struct Free {
    void operator()(x509_st* cert) const;
    void operator()(stack_st_X509* chain) const;
    void operator()(evp_pkey_st* key) const;
  };
  ServerCertificate() = default;
  bool read_certificates(const std::string& file, std::vector<std::string>& problems);
  bool read_key(const std::string& file, std::vector<std::string>& problems);

  std::unique_ptr<x509_st, Free> leaf_;
  std::unique_ptr<stack_st_X509, Free> chain_;
  std::unique_ptr<evp_pkey_st, Free> key_;
};

}  // namespace culvert
