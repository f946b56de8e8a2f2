#include "policy/no_proxy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/redact.h"
#include "base/text.h"
#include "policy/impossible_host.h"

namespace culvert {
namespace {

struct HostAndPort {
  std::string_view host;
  std::string_view port;
};

/// Go's net.SplitHostPort: nullopt where that returns an error.
std::optional<HostAndPort> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  std::size_t after_open = 0;   // where another '[' would be one too many
  std::size_t after_close = 0;  // and another ']'
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || close + 1 != colon) return std::nullopt;
    host = text.substr(1, close - 1);
    after_open = 1;
    after_close = close + 1;
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (text.find('[', after_open) != std::string_view::npos) return std::nullopt;
  if (text.find(']', after_close) != std::string_view::npos) return std::nullopt;
  return HostAndPort{host, text.substr(colon + 1)};
}

struct Block {
  IpAddress base;
  unsigned prefix = 0;
};

IpAddress masked(const IpAddress& address, unsigned prefix) {
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(address.bytes(), address.size(), bytes.begin());
  for (std::size_t i = 0; i < address.size(); ++i) {
    const unsigned kept = prefix <= 8 * i ? 0 : std::min(8U, prefix - static_cast<unsigned>(8 * i));
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00U >> kept));
  }
  if (!address.is_v4()) return IpAddress::v6(bytes);
  return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

/// Go's net.ParseCIDR: bits after the prefix are allowed and dropped, and a block of IPv4-mapped
/// addresses is one of IPv4 addresses.
std::optional<Block> parse_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const auto prefix = parse_number<unsigned>(text.substr(slash + 1));
  if (!address || !prefix || *prefix > 8 * address->size()) return std::nullopt;

  const IpAddress base = masked(*address, *prefix);
  const IpAddress unmapped = base.unmapped();
  if (unmapped.is_v4() && !base.is_v4()) return Block{unmapped, *prefix < 96 ? 0 : *prefix - 96};
  return Block{base, *prefix};
}

bool is_this_host(const HostPort& target) {
  return target.ip ? target.ip->is_loopback() : target.host == "localhost" && !target.absolute;
}

/// Is there a port of that spelling?  Empty: any.
bool may_be_port(std::string_view text) {
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() || (port != 0 && text == std::to_string(port));
}

}  // namespace

NoProxy::NoProxy(std::string_view list) : given_(true) {
  for (const std::string_view text : split(list, ',')) {
    if (text == "*") {
      // Like Go: a lone star replaces the entries before it and ends the list.
      entries_.clear();
      entries_.push_back({.kind = Kind::all, .text = "*", .suffix = {}, .base = {}, .port = {}});
      break;
    }
    if (!text.empty()) add(text);
  }
  if (list.find('@') == std::string_view::npos) return;
  // One warning, as a password may hold commas.
  warnings_ = {redact(list) + ": holds an '@', which no host has; NO_PROXY lists hosts"};
}

void NoProxy::add(std::string_view text) {
  const std::string lower = to_lower(text);
  Entry entry;
  entry.text = text;

  if (const auto block = parse_block(lower)) {
    entry.kind = Kind::block;
    entry.base = block->base;
    entry.prefix = block->prefix;
    entries_.push_back(std::move(entry));
    return;
  }

  std::string_view host = lower;
  if (const auto parts = split_host_port(lower)) {
    host = parts->host;
    entry.port = parts->port;
  }
  if (const auto address = IpAddress::parse(host)) {
    entry.kind = Kind::address;
    entry.base = address->unmapped();
    if (!may_be_port(entry.port)) {
      warnings_.push_back(printable(text) + ": never matches; what follows the ':' is no port");
    }
    entries_.push_back(std::move(entry));
    return;
  }
  if (host.empty()) {
    warnings_.push_back(redact(text) + ": names no host and is ignored");
    return;
  }
  if (host.starts_with("*.")) host.remove_prefix(1);
  entry.also_host = host.front() != '.';
  entry.suffix = entry.also_host ? "." + std::string(host) : std::string(host);
  warn_if_futile(entry);
  entries_.push_back(std::move(entry));
}

