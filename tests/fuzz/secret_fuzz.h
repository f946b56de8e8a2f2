// For targets that check that a password is not repeated.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "fuzz/fuzz.h"

namespace culvert::test {

/// In lower case, as some texts are.
inline constexpr std::string_view kPlanted = "hunter2+planted";

/// Messages reach terminals and logs, whose lines they must not break.
inline bool is_printable(std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return true;
}

inline void check_messages(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) {
    FUZZ_CHECK(!message.empty() && is_printable(message));
  }
}

/// The same, where the input holds the planted password in a place that is known for one.
inline void check_secret(const std::vector<std::string>& messages) {
  check_messages(messages);
  for (const std::string& message : messages) {
    FUZZ_CHECK(to_lower(message).find(kPlanted) == std::string::npos);
  }
}

/// A URL with the planted password somewhere between user and '@': the first byte of `input`
/// chooses what stands before the user, and two line ends separate what comes before the password,
/// behind it, and behind the '@'.  A fuzzer learns the password; input that has it already, perhaps
/// where it is a host's name, counts as none.
inline std::string plant(std::string_view input) {
  constexpr std::array<std::string_view, 8> kBefore = {
      "socks5://", "a=socks5://", "http://", "https://", "socks4a://", "socks5:", "", "x=",
  };
  if (to_lower(input).find(kPlanted) != std::string::npos) input = {};
  const std::size_t kind = input.empty() ? 0 : static_cast<unsigned char>(input[0]);
  std::string url(kBefore[kind % kBefore.size()]);
  if (!input.empty()) input.remove_prefix(1);
  std::array<std::string_view, 3> parts;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t end = input.find('\n');
    parts[i] = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  parts[2] = input;
  url.append("u:").append(parts[0]).append(kPlanted).append(parts[1]).append("@");
  return url.append(parts[2]);
}

}  // namespace culvert::test
