#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/host_port.h"
#include "base/text.h"
#include "codec/handshake.h"

namespace culvert {

/// The pieces of error texts.  Names (see shown_target(), too) are short enough that the cause,
/// too, fits the 200 bytes of a reason phrase.

/// Each reason phrase of a culvert begins with this.
constexpr std::string_view kSigned = "culvert: ";
/// The limit of the error's text after that.
constexpr std::size_t kMostOfText = 200 - kSigned.size();

/// `label` is UpstreamConfig's.
inline std::string shown_upstream(std::string_view label) {
  constexpr std::size_t kMaxShown = 60;
  return shorten_middle(label, kMaxShown);
}

// How a handshake fails: clauses that follow "upstream NAME ".

/// The reply is invalid, or it reports a failure of the upstream.
inline HandshakeFailure upstream_fault(Errc code, std::string clause) {
  return {{.code = code, .side = Side::upstream, .sys = 0, .text = std::move(clause)}};
}

/// The upstream did its part and reports that the target could not be reached.
inline HandshakeFailure target_fault(Errc code, std::string clause) {
  return {{.code = code, .side = Side::target, .sys = 0, .text = std::move(clause)}};
}

/// `failure`, whose clause names the target already.
inline HandshakeFailure naming_target(HandshakeFailure failure) {
  failure.names_target = true;
  return failure;
}

/// Either version of SOCKS: the connection ended before the reply to the request was complete.
inline HandshakeFailure closed_before_reply(const std::string& target, bool reply_has_begun) {
  if (reply_has_begun) {
    return naming_target(
        upstream_fault(Errc::connection_terminated,
                       "closed the connection in the middle of its answer for " + target));
  }
  return naming_target(target_fault(
      Errc::connection_terminated,
      "closed the connection instead of answering for " + target +
          " - ssh -D does this when the far end cannot resolve or reach it, or forbids it"));
}

}  // namespace culvert
