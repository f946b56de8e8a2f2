#include "options/listen_address.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "options/listen_options.h"

namespace culvert {
namespace {

constexpr std::uint16_t kDefaultPort = 3128;
constexpr std::size_t kMaxUnixPath = 107;  // unix(7): sun_path, less its final NUL
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kSystemd = "systemd";

using Speaks = ListenConfig::Speaks;

struct ListenScheme {
  std::string_view text;
  Speaks speaks;
};
constexpr std::array<ListenScheme, 3> kListenSchemes = {{
    {"http://", Speaks::any},
    {"http-only://", Speaks::http_only},
    {"https://", Speaks::tls_only},
}};

ListenConfig at(std::string_view ip, std::uint16_t port, bool optional) {
  ListenConfig listen;
  listen.address.ip = IpAddress::parse(ip);
  listen.address.host = ip;
  listen.address.port = port;
  listen.optional = optional;
  return listen;
}

/// An IPv4 address and its IPv6 counterpart.  Not with port 0, as the two would get different
/// ports.
std::vector<ListenConfig> pair(std::string_view v4, std::string_view v6, std::uint16_t port) {
  std::vector<ListenConfig> listen = {at(v4, port, false)};
  if (port != 0) listen.push_back(at(v6, port, true));
  return listen;
}

/// 0 is allowed: the system chooses.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  return parse_number<std::uint16_t>(text);
}

std::vector<ListenConfig> parse_unix(std::string_view path, std::vector<std::string>& problems) {
  if (path.starts_with("//")) path.remove_prefix(2);  // unix:///path
  if (path.empty()) {
    problems.emplace_back("the path is missing, as in unix:/run/culvert.sock");
    return {};
  }
  if (path.size() > kMaxUnixPath) {
    problems.push_back(fmt::format("the path of a unix socket has at most {} bytes", kMaxUnixPath));
    return {};
  }
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = path;
  return {listen};
}

/// `name` is what follows "systemd".
std::vector<ListenConfig> parse_systemd(std::string_view name, std::vector<std::string>& problems) {
  ListenConfig listen;
  listen.kind = ListenConfig::Kind::systemd;
  if (!name.empty()) {
    name.remove_prefix(1);
    const auto odd = [](char c) { return c == ':' || c <= ' ' || c > '~'; };
    if (name.empty() || name.starts_with("//") || std::any_of(name.begin(), name.end(), odd)) {
      problems.emplace_back(
          "write systemd for every socket that is passed, or systemd:NAME with the "
          "FileDescriptorName= of the .socket unit");
      return {};
    }
    listen.name = name;
  }
  return {listen};
}

std::vector<ListenConfig> parse_tcp(std::string_view text, std::vector<std::string>& problems) {
  if (text.find_first_of(",;|") != std::string_view::npos) {
    problems.emplace_back(
        "one --listen is one address; give it again for the next (a variable has a blank between "
        "them)");
    return {};
  }
  if (IpAddress::parse(text)) {
    problems.push_back(
        text.find(':') == std::string_view::npos
            ? fmt::format("the port is missing, as in {}:{}", text, kDefaultPort)
            : fmt::format("IPv6 needs brackets and a port, as in [{}]:{}", text, kDefaultPort));
    return {};
  }
  const std::size_t colon = text.rfind(':');
  const std::string_view digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
  const auto port = parse_port(digits);
  if (!port) {
    problems.emplace_back("the port is not a number from 0 to 65535; write ADDRESS:PORT");
    return {};
  }
  if (colon == std::string_view::npos) return pair("127.0.0.1", "::1", *port);

  std::string_view host = text.substr(0, colon);
  if (host.empty()) return pair("0.0.0.0", "::", *port);
  if (iequals(host, "localhost")) return pair("127.0.0.1", "::1", *port);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    problems.emplace_back("IPv6 needs brackets, as in [::1]:3128");
    return {};
  }
  const auto ip = IpAddress::parse(host);
  if (!ip) {
    problems.emplace_back("listen on an IP address of this host, or on localhost");
    return {};
  }
  return {at(ip->unmapped().to_string(), *port, false)};
}

/// Without the options.
std::vector<ListenConfig> parse_place(std::string_view value, std::vector<std::string>& problems) {
  const std::string lower = to_lower(value);
  if (lower.starts_with(kUnix)) return parse_unix(value.substr(kUnix.size()), problems);
  if (lower == kSystemd || lower.starts_with("systemd:")) {
    return parse_systemd(value.substr(kSystemd.size()), problems);
  }
  const auto* const scheme =
      std::find_if(kListenSchemes.begin(), kListenSchemes.end(),
                   [&](const ListenScheme& one) { return lower.starts_with(one.text); });
  if (scheme == kListenSchemes.end() && lower.find("://") != std::string::npos) {
    problems.emplace_back(
        "culvert listens on http://ADDRESS:PORT, https://ADDRESS:PORT, http-only://ADDRESS:PORT, "
        "unix:/path or systemd");
    return {};
  }
  if (scheme != kListenSchemes.end()) {
    value.remove_prefix(scheme->text.size());
    if (value.ends_with('/')) value.remove_suffix(1);
  }
  std::vector<ListenConfig> found = parse_tcp(value, problems);
  for (ListenConfig& listen : found) {
    listen.speaks = scheme == kListenSchemes.end() ? Speaks::any : scheme->speaks;
  }
  return found;
}

}  // namespace

std::vector<ListenConfig> default_listen() { return pair("127.0.0.1", "::1", kDefaultPort); }

std::vector<ListenConfig> parse_listen(std::string_view value, std::vector<std::string>& problems) {
  value = trim_space(value);
  const std::size_t mark = value.find('?');
  const std::size_t before = problems.size();
  std::vector<ListenConfig> found = parse_place(value.substr(0, mark), problems);
  if (problems.size() != before) return {};
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : value.substr(mark + 1);
  // Of a pair both have the same options, and the same problems.
  std::vector<std::string> wrong;
  for (ListenConfig& listen : found) {
    wrong.clear();
    if (mark != std::string_view::npos) parse_listen_options(query, listen, wrong);
    if (listen.speaks == Speaks::tls_only && listen.certificates.empty()) {
      wrong.emplace_back("TLS needs a certificate: https://ADDRESS:PORT?cert=FILE&key=FILE");
    }
  }
  problems.insert(problems.end(), wrong.begin(), wrong.end());
  return found;
}

bool is_reachable_by_others(const ListenConfig& listen) {
  if (listen.kind != ListenConfig::Kind::http) return false;
  return !listen.address.ip || !listen.address.ip->is_loopback();
}

}  // namespace culvert
