#include "base/host_port.h"

#include <algorithm>
#include <cstddef>

#include "base/redact.h"
#include "base/text.h"

namespace culvert {
namespace {

bool is_name_char(char c) {
  const char lower = to_lower(c);
  return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '-' || c == '_' || c == '.';
}

Error bad(std::string_view text, std::string_view reason) {
  return Error{
      .code = Errc::http_request_error,
      .side = Side::client,
      .sys = 0,
      .text = "bad address \"" + printable(redact_url(text), 60) + "\": " + std::string(reason)};
}

/// The last label makes many programs read the name as an IPv4 address: "127.1", "0x7f000001".
bool ends_in_number(std::string_view name) {
  const std::string_view label = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  if (std::all_of(label.begin(), label.end(), is_digit)) return true;
  return label.size() >= 2 && label[0] == '0' && to_lower(label[1]) == 'x' &&
         std::all_of(label.begin() + 2, label.end(), [](char c) {
           const char lower = to_lower(c);
           return is_digit(c) || (lower >= 'a' && lower <= 'f');
         });
}

/// Why `name` (lower case, no root dot) cannot be a host name; empty if it can.
std::string_view fault_in_name(std::string_view name) {
  if (name.empty()) return "the host is empty";
  if (name.size() > kMostNameBytes) return "the host name is longer than 253 bytes";
  if (name.find('@') != std::string_view::npos) return "user and password do not belong here";
  if (name.find('%') != std::string_view::npos) return "'%' is not allowed in a host";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      return "the host has non-ASCII bytes (use the xn-- form)";
    }
    if (c == ' ' || is_control(c)) return "the host has white space or control bytes";
    if (!is_name_char(c)) return "the host has characters that no host name has";
  }
  if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string_view::npos) {
    return "the host name has an empty label";
  }
  if (ends_in_number(name)) return "the host is not a dotted quad, and no name ends in a number";
  return {};
}

Result<void> take_literal(std::string_view text, std::string_view literal, HostPort& out) {
  const auto ip = IpAddress::parse(literal);
  if (!ip || ip->is_v4()) {
    return bad(text, literal.find('%') != std::string_view::npos
                         ? "IPv6 zones mean nothing to others than this host"
                         : "the brackets hold no IPv6 address");
  }
  out.host = ip->to_string();
  out.ip = ip;
  out.absolute = false;
  return {};
}

Result<void> take_name(std::string_view text, std::string_view name, HostPort& out) {
  out.ip = IpAddress::parse(name);
  // "gcr.io." and "gcr.io" are one host; with one spelling a rule for it cannot be evaded.
  out.absolute = !out.ip && name.size() > 1 && name.back() == '.';
  if (out.absolute) {
    name.remove_suffix(1);
    out.ip = IpAddress::parse(name);
  }
  if (out.ip && out.ip->is_v4()) {
    out.absolute = false;
    out.host = out.ip->to_string();
    return {};
  }
  out.ip.reset();
  if (const std::string_view fault = fault_in_name(name); !fault.empty()) return bad(text, fault);
  out.host.resize(name.size());
  std::transform(name.begin(), name.end(), out.host.begin(), [](char c) { return to_lower(c); });
  return {};
}

}  // namespace

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  if (digits.empty() || digits.size() > 5) return std::nullopt;
  unsigned value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value == 0 || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

Result<HostPort> HostPort::parse(std::string_view text, std::optional<std::uint16_t> default_port) {
  HostPort out;
  if (auto fine = out.assign(text, default_port); !fine) return std::move(fine).error();
  return out;
}

Result<void> HostPort::assign(std::string_view text, std::optional<std::uint16_t> default_port) {
  const bool bracketed = !text.empty() && text[0] == '[';
  std::size_t host_end = text.rfind(':');
  if (bracketed) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return bad(text, "']' is missing");
    host_end = bracket + 1;
    if (host_end < text.size() && text[host_end] != ':') return bad(text, "text follows ']'");
  }
  const std::string_view name = text.substr(0, host_end);
  if (name.find('@') != std::string_view::npos) {
    return bad(text, "user and password do not belong here");
  }
  if (!bracketed && name.find(':') != std::string_view::npos) {
    return bad(text, IpAddress::parse(text) || IpAddress::parse(name)
                         ? "an IPv6 address stands in brackets"
                         : "there are several ':'");
  }

  std::optional<std::uint16_t> number = default_port;
  const bool has_colon = host_end < text.size();
  // RFC 3986 section 3.2.3 allows "host:" for the default port.
  if (const auto digits = has_colon ? text.substr(host_end + 1) : ""; !digits.empty()) {
    number = parse_port(digits);
    if (!number) return bad(text, "the port is not a number from 1 to 65535");
  }
  if (!number) return bad(text, "the port is missing");
  port = *number;
  if (bracketed) return take_literal(text, name.substr(1, name.size() - 2), *this);
  return take_name(text, name, *this);
}

Result<HostPort> HostPort::from(std::string_view host, std::uint16_t port) {
  if (port == 0) return bad(host, "the port is not a number from 1 to 65535");
  HostPort out;
  out.port = port;
  Result<void> fine;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    fine = take_literal(host, host.substr(1, host.size() - 2), out);
  } else if (host.find(':') != std::string_view::npos) {
    fine = take_literal(host, host, out);
  } else {
    fine = take_name(host, host, out);
  }
  if (!fine) return std::move(fine).error();
  return out;
}

std::string HostPort::to_string() const {
  std::string out;
  const bool bracketed = host.find(':') != std::string::npos;
  if (bracketed) out += '[';
  out += host;
  if (bracketed) out += ']';
  out += ':';
  out += std::to_string(port);
  return out;
}

std::string HostPort::authority() const {
  std::string out = to_string();
  if (absolute) out.insert(host.size(), 1, '.');
  return out;
}

std::string shown_target(const HostPort& target) {
  constexpr std::size_t kMaxShown = 48;
  return shorten_middle(target.to_string(), kMaxShown);
}

}  // namespace culvert
