#include "codec/socks_server.h"

#include <array>
#include <utility>

#include "base/secret.h"
#include "codec/socks_fields.h"
#include "codec/socks_reply.h"

namespace culvert {
namespace {

constexpr std::size_t kV4Bytes = 4;
constexpr std::size_t kMostOfSocks4Text =
    255;  // a user or a name of SOCKS4, for which it has no limit

constexpr std::size_t kMostOfPassword = 3 + 255 + 255;

// Replies, whose bound address and port are zeros.
constexpr std::array<char, 10> kGranted5{kSocksVersion5, static_cast<char>(SocksReply::granted), 0,
                                         kSocksIpv4};
constexpr std::array<char, 8> kGranted4{0, kSocks4Granted};
constexpr std::array<char, 8> kRejected4{0, kSocks4Rejected};

Error mistake(Errc code, std::string text) { return {code, Side::client, 0, std::move(text)}; }

/// An address in network order, 4 or 16 bytes.
std::string address_text(std::string_view bytes) {
  return IpAddress::of_octets(bytes)->to_string();
}

Error unserved(std::string_view what) {
  return mistake(Errc::method_not_implemented,
                 "the client asked for " + std::string(what) + ", and culvert serves CONNECT only");
}

std::string_view name_of_command(char command) {
  if (command == kSocksBind) return "SOCKS BIND (an incoming connection)";
  if (command == kSocksUdpAssociate) return "SOCKS UDP ASSOCIATE";
  return "an unknown SOCKS command";
}

}  // namespace

std::string_view SocksServer::protocol() const {
  return version_ == kSocksVersion4 ? "SOCKS4" : "SOCKS5";
}

std::uint16_t SocksServer::port_at(std::size_t at) const {
  return static_cast<std::uint16_t>(byte(at) << 8 | byte(at + 1));
}

std::string SocksServer::take_output() { return std::exchange(output_, {}); }

Result<std::size_t> SocksServer::consume(std::string_view bytes) {
  std::size_t used = 0;
  while (!done() && !awaits_verdict() && used < bytes.size()) {
    received_ += bytes[used++];
    auto complete = look();
    if (!complete) return std::move(complete).error();
    // What it held may have been a password.
    if (*complete) const Secret wiped(std::exchange(received_, {}));
  }
  return used;
}

Result<bool> SocksServer::look() {
  switch (stage_) {
    case Stage::version:
      return look_at_version();
    case Stage::methods:
      return look_at_methods();
    case Stage::password:
      return look_at_password();
    case Stage::request5:
      return look_at_request5();
    case Stage::request4:
      return look_at_request4();
    case Stage::verdict:
    case Stage::done:
      break;
  }
  return false;
}

Result<bool> SocksServer::look_at_version() {
  if (!is_version(received_[0])) {
    return mistake(Errc::http_request_error, "the client spoke no SOCKS");
  }
  version_ = received_[0];
  stage_ = version_ == kSocksVersion5 ? Stage::methods : Stage::request4;
  if (wants_password_ && version_ == kSocksVersion4) {
    return mistake(Errc::proxy_auth_required,
                   "this proxy wants a user and a password, and SOCKS4 has none - write "
                   "socks5h://USER:PASSWORD@HOST:PORT");
  }
  return true;
}

/// NMETHODS, METHODS.
Result<bool> SocksServer::look_at_methods() {
  if (received_.size() < std::size_t{1} + byte(0)) return false;
  const std::string_view methods = std::string_view(received_).substr(1);
  for (const char method : {kSocksNoSignIn, kSocksPassword}) {
    if (methods.find(method) == std::string_view::npos) continue;
    if (wants_password_ && method != kSocksPassword) continue;
    output_ += {version_, method};
    stage_ = method == kSocksNoSignIn ? Stage::request5 : Stage::password;
    return true;
  }
  if (wants_password_) {
    return mistake(Errc::proxy_auth_required,
                   "this proxy wants a user and a password - write them into the proxy URL, "
                   "socks5h://USER:PASSWORD@HOST:PORT");
  }
  return mistake(Errc::http_request_error,
                 methods.empty()
                     ? "the client's SOCKS5 greeting offers no way to sign in, not even "
                       "none"
                     : "the client signs in to SOCKS5 by a method that culvert does "
                       "not have: it takes none, or a user and password");
}

/// VER, ULEN, UNAME, PLEN, PASSWD.
Result<bool> SocksServer::look_at_password() {
  if (received_[0] != kSocksPasswordVersion) {
    return mistake(Errc::http_request_error, "the client's SOCKS5 user and password are malformed");
  }
  if (received_.size() == 1) received_.reserve(kMostOfPassword);  // so that it stands in one place
  if (received_.size() < 2) return false;
  const std::size_t user_end = std::size_t{2} + byte(1);
  if (received_.size() <= user_end || received_.size() < user_end + 1 + byte(user_end))
    return false;
  if (!wants_password_) {
    signed_in();
    return true;
  }
  credentials_.user = received_.substr(2, byte(1));
  credentials_.password = Secret(received_.substr(user_end + 1, byte(user_end)));
  stage_ = Stage::verdict;
  return true;
}

void SocksServer::signed_in() {
  output_ += {kSocksPasswordVersion, kSocksSignedIn};
  stage_ = Stage::request5;
}

/// Of DST.ADDR, whose first byte is there.
Result<std::size_t> SocksServer::address_bytes() {
  if (const auto size = socks_address_bytes(received_[3], received_[4])) return *size;
  bad_address_type_ = true;
  return mistake(
      Errc::http_request_error,
      "the client's SOCKS5 request has an address of unknown type " + std::to_string(byte(3)));
}

/// VER, CMD, RSV, ATYP, DST.ADDR, DST.PORT.
Result<bool> SocksServer::look_at_request5() {
  if (received_[0] != kSocksVersion5) {
    return mistake(Errc::http_request_error, "the client's SOCKS5 request is malformed");
  }
  if (received_.size() < 5) return false;
  const auto address = address_bytes();
  if (!address) return address.error();
  const std::size_t port = 4 + *address;
  if (received_.size() < port + 2) return false;
  if (received_[1] != kSocksConnect) return unserved(name_of_command(received_[1]));
  const std::string_view field = std::string_view(received_).substr(4, *address);
  const bool is_name = received_[3] == kSocksName;
  return take_target(
      HostPort::from(is_name ? std::string(field.substr(1)) : address_text(field), port_at(port)));
}

/// CD, DSTPORT, DSTIP, USERID, NUL; of SOCKS4a then a name and NUL, if DSTIP is 0.0.0.x.
Result<bool> SocksServer::look_at_request4() {
  constexpr std::size_t kAddress = 3;
  constexpr std::size_t kUser = kAddress + kV4Bytes;
  if (received_.size() <= kUser) return false;
  const std::size_t user_end = received_.find('\0', kUser);
  if (user_end == std::string::npos) {
    if (received_.size() < kUser + kMostOfSocks4Text) return false;
    return mistake(Errc::http_request_error, "the client's SOCKS4 user has no end");
  }
  const std::string_view address = std::string_view(received_).substr(kAddress, kV4Bytes);
  const bool named = address.substr(0, 3) == std::string_view("\0\0\0", 3) && address[3] != 0;
  if (!named) {
    if (received_[0] != kSocksConnect) return unserved(name_of_command(received_[0]));
    return take_target(HostPort::from(address_text(address), port_at(1)));
  }
  const std::size_t name_end = received_.find('\0', user_end + 1);
  if (name_end == std::string::npos) {
    if (received_.size() < user_end + 1 + kMostOfSocks4Text) return false;
    return mistake(Errc::http_request_error, "the client's SOCKS4a name has no end");
  }
  if (received_[0] != kSocksConnect) return unserved(name_of_command(received_[0]));
  return take_target(
      HostPort::from(received_.substr(user_end + 1, name_end - user_end - 1), port_at(1)));
}

Result<bool> SocksServer::take_target(const Result<HostPort>& target) {
  if (!target) return target.error();
  target_ = *target;
  stage_ = Stage::done;
  return true;
}

std::string_view SocksServer::granted() const {
  if (version_ == kSocksVersion4) return {kGranted4.data(), kGranted4.size()};
  return {kGranted5.data(), kGranted5.size()};
}

std::string SocksServer::refusal(const Error& error) const {
  switch (stage_) {
    case Stage::version:
      return {};
    case Stage::methods:
      return {kSocksVersion5, kSocksNoMethod};
    case Stage::password:
    case Stage::verdict:
      return {kSocksPasswordVersion, kSocksPasswordRefused};
    default:
      break;
  }
  if (version_ == kSocksVersion4) return {kRejected4.data(), kRejected4.size()};
  std::string reply(kGranted5.data(), kGranted5.size());
  const SocksReply code = bad_address_type_ ? SocksReply::no_such_address_type : socks_reply(error);
  reply[1] = static_cast<char>(code);
  return reply;
}

}  // namespace culvert
