#include "options/listen_address.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "config/listen_url.h"
#include "options/listen_options.h"
#include "options/listen_tcp.h"

namespace culvert {
namespace {

constexpr std::size_t kMaxUnixPath = 107;  // unix(7): sun_path, less its final NUL
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kSystemd = "systemd";

using Speaks = ListenConfig::Speaks;

struct ListenScheme {
  std::string_view text;
  Speaks speaks;
};
constexpr std::array<ListenScheme, 3> kListenSchemes = {{
    {kHttpScheme, Speaks::any},
    {"http-only://", Speaks::http_only},
    {kHttpsScheme, Speaks::tls_only},
}};

/// What stands before the '?'.
struct Place {
  std::vector<ListenConfig> listen;        ///< empty if there is a mistake
  std::optional<ListenConfig> of_options;  ///< whose options follow even so; nullopt: not known
};

Place parse_unix(std::string_view path, std::vector<std::string>& problems) {
  Place place;
  ListenConfig& listen = place.of_options.emplace();
  listen.kind = ListenConfig::Kind::unix_socket;
  if (path.starts_with("///")) path.remove_prefix(2);
  if (path.empty() || path == "//") {
    problems.emplace_back("the path is missing, as in unix:/run/culvert.sock");
  } else if (path.starts_with("//")) {
    problems.emplace_back(
        "two slashes would begin a host: write unix:/path, or unix:path for a "
        "path from the current folder");
  } else if (path.ends_with('/')) {
    problems.emplace_back("this is a folder; name the socket in it, as in unix:/run/culvert.sock");
  } else if (path.starts_with('@')) {
    problems.emplace_back(
        "abstract sockets ('@') are not served; name a file, as in "
        "unix:/run/culvert.sock");
  } else if (path.size() > kMaxUnixPath) {
    problems.push_back(fmt::format("the path of a unix socket has at most {} bytes", kMaxUnixPath));
  } else {
    listen.path = path;
    place.listen = {listen};
  }
  return place;
}

/// `name` is what follows "systemd".
Place parse_systemd(std::string_view name, std::vector<std::string>& problems) {
  Place place;
  ListenConfig& listen = place.of_options.emplace();
  listen.kind = ListenConfig::Kind::systemd;
  if (!name.empty()) {
    name.remove_prefix(1);
    const auto odd = [](char c) { return c == ':' || c <= ' ' || c > '~'; };
    if (name.empty() || name.starts_with("//") || std::any_of(name.begin(), name.end(), odd)) {
      problems.emplace_back(
          "write systemd for every socket that is passed, or systemd:NAME with the "
          "FileDescriptorName= of the .socket unit");
      return place;
    }
    listen.name = name;
  }
  place.listen = {listen};
  return place;
}

/// "http:127.0.0.1:3128", "https//..."
bool lacks_slashes(std::string_view lower) {
  return std::any_of(kListenSchemes.begin(), kListenSchemes.end(), [&](const ListenScheme& scheme) {
    const std::string_view name = scheme.text.substr(0, scheme.text.find(':'));
    if (!lower.starts_with(name)) return false;
    const std::string_view behind = lower.substr(name.size());
    return behind.starts_with(':') || behind.starts_with("//");
  });
}

bool is_tcp(const Place& place) {
  return place.of_options && place.of_options->kind == ListenConfig::Kind::http;
}

/// Without the options.
Place parse_place(std::string_view value, std::vector<std::string>& problems) {
  const std::string lower = to_lower(value);
  if (lower.starts_with(kUnix)) return parse_unix(value.substr(kUnix.size()), problems);
  if (lower == kSystemd || lower.starts_with("systemd:")) {
    return parse_systemd(value.substr(kSystemd.size()), problems);
  }
  const auto* const scheme =
      std::find_if(kListenSchemes.begin(), kListenSchemes.end(),
                   [&](const ListenScheme& one) { return lower.starts_with(one.text); });
  if (scheme == kListenSchemes.end() && lower.find("://") != std::string::npos) {
    problems.emplace_back(lower.starts_with("socks")
                              ? "every listener takes SOCKS as well as HTTP; write ADDRESS:PORT"
                              : "no listener has that scheme; write http://ADDRESS:PORT, "
                                "https://ADDRESS:PORT, http-only://ADDRESS:PORT, unix:/path or "
                                "systemd");
    return {};
  }
  if (scheme == kListenSchemes.end() && lacks_slashes(lower)) {
    problems.emplace_back("\"://\" follows a scheme, as in http://127.0.0.1:3128");
    return {};
  }
  Place place;
  place.of_options.emplace();
  if (scheme != kListenSchemes.end()) {
    value.remove_prefix(scheme->text.size());
    place.of_options->speaks = scheme->speaks;
  }
  const std::string_view written =
      scheme == kListenSchemes.end() ? std::string_view() : scheme->text;
  place.listen = parse_tcp_listen(written, value, problems);
  for (ListenConfig& listen : place.listen) listen.speaks = place.of_options->speaks;
  return place;
}

}  // namespace

std::vector<ListenConfig> default_listen() { return loopback_listen(kDefaultListenPort); }

std::vector<ListenConfig> parse_listen(std::string_view value, std::vector<std::string>& problems) {
  value = trim_space(value);
  const std::size_t mark = value.find('?');
  const std::size_t before = problems.size();
  Place place = parse_place(value.substr(0, mark), problems);
  // A '?' in a password: what follows is no option, and is not to be shown.
  if (place.listen.empty() && is_tcp(place) && mark != value.npos &&
      value.find('@', mark) != value.npos) {
    problems.resize(before);
    problems.emplace_back(kNoUserInListen);
    return {};
  }
  const auto read_options = [&](ListenConfig& listen, std::vector<std::string>& wrong) {
    if (mark != value.npos) parse_listen_options(value.substr(mark + 1), listen, wrong);
    if (listen.speaks == Speaks::tls_only && listen.certificates.empty()) {
      wrong.emplace_back("TLS needs a certificate: https://ADDRESS:PORT?cert=FILE&key=FILE");
    }
  };
  if (place.of_options) read_options(*place.of_options, problems);
  // Told already.
  std::vector<std::string> again;
  for (ListenConfig& listen : place.listen) read_options(listen, again);
  return std::move(place.listen);
}

std::optional<GivenListener> parse_given_listener(std::string_view value,
                                                  std::vector<std::string>& problems) {
  const std::size_t before = problems.size();
  std::vector<ListenConfig> listen = parse_listen(value, problems);
  if (problems.size() != before) return std::nullopt;
  GivenListener given{std::string(value), std::move(listen.front())};
  if (listen.size() > 1) given.second = std::move(listen.back());
  return given;
}

bool is_reachable_by_others(const ListenConfig& listen) {
  if (listen.kind != ListenConfig::Kind::http) return false;
  return !listen.address.ip || !listen.address.ip->is_loopback();
}

}  // namespace culvert
