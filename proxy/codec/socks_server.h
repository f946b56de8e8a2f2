#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/host_port.h"
#include "base/result.h"
#include "base/secret.h"
#include "codec/socks_fields.h"

namespace culvert {

/// The server's side of a SOCKS5 (RFC 1928, RFC 1929), SOCKS4 or SOCKS4a handshake with one client:
/// bytes in, bytes out.  Only CONNECT is served; a name stays a name.  Unless clients have to sign
/// in, a user and password are taken, whatever they are, from a client that insists on sending
/// some.
class SocksServer {
 public:
  /// `wants_password`: clients have to sign in, which those of SOCKS4 cannot.
  explicit SocksServer(bool wants_password = false) : wants_password_(wants_password) {}

  /// Whether a connection that begins with this byte is a SOCKS client's.
  static bool is_version(char first) { return first == kSocksVersion5 || first == kSocksVersion4; }

  /// Takes received bytes; returns how many were used.  Fewer than given only when the request is
  /// complete (done()): the rest belongs to the tunnel.  An error is the client's mistake, and
  /// refusal() answers it.
  Result<std::size_t> consume(std::string_view bytes);
  /// What is to be sent now; may be empty.
  std::string take_output();

  bool done() const { return stage_ == Stage::done; }
  /// User and password have arrived, and nothing more is taken before signed_in().  If they are
  /// wrong, refusal() is the answer.
  bool awaits_verdict() const { return stage_ == Stage::verdict; }
  /// Once it awaits_verdict(); it keeps none of them.
  Credentials take_credentials() { return std::move(credentials_); }
  void signed_in();
  /// Some of the handshake has arrived.
  bool begun() const { return version_ != 0; }
  /// "SOCKS5" or "SOCKS4"; valid for the life of the program.
  std::string_view protocol() const;
  /// Once it is done().
  const HostPort& target() const { return target_; }

  /// The reply after which the tunnel's bytes follow; valid for the life of the program.
  std::string_view granted() const;
  /// The reply that `error` gets in this stage of the handshake, with the code of socks_reply().
  /// The connection is closed after it.
  std::string refusal(const Error& error) const;

 private:
  enum class Stage : std::uint8_t { version, methods, password, verdict, request5, request4, done };

  /// Looks at what was received in this stage; true: that is complete, and the next one has begun.
  Result<bool> look();
  Result<bool> look_at_version();
  Result<bool> look_at_methods();
  Result<bool> look_at_password();
  Result<bool> look_at_request5();
  Result<bool> look_at_request4();
  Result<bool> take_target(const Result<HostPort>& target);
  Result<std::size_t> address_bytes();
  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(received_[at]); }
  std::uint16_t port_at(std::size_t at) const;

  bool wants_password_;
  Stage stage_ = Stage::version;
  char version_ = 0;
  bool bad_address_type_ = false;
  std::string received_;  // in this stage
  std::string output_;
  Credentials credentials_;
  HostPort target_;
};

}  // namespace culvert
