#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/server_certificate.h"
#include "net/server_names.h"
#include "net/ticket_keys.h"

struct ssl_ctx_st;
struct ssl_st;

namespace culvert {

/// The settings for TLS with our clients: our certificates, by the name that a client asks for,
/// session tickets, and the CAs of client certificates.  Immutable once the workers share it.
class TlsServerContext {
 public:
  struct Options {
    std::vector<ServerCertificate::Files> certificates;  ///< the first is the default
    std::string client_ca;  ///< PEM file; empty: clients need no certificate
  };
  /// nullptr if a file cannot be used; then each reason is a line of `problems` that names it.
  static std::shared_ptr<TlsServerContext> make(const Options& options,
                                                std::vector<std::string>& problems);

  ~TlsServerContext();
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;

  /// The one of the default certificate.
  ssl_ctx_st* get() const { return identities_.front().context; }
  bool wants_client_certificate() const { return !client_cas_.empty(); }
  /// The same for the same CAs of client certificates; empty: clients need none.
  std::string_view client_cas() const { return client_cas_; }
  const ServerCertificate& default_certificate() const { return *default_; }

  /// Tickets are sealed by `keys`, which others may have, too.  Before the workers share it.
  void set_ticket_keys(std::shared_ptr<TicketKeys> keys);
  const std::shared_ptr<TicketKeys>& ticket_keys() const { return tickets_; }

 private:
  /// The certificates for the same names, one for each kind of key.
  struct Identity {
    ssl_ctx_st* context;
    std::vector<std::string> names;
    std::vector<int> kinds_of_key;
  };

  TlsServerContext() = default;
  void add_certificate(const ServerCertificate::Files& files, std::vector<std::string>& problems);
  Identity& identity_for(const ServerCertificate& certificate);
  void require_client_certificates(const std::string& ca, std::vector<std::string>& problems);
  static int on_server_name(ssl_st* ssl, int* alert, void* self);

  std::vector<Identity> identities_;  // that of the default certificate is the first
  ServerNames names_;                 // to their indices
  std::optional<ServerCertificate> default_;
  std::shared_ptr<TicketKeys> tickets_;
  std::string client_cas_;  // a digest of their file
};

}  // namespace culvert
