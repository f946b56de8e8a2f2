#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "codec/clause.h"
#include "codec/protocol_guess.h"
#include "codec/socks.h"
#include "codec/socks_fields.h"

namespace culvert {
namespace {

constexpr std::size_t kReplySize = 8;

/// The whole exchange is one request and one reply of eight bytes.
class Socks4aHandshake final : public Handshake {
 public:
  Socks4aHandshake(const HostPort& target, std::string_view user)
      : target_(target),
        // The user id ends at the first NUL on the wire; the rest would be read as a host name.
        user_(user.substr(0, user.find('\0'))),
        shown_(shown_target(target)) {}

  std::string take_output() override;
  Result<std::size_t, HandshakeFailure> consume(std::string_view bytes) override;
  bool done() const override { return done_; }
  HandshakeFailure eof() const override;
  DialPhase phase() const override { return DialPhase::request; }

 private:
  Result<void, HandshakeFailure> look_at_reply();
  HandshakeFailure refused(char code) const;

  HostPort target_;
  std::string user_;
  std::string shown_;
  bool sent_ = false;
  bool done_ = false;
  std::array<char, kReplySize> reply_;
  std::size_t filled_ = 0;
};

std::string Socks4aHandshake::take_output() {
  if (std::exchange(sent_, true)) return {};
  std::string out{kSocksVersion4, kSocksConnect, static_cast<char>(target_.port >> 8),
                  static_cast<char>(target_.port & 0xff)};
  if (target_.ip && target_.ip->is_v4()) {
    out += target_.ip->octets();
  } else {
    out.append({0, 0, 0, 1});  // the mark of 4A: a name follows the user id
  }
  out += user_;
  out += '\0';
  if (!target_.ip) {
    out += target_.full_name();
    out += '\0';
  }
  return out;
}

Result<std::size_t, HandshakeFailure> Socks4aHandshake::consume(std::string_view bytes) {
  std::size_t used = 0;
  while (!done_ && used < bytes.size()) {
    reply_[filled_++] = bytes[used++];
    auto fine = look_at_reply();
    if (!fine || done_) filled_ = 0;
    if (!fine) return std::move(fine).error();
  }
  return used;
}

Result<void, HandshakeFailure> Socks4aHandshake::look_at_reply() {
  const std::string_view reply(reply_.data(), filled_);
  // The reply's version is 0; some servers send their own version, 4.
  if (reply[0] != 0 && reply[0] != kSocksVersion4) {
    if (may_become_known(reply)) return {};
    const std::string_view guess = guess_protocol(reply);
    return upstream_fault(Errc::upstream_protocol_error,
                          guess.empty()
                              ? "did not answer in SOCKS4"
                              : "answered in " + std::string(guess) +
                                    ", not in SOCKS4 - does the URL name the right protocol?");
  }
  if (filled_ < 2) return {};
  if (reply[1] != kSocks4Granted) return refused(reply[1]);
  done_ = filled_ == kReplySize;
  return {};
}

HandshakeFailure Socks4aHandshake::refused(char code) const {
  const std::string number =
      " (SOCKS4 reply " + std::to_string(static_cast<std::uint8_t>(code)) + ")";
  switch (code) {
    case kSocks4Rejected:
      return naming_target(target_fault(Errc::destination_unavailable,
                                        "rejected or failed to reach " + shown_ + number));
    case kSocks4NoIdentd:
      return naming_target(upstream_fault(
          Errc::upstream_auth_failed,
          "refused " + shown_ + " because it found no identd on this host" + number));
    case kSocks4OtherUser:
      return naming_target(
          upstream_fault(Errc::upstream_auth_failed,
                         "refused " + shown_ + " because identd names another user" + number));
    default:
      return naming_target(
          upstream_fault(Errc::upstream_protocol_error,
                         "answered for " + shown_ + " with an unknown code" + number));
  }
}

HandshakeFailure Socks4aHandshake::eof() const { return closed_before_reply(shown_, filled_ > 0); }

}  // namespace

std::unique_ptr<Handshake> make_socks4a_handshake(const HostPort& target, std::string_view user) {
  return std::make_unique<Socks4aHandshake>(target, user);
}

std::optional<HandshakeFailure> socks4a_refuses(const HostPort& target) {
  if (!target.ip || target.ip->is_v4()) return std::nullopt;
  return naming_target(upstream_fault(
      Errc::upstream_unsupported,
      "cannot be asked for " + shown_target(target) + " - SOCKS4a has no IPv6 addresses"));
}

}  // namespace culvert
