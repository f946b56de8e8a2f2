#include "dial/dial_trace.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/redact.h"
#include "base/text.h"
#include "codec/clause.h"
#include "codec/shown_head.h"
#include "dial/upstream_protocol.h"
#include "net/own_end.h"

namespace culvert {
namespace {

/// A reply of SOCKS5 with an IPv6 address has 22 bytes.
constexpr std::size_t kMostBytesShown = 22;
constexpr std::size_t kMostAddressesShown = 8;

std::string shown(const IpAddress& address, std::uint16_t port) {
  return HostPort{address.to_string(), port, address}.to_string();
}

bool speaks_http(const UpstreamConfig& upstream) {
  return upstream.kind == UpstreamConfig::Kind::http ||
         upstream.kind == UpstreamConfig::Kind::https;
}

std::string bytes_text(std::size_t bytes) {
  std::string out;
  append_number(out, bytes);
  return out + " bytes";
}

std::string in_hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, kMostBytesShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (!out.empty()) out += ' ';
    if (byte < 16) out += '0';
    append_number(out, static_cast<unsigned>(byte), 16);
  }
  return bytes.size() > kMostBytesShown ? out + " ..." : out;
}

}  // namespace

void tell_step(Trace* trace, Log& log, const HostPort& target, std::string_view what) {
  if (trace != nullptr) trace->step(what);
  if (log.enabled(Log::Level::debug)) {
    log.write(Log::Level::debug, concat({shown_target(target), ": ", what}));
  }
}

void trace_lookup(Trace* trace, const HostPort& address) {
  if (trace != nullptr) trace->step(concat({"looking ", address.host, " up on this host"}));
}

void trace_addresses(Trace* trace, const HostPort& address, const std::vector<IpAddress>& found) {
  if (trace == nullptr) return;
  std::string text = address.host + " is";
  for (std::size_t i = 0; i < std::min(found.size(), kMostAddressesShown); ++i) {
    text += (i == 0 ? " " : ", ") + found[i].to_string();
  }
  if (found.size() > kMostAddressesShown) text += ", ...";
  trace->step(text);
}

void trace_connecting(Trace* trace, const IpAddress& address, std::uint16_t port) {
  if (trace != nullptr) trace->step(concat({"connecting to ", shown(address, port)}));
}

void trace_connected(Trace* trace, int fd) {
  if (trace == nullptr) return;
  const auto own = own_end(fd);
  trace->step(concat({"connected", own ? " from " : "", own ? shown(own->ip, own->port) : ""}));
}

void trace_sent(Trace* trace, const UpstreamConfig& upstream, DialPhase phase,
                std::string_view bytes) {
  if (trace == nullptr || bytes.empty()) return;
  if (speaks_http(upstream)) {
    return trace->step(concat({"sent to ", upstream.name, ":\n", shown_request(bytes)}));
  }
  // The length of a password is nobody's business.
  const bool secret = phase == DialPhase::authentication;
  trace->step(concat({"sent to ", upstream.name, ": the ", to_string(phase), secret ? "" : ", ",
                      secret ? "" : bytes_text(bytes.size())}));
}

void trace_received(Trace* trace, const UpstreamConfig& upstream, DialPhase phase,
                    std::string_view bytes) {
  if (trace == nullptr) return;
  if (speaks_http(upstream)) {
    return trace->step(
        concat({upstream.name, " answered:\n", shown_response(bytes, upstream.credentials)}));
  }
  // A reply to anything but the request has two bytes, and what follows may repeat a password.
  if (phase != DialPhase::request) bytes = bytes.substr(0, 2);
  const bool repeats = redact_echo(bytes, upstream.credentials) == kHidden;
  trace->step(concat({upstream.name, " answered the ", to_string(phase), ": ",
                      repeats ? std::string(kHidden) : in_hex(bytes)}));
}

}  // namespace culvert
