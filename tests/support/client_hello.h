// A TLS ClientHello.
#pragma once

#include <string>

namespace culvert::test {

/// With these cipher suites, two bytes each, and no extensions.
inline std::string client_hello(const std::string& suites, std::size_t session_id = 32) {
  const auto number = [](std::size_t value) {
    return std::string{static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  };
  const std::string body = std::string("\x03\x03") + std::string(32, 'r') +
                           static_cast<char>(session_id) + std::string(session_id, 's') +
                           number(suites.size()) + suites + std::string("\x01\x00", 2);
  const std::string message = std::string("\x01\x00", 2) + number(body.size()) + body;
  return "\x16\x03\x01" + number(message.size()) + message;
}

}  // namespace culvert::test
