#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <utility>

#include "base/text.h"
#include "codec/clause.h"
#include "codec/protocol_guess.h"
#include "codec/socks.h"
#include "codec/socks_fields.h"

namespace culvert {
namespace {

/// What a reply code means (0xf0 and above: tor's ExtendedErrors).  The '*' of `text` stands for
/// the target.
struct Reply {
  SocksReply code;
  Errc errc;
  Side side;
  std::string_view text;
};
constexpr std::array kReplies = {
    Reply{SocksReply::failed, Errc::destination_unavailable, Side::target,
          "says it failed to reach *"},
    Reply{SocksReply::not_allowed, Errc::upstream_denied, Side::upstream, "does not allow *"},
    Reply{SocksReply::network_unreachable, Errc::destination_ip_unroutable, Side::target,
          "says the network of * is unreachable"},
    Reply{SocksReply::host_unreachable, Errc::destination_unavailable, Side::target,
          "says * is unreachable or does not resolve"},
    Reply{SocksReply::refused, Errc::connection_refused, Side::target,
          "says * refused the connection"},
    Reply{SocksReply::timed_out, Errc::connection_timeout, Side::target,
          "says * did not answer in time"},
    Reply{SocksReply::no_such_command, Errc::upstream_unsupported, Side::upstream,
          "does not serve CONNECT, asked for *"},
    Reply{SocksReply::no_such_address_type, Errc::upstream_unsupported, Side::upstream,
          "does not take the kind of address of *"},
    Reply{SocksReply{0xf0}, Errc::destination_unavailable, Side::target,
          "says the descriptor of onion service * was not found"},
    Reply{SocksReply{0xf1}, Errc::destination_unavailable, Side::target,
          "says the descriptor of onion service * is invalid"},
    Reply{SocksReply{0xf2}, Errc::destination_unavailable, Side::target,
          "says the introduction to onion service * failed"},
    Reply{SocksReply{0xf3}, Errc::destination_unavailable, Side::target,
          "says the rendezvous with onion service * failed"},
    Reply{SocksReply{0xf4}, Errc::upstream_denied, Side::upstream,
          "has no client authorization for onion service *"},
    Reply{SocksReply{0xf5}, Errc::upstream_denied, Side::upstream,
          "has a wrong client authorization for onion service *"},
    Reply{SocksReply{0xf6}, Errc::destination_unavailable, Side::target,
          "says * is not a valid onion address"},
    Reply{SocksReply{0xf7}, Errc::connection_timeout, Side::target,
          "says the introduction to onion service * timed out"},
};
constexpr Reply kUnassigned = {SocksReply{}, Errc::destination_unavailable, Side::upstream,
                               "failed to reach * for a reason of its own"};

std::string with_target(std::string_view text, std::string_view target) {
  const std::size_t star = text.find('*');
  return std::string(text.substr(0, star)) + std::string(target) +
         std::string(text.substr(star + 1));
}

class Socks5Handshake final : public Handshake {
 public:
  enum class Part : std::uint8_t { whole, greeting, request };

  Socks5Handshake(Part part, const HostPort& target, const std::optional<Credentials>& credentials)
      : part_(part),
        target_(target),
        credentials_(credentials),
        shown_(shown_target(target)),
        stage_(part == Part::request ? Stage::request : Stage::greeting) {
    assert(target.host.size() < 255);
    assert(!credentials ||
           (credentials->user.size() <= 255 && credentials->password.reveal().size() <= 255));
  }

  std::string take_output() override {
    if (std::exchange(sent_, true)) return {};
    switch (stage_) {
      case Stage::greeting:
        // One method only: servers differ in which of two they choose, for no reason (INTEROP 6c).
        return {kSocksVersion5, 1, offered_method()};
      case Stage::authentication:
        return user_password_message();
      case Stage::request:
        return request_message();
      case Stage::done:
        return {};
    }
    return {};
  }

  Result<std::size_t, HandshakeFailure> consume(std::string_view bytes) override {
    std::size_t used = 0;
    while (!done() && used < bytes.size()) {
      reply_[filled_++] = bytes[used++];
      auto complete = look_at_reply();
      if (!complete || *complete) filled_ = 0;
      if (!complete) return std::move(complete).error();
      // Each reply follows a message, so none can arrive before that message is sent.
      if (*complete && !done() && used < bytes.size()) {
        return upstream_fault(Errc::upstream_protocol_error,
                              "sent more than the reply that was due - is it a SOCKS5 server?");
      }
    }
    return used;
  }