void NoProxy::warn_if_futile(const Entry& entry) {
  std::string_view name = std::string_view(entry.suffix).substr(1);
  const bool absolute = name.size() > 1 && name.back() == '.';
  if (absolute) name.remove_suffix(1);
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  const auto is_numeric = [](char c) { return is_digit(c) || c == '.'; };
  std::string_view why;
  if (entry.text.find("://") != std::string::npos) {
    why = "is a URL; NO_PROXY lists hosts";
  } else if (why = impossible_host(entry.text); !why.empty()) {
    // which says it all
  } else if (!may_be_port(entry.port)) {
    why = "never matches; what follows the ':' is no port";
  } else if (std::any_of(name.begin(), name.end(), is_space)) {
    why = "holds a space; entries are separated by commas alone";
  } else if (name.find('*') != std::string_view::npos) {
    why = "never matches; a '*' stands alone or first, addresses are written as in 172.17.0.0/16";
  } else if (name.find('/') != std::string_view::npos) {
    why = "never matches; it is not an address block";
  } else if (name.find_first_of("[]") != std::string_view::npos) {
    why = "never matches; IPv6 has brackets only when a port follows";
  } else if (std::any_of(name.begin(), name.end(), [](char c) { return (c & 0x80) != 0; })) {
    why = "never matches here; write the name in its xn-- form, which the command idn2 prints";
  } else if (std::all_of(name.begin(), name.end(), is_numeric)) {
    why = "is neither a name nor an address; a block is written as in 172.17.0.0/16";
  } else if (!may_be_target(entry.also_host ? std::string(name) : "x." + std::string(name))) {
    why = "never matches; no host has such a name";
  } else if (absolute) {
    why = "matches only names that end in a dot, too; leave the final dot out";
  }
  if (!why.empty()) warnings_.push_back(redact(entry.text) + ": " + std::string(why));
}

const NoProxy::Entry* NoProxy::find(const HostPort& target) const {
  const std::string port = std::to_string(target.port);
  const std::string host = to_lower(target.full_name());
  const auto matches_entry = [&](const Entry& entry) {
    if (!entry.port.empty() && entry.port != port) return false;
    switch (entry.kind) {
      case Kind::all:
        return true;
      case Kind::address:
        return target.ip && target.ip->unmapped() == entry.base;
      case Kind::block:
        return target.ip && Cidr(entry.base, entry.prefix).contains(target.ip->unmapped());
      case Kind::domain:
        // The suffix is compared with names only: an entry "1" must not match 10.0.0.1.
        if (target.ip) return false;
        return host.ends_with(entry.suffix) ||
               (entry.also_host && host == std::string_view(entry.suffix).substr(1));
    }
    return false;
  };
  const auto found = std::find_if(entries_.begin(), entries_.end(), matches_entry);
  return found == entries_.end() ? nullptr : &*found;
}

bool NoProxy::matches(const HostPort& target) const {
  if (!given_) return false;
  return is_this_host(target) || find(target) != nullptr;
}

std::string NoProxy::why(const HostPort& target) const {
  if (!given_) return {};
  if (is_this_host(target)) {
    return "localhost and loopback addresses are never proxied";
  }
  const Entry* entry = find(target);
  if (entry == nullptr) return {};
  std::string meaning;
  switch (entry->kind) {
    case Kind::all:
      meaning = "everything";
      break;
    case Kind::address:
      meaning = "that address";
      break;
    case Kind::block:
      meaning = "addresses in that block";
      break;
    case Kind::domain:
      meaning = entry->also_host ? "that host and its subdomains" : "subdomains of that host";
      break;
  }
  return "entry " + printable(entry->text) + " stands for " + meaning;
}

std::string no_proxy_without(std::string_view list, const HostPort& target) {
  if (list.find('@') != std::string_view::npos) return "localhost,127.0.0.1";
  std::string rest;
  for (const std::string_view entry : split(list, ',')) {
    if (entry.empty() || has_control(entry)) continue;
    if (NoProxy(entry).matches(target)) continue;
    if (!rest.empty()) rest += ',';
    rest += entry;
  }
  return rest;
}

}  // namespace culvert
