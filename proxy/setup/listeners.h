#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/given_listener.h"
#include "setup/plan.h"

namespace culvert {

/// The listener that clients use.
struct ListenerChoice {
  const GivenListener* listener = nullptr;  ///< nullptr: none fits
  std::string url;                          ///< "http://127.0.0.1:3128"
  std::string note;     ///< which of several it is, and why no other; empty: there is one
  std::string problem;  ///< why none fits
};

/// For clients on this machine: plain before TLS, then loopback before other addresses.
ListenerChoice choose_for_host(std::span<const GivenListener> listeners);

/// For containers, whose loopback is another: the url of a listener that they reach; empty: none.
/// `bridge` is this machine's address for them, if it is known.
std::string choose_for_containers(std::span<const GivenListener> listeners,
                                  std::string_view bridge);

/// Of those with an address all, and there are some.
bool speak_tls_alone(std::span<const GivenListener> listeners);

/// Of the one that clients use, or of the default: "127.0.0.1:3128".
std::string service_address(const SetupFacts& facts);

/// What a client has to have, or cannot do, if it speaks TLS with culvert.
void note_tls(const SetupFacts& facts, Plan& plan);

/// Why clients that have to sign in are not configured.
std::string sign_in_problem(const SetupFacts& facts);

}  // namespace culvert