  bool done() const override { return stage_ == Stage::done; }
  HandshakeFailure eof() const override;
  DialPhase phase() const override;

 private:
  enum class Stage : std::uint8_t { greeting, authentication, request, done };

  char offered_method() const { return credentials_ ? kSocksPassword : kSocksNoSignIn; }
  std::string user_password_message() const;
  std::string request_message() const;

  std::string_view reply() const { return {reply_.data(), filled_}; }
  /// True if the reply of this stage is complete; then the next stage has begun.
  Result<bool, HandshakeFailure> look_at_reply();
  Result<bool, HandshakeFailure> look_at_method();
  Result<bool, HandshakeFailure> look_at_auth_status();
  Result<bool, HandshakeFailure> look_at_request_reply();
  HandshakeFailure refused(SocksReply code) const;
  void enter(Stage stage) {
    stage_ = part_ == Part::greeting && stage == Stage::request ? Stage::done : stage;
    sent_ = false;
  }

  Part part_;
  HostPort target_;
  std::optional<Credentials> credentials_;
  std::string shown_;
  Stage stage_;
  bool sent_ = false;
  std::array<char, 4 + 1 + 255 + 2> reply_;  // the longest: a bound address that is a name
  std::size_t filled_ = 0;
};

std::string Socks5Handshake::user_password_message() const {
  const std::string_view password = credentials_->password.reveal();
  std::string out;
  out.reserve(3 + credentials_->user.size() + password.size());
  out += kSocksPasswordVersion;
  out += static_cast<char>(credentials_->user.size());
  out += credentials_->user;
  out += static_cast<char>(password.size());
  out += password;
  return out;
}

std::string Socks5Handshake::request_message() const {
  std::string out{kSocksVersion5, kSocksConnect, 0};
  if (target_.ip) {
    out += target_.ip->is_v4() ? kSocksIpv4 : kSocksIpv6;
    out += target_.ip->octets();
  } else {
    out += kSocksName;
    const std::string name = target_.full_name();
    out += static_cast<char>(name.size());
    out += name;
  }
  out += static_cast<char>(target_.port >> 8);
  out += static_cast<char>(target_.port & 0xff);
  return out;
}

Result<bool, HandshakeFailure> Socks5Handshake::look_at_reply() {
  switch (stage_) {
    case Stage::greeting:
      return look_at_method();
    case Stage::authentication:
      return look_at_auth_status();
    case Stage::request:
      return look_at_request_reply();
    case Stage::done:
      break;
  }
  return true;
}

Result<bool, HandshakeFailure> Socks5Handshake::look_at_method() {
  if (reply()[0] != kSocksVersion5) {
    if (may_become_known(reply()) || (reply().size() == 1 && reply()[0] == '\0')) return false;
    const std::string_view guess = guess_protocol(reply());
    if (guess.empty()) {
      return upstream_fault(
          Errc::upstream_protocol_error,
          "did not answer in SOCKS5 - does the URL name the right protocol and port?");
    }
    return upstream_fault(Errc::upstream_protocol_error,
                          "answered in " + std::string(guess) +
                              ", not in SOCKS5 - does the URL name the right protocol and port?");
  }
  if (filled_ < 2) return false;
  const char method = reply()[1];
  if (method == kSocksNoMethod) {
    return upstream_fault(Errc::upstream_auth_failed,
                          credentials_ ? "takes no user name and password (ssh -D never does)"
                                       : "wants credentials and none are configured");
  }
  if (method == offered_method() && method == kSocksPassword) {
    enter(Stage::authentication);
    return true;
  }
  // A server that requires no password although one was offered is accepted: it never gets it.
  if (method == kSocksNoSignIn) {
    enter(Stage::request);
    return true;
  }
  if (method == kSocksPassword) {
    return upstream_fault(Errc::upstream_auth_failed, "insists on a user name and password");
  }
  return upstream_fault(
      Errc::upstream_protocol_error,
      "chose authentication method " + std::to_string(byte_of(method)) + ", which was not offered");
}

Result<bool, HandshakeFailure> Socks5Handshake::look_at_auth_status() {
  // RFC 1929 requires version 1; some servers repeat the 5 of SOCKS.
  if (reply()[0] != kSocksPasswordVersion && reply()[0] != kSocksVersion5) {
    return upstream_fault(Errc::upstream_protocol_error,
                          "answered the user name and password with nonsense");
  }
  if (filled_ < 2) return false;
  if (reply()[1] != kSocksSignedIn) {
    return upstream_fault(Errc::upstream_auth_failed, "refused our user name or password");
  }
  enter(Stage::request);
  return true;
}

Result<bool, HandshakeFailure> Socks5Handshake::look_at_request_reply() {
  if (reply()[0] != kSocksVersion5) {
    return naming_target(upstream_fault(Errc::upstream_protocol_error,
                                        "answered the request for " + shown_ + " with nonsense"));
  }
  if (filled_ < 2) return false;
  // Decided on this byte alone: the rest is often truncated (INTEROP 6a).
  if (const SocksReply code{byte_of(reply()[1])}; code != SocksReply::granted) return refused(code);
  if (filled_ < 5) return false;  // the fifth byte gives the length of a name
  const auto address = socks_address_bytes(reply()[3], reply()[4]);
  if (!address) {
    return naming_target(upstream_fault(Errc::upstream_protocol_error,
                                        "granted " + shown_ + " with an address of unknown type " +
                                            std::to_string(byte_of(reply()[3]))));
  }
  if (filled_ < 4 + *address + 2) return false;
  stage_ = Stage::done;
  return true;
}

HandshakeFailure Socks5Handshake::refused(SocksReply code) const {
  const auto* const found = std::find_if(kReplies.begin(), kReplies.end(),
                                         [code](const Reply& reply) { return reply.code == code; });
  const Reply& reply = found == kReplies.end() ? kUnassigned : *found;
  std::string text = with_target(reply.text, shown_) + " (SOCKS reply " +
                     std::to_string(static_cast<unsigned>(code));
  // A server that resolves names itself often has no code of its own for one that it cannot.
  if (!target_.ip && (code == SocksReply::failed || code == SocksReply::network_unreachable))
    text += ", often a name that does not resolve";
  // 3proxy accepts any password at first and refuses the request instead (INTEROP 6a).
  if (code == SocksReply::not_allowed && credentials_)
    text += ", perhaps because of a wrong password";
  return naming_target({{.code = reply.errc, .side = reply.side, .sys = 0, .text = text + ")"}});
}

HandshakeFailure Socks5Handshake::eof() const {
  switch (stage_) {
    case Stage::greeting:
      if (filled_ > 0) {
        return upstream_fault(Errc::upstream_protocol_error,
                              "closed the connection in the middle of its greeting");
      }
      return upstream_fault(Errc::connection_terminated,
                            credentials_
                                ? "closed the connection during the greeting - it may take no user "
                                  "name and password (ssh -D never does)"
                                : "closed the connection during the greeting - is it a SOCKS5 "
                                  "server?");
    case Stage::authentication:
      return upstream_fault(
          Errc::upstream_auth_failed,
          "closed the connection after our user name and password - are they right?");
    case Stage::request:
      return closed_before_reply(shown_, filled_ > 0);
    case Stage::done:
      break;
  }
  return upstream_fault(Errc::connection_terminated, "closed the connection");
}

DialPhase Socks5Handshake::phase() const {
  switch (stage_) {
    case Stage::greeting:
      return DialPhase::greeting;
    case Stage::authentication:
      return DialPhase::authentication;
    default:
      return DialPhase::request;
  }
}

}  // namespace

std::unique_ptr<Handshake> make_socks5_handshake(const HostPort& target,
                                                 const std::optional<Credentials>& credentials) {
  return std::make_unique<Socks5Handshake>(Socks5Handshake::Part::whole, target, credentials);
}

std::unique_ptr<Handshake> make_socks5_greeting(const std::optional<Credentials>& credentials) {
  return std::make_unique<Socks5Handshake>(Socks5Handshake::Part::greeting, HostPort{},
                                           credentials);
}

std::unique_ptr<Handshake> make_socks5_request(const HostPort& target,
                                               const std::optional<Credentials>& credentials) {
  return std::make_unique<Socks5Handshake>(Socks5Handshake::Part::request, target, credentials);
}

}  // namespace culvert
