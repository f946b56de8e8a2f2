#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// What a registry's 401 asks for.
struct RegistryChallenge {
  enum class Kind {
    none,    ///< nothing that docker understands
    basic,   ///< user and password in each request
    bearer,  ///< a token of the service `realm`
  };
  Kind kind = Kind::none;
  std::string realm;    ///< of bearer: a URL, as received
  std::string service;  ///< of bearer; may be empty
};

/// The challenge that docker would take of the values of WWW-Authenticate (RFC 9110 section
/// 11.6.1): Bearer with a realm before Basic.
RegistryChallenge registry_challenge(const std::vector<std::string_view>& fields);

}  // namespace culvert
