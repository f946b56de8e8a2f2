#include "codec/protocol_guess.h"

#include <array>

namespace culvert {
namespace {

struct Opening {
  std::string_view bytes;
  std::string_view protocol;
};
constexpr std::array kTextOpenings = {Opening{"HTTP/", "HTTP"}, Opening{"SSH-", "SSH"}};

}  // namespace

std::string_view guess_protocol(std::string_view first_bytes) {
  for (const Opening& opening : kTextOpenings) {
    if (first_bytes.starts_with(opening.bytes)) return opening.protocol;
  }
  if (first_bytes.empty()) return {};
  switch (first_bytes[0]) {
    case '\x15':  // alert
    case '\x16':  // handshake
      return "TLS";
    case '\x05':
      return "SOCKS5";
    case '\x00':
      // The answer codes of SOCKS4 are 0x5a to 0x5d.
      return first_bytes.size() > 1 && first_bytes[1] >= '\x5a' && first_bytes[1] <= '\x5d'
                 ? "SOCKS4"
                 : "";
    default:
      return {};
  }
}

bool may_become_known(std::string_view first_bytes) {
  for (const Opening& opening : kTextOpenings) {
    if (first_bytes.size() < opening.bytes.size() && opening.bytes.starts_with(first_bytes)) {
      return true;
    }
  }
  return false;
}

std::string why_not_http(std::string_view first_bytes) {
  constexpr std::string_view kOpening = "HTTP/";
  const std::string_view opening = first_bytes.substr(0, kOpening.size());
  if (kOpening.starts_with(opening) || may_become_known(opening)) return {};
  const std::string_view guess = guess_protocol(first_bytes);
  return (guess.empty() ? "did not answer in HTTP"
                        : "answered in " + std::string(guess) + ", not in HTTP") +
         " - does the URL name the right protocol and port?";
}

}  // namespace culvert
