#include "options/upstream_url.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "config/tunnel_port.h"
#include "options/redact_upstream.h"
#include "options/upstream_options.h"

namespace culvert {
namespace {

using Kind = UpstreamConfig::Kind;

struct Scheme {
  std::string_view name;
  Kind kind;
  std::string_view label;  ///< the spelling in messages
  std::uint16_t default_port;
};
constexpr std::array<Scheme, 8> kSchemes = {{
    {"socks5", Kind::socks5, "socks5", 1080},
    {"socks5h", Kind::socks5, "socks5", 1080},
    {"socks", Kind::socks5, "socks5", 1080},
    {"socks4a", Kind::socks4a, "socks4a", 1080},
    // A server of plain SOCKS4 refuses names; addresses look the same in both.
    {"socks4", Kind::socks4a, "socks4a", 1080},
    {"http", Kind::http, "http", 3128},
    {"https", Kind::https, "https", 443},
    {"direct", Kind::direct, "direct", 0},
}};
/// Of an upstream at the port of a tunnel, if it is not given another.
constexpr std::string_view kTunnelName = "tunnel";
constexpr std::string_view kSchemeList = "socks5, socks4a, http, https, direct";

/// Protocols of other tunnels, which are usable through the SOCKS port of their client.
constexpr std::array<std::string_view, 7> kForeignTunnels = {"ss",     "ssr",      "vmess", "vless",
                                                             "trojan", "hysteria", "tuic"};

const Scheme* find_scheme(std::string_view name) {
  const auto found = std::find_if(kSchemes.begin(), kSchemes.end(),
                                  [&](const Scheme& scheme) { return scheme.name == name; });
  return found == kSchemes.end() ? nullptr : &*found;
}

std::string unknown_scheme_problem(std::string_view name) {
  if (name == "ssh") {
    return "culvert speaks no SSH: start ssh -N -D 127.0.0.1:1080 HOST and use "
           "socks5://127.0.0.1:1080";
  }
  if (std::find(kForeignTunnels.begin(), kForeignTunnels.end(), name) != kForeignTunnels.end()) {
    return fmt::format(
        "culvert does not speak {}: start its client and use the SOCKS port that it "
        "opens, as in socks5://127.0.0.1:1080",
        name);
  }
  return fmt::format("unknown scheme '{}' ({})", printable(redact(name), 20), kSchemeList);
}

bool is_name_char(char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; }

/// Reads one value of `--upstream`, part by part; a problem in one part does not hide the next.
class UpstreamReader {
 public:
  UpstreamReader(std::string_view value, std::vector<std::string>& problems, ReadWhen when)
      : value_(value), rest_(value), problems_(problems), when_(when) {}

  UpstreamConfig read() {
    read_name();
    if (const Scheme* scheme = read_scheme()) {
      upstream_.kind = scheme->kind;
      split_authority();
      read_credentials();
      read_address(*scheme);
      check_name();
      read_options();
      check_credentials();
    }
    return std::move(upstream_);
  }

 private:
  /// NAME= in front, unless that '=' belongs to the URL.
  void read_name() {
    const std::size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view name = trim_space(rest_.substr(0, equals));
    if (!std::all_of(name.begin(), name.end(), is_name_char)) return;
    rest_ = trim_space(rest_.substr(equals + 1));
    if (name.empty()) {
      problem("the name before '=' is empty");
    } else if (iequals(name, "deny")) {
      problem("the name 'deny' is taken: routes use it to refuse a target");
    } else {
      upstream_.name = name;
    }
  }

  void check_name() {
    if (upstream_.name.empty()) {
      upstream_.name = upstream_.kind == Kind::direct ? "direct"
                       : upstream_.tunnel > 0         ? kTunnelName
                                                      : upstream_.label;
    } else if (iequals(upstream_.name, "direct") && upstream_.kind != Kind::direct) {
      problem("the name 'direct' is taken: routes use it to go without a proxy");
    }
  }

  const Scheme* read_scheme() {
    const std::string lower = to_lower(rest_);
    if (lower == "direct" || lower.starts_with("direct?")) {
      rest_.remove_prefix(std::string_view("direct").size());
      return find_scheme("direct");
    }
    const std::size_t colon = lower.find(':');
    const std::string scheme_name = lower.substr(0, colon);
    const Scheme* scheme = find_scheme(scheme_name);
    if (rest_.empty()) {
      problem("the URL is missing, as in socks5://127.0.0.1:1080");
      return nullptr;
    }
    if (const std::size_t slashes = lower.find("://"); slashes != std::string::npos) {
      if (colon != slashes) {
        problem("there is no scheme before '://'");
        return nullptr;
      }
      if (scheme == nullptr) problem(unknown_scheme_problem(scheme_name));
      rest_.remove_prefix(slashes + 3);
      return scheme;
    }
    if (scheme != nullptr && colon != std::string::npos) {
      problem(
          fmt::format("two slashes are missing after '{0}:', as in {0}://HOST:PORT", scheme_name));
      return nullptr;
    }
    problem(
        "the scheme is missing: write http:// before an HTTP proxy, socks5:// before a SOCKS "
        "proxy");
    return nullptr;
  }

  /// Cuts rest_ into user part, host part and query; a path or fragment is a problem.
  void split_authority() {
    const std::size_t end = rest_.find_first_of("/?#");
    std::string_view authority = trim_space(rest_.substr(0, end));
    std::string_view tail = end == std::string_view::npos ? "" : rest_.substr(end);
    if (is_followed_by_url(authority, tail)) {
      problem(
          "one --upstream is one URL; give it again for the next (a variable has a blank between "
          "them)");
      broken_ = true;
      return;
    }
    if (is_cut_by_credentials(tail)) {
      problem("a '/', '?' or '#' in a user or password is written %2F, %3F or %23");
      broken_ = true;
      return;
    }
    if (tail.find('#') != std::string_view::npos) {
      problem("a '#...' part has no meaning here");
    } else if (tail.starts_with('/') && tail != "/" && !tail.starts_with("/?")) {
      problem("a path has no meaning here");
    }
    const std::size_t question = tail.find('?');
    if (question != std::string_view::npos) query_ = tail.substr(question + 1);
    query_ = query_.substr(0, query_.find('#'));
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
      userinfo_ = authority.substr(0, at);
      authority.remove_prefix(at + 1);
    }
    host_and_port_ = authority;
  }

  /// "h:1,b=http" with "://i:1" behind it.  No known scheme: it may be a password instead.
  static bool is_followed_by_url(std::string_view authority, std::string_view tail) {
    if (!authority.ends_with(':') || !tail.starts_with("//")) return false;
    authority.remove_suffix(1);
    const std::size_t separator = authority.find_last_of(",;|");
    if (separator == std::string_view::npos) return false;
    const std::size_t scheme = authority.find_last_of(",;|= \t\r\n") + 1;
    return find_scheme(to_lower(authority.substr(scheme))) != nullptr;
  }

  /// An '@' after the host belongs to a value in a valid query, which ends at a '#'; else the user
  /// part reaches up to it.
  static bool is_cut_by_credentials(std::string_view tail) {
    if (tail.find('@') == std::string_view::npos) return false;
    const std::size_t hash = tail.find('#');
    if (hash != std::string_view::npos && tail.find('@', hash) != std::string_view::npos)
      return true;
    const std::size_t question = tail.starts_with("/?") ? 1 : 0;
    if (tail[question] != '?') return true;
    const std::string_view query = tail.substr(question + 1);
    return !is_upstream_option(trim_space(query.substr(0, query.find('='))));
  }

  void read_credentials() {
    if (!userinfo_ || userinfo_->empty()) return;
    const std::size_t colon = userinfo_->find(':');
    const auto user = percent_decode(userinfo_->substr(0, colon));
    std::optional<std::string> password;
    if (colon != std::string_view::npos) {
      password = percent_decode(userinfo_->substr(colon + 1));
      password_given_ = true;
    }
    if (!user || (password_given_ && !password)) {
      problem("a '%' in a user or password is written %25");
      broken_ = true;
      return;
    }
    upstream_.credentials = Credentials{*user, Secret(password.value_or(""))};
  }

  void read_address(const Scheme& scheme) {
    if (scheme.kind == Kind::direct) {
      upstream_.label = "direct://";
      if (!host_and_port_.empty() || userinfo_) problem("direct:// has no host, user or password");
      upstream_.credentials.reset();
      return;
    }
    if (broken_) return;
    if (host_and_port_.empty() || host_and_port_.rfind(':') == 0) {
      problem(fmt::format("the host is missing, as in {}://127.0.0.1:{}", scheme.label,
                          scheme.default_port));
      return;
    }
    std::string_view host = host_and_port_;
    std::optional<std::string_view> port;
    const std::size_t colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
      port = host.substr(colon + 1);
      host = host.substr(0, colon);
    }
    if (host.front() != '[' && host.find(':') != std::string_view::npos) {
      problem("an IPv6 address stands in brackets, as in [::1]:1080");
      return;
    }
    const bool has_mark = port && *port == kPortMark;
    if (has_mark) upstream_.tunnel = 1;
    const auto number =
        port && !has_mark ? parse_number<std::uint16_t>(*port) : std::optional(scheme.default_port);
    if (number.value_or(0) == 0) {
      // It may be a password whose '@host' is missing, so it is not shown.
      problem("the port is not a number from 1 to 65535");
      return;
    }
    if (host.front() == '[' &&
        (host.back() != ']' || !IpAddress::parse(host.substr(1, host.size() - 2)))) {
      problem("the brackets hold no IPv6 address");
      return;
    }
    if (host.find('%') != std::string_view::npos) {
      problem("a '%' has no place in a host");
      return;
    }
    auto address = HostPort::from(host, *number);
    if (!address) {
      // With a password that reaches into the query, this is a piece of it.
      problem(may_be_password(query_) ? "the host is not a host name" : address.error().text);
      return;
    }
    upstream_.address = std::move(*address);
    if (has_mark) return take_mark(scheme);
    upstream_.label = fmt::format("{}://{}", scheme.label, upstream_.address.to_string());
  }

  void take_mark(const Scheme& scheme) {
    if (!upstream_.address.is_loopback()) {
      return problem("{port} is a port of this host: write 127.0.0.1:{port}");
    }
    upstream_.address.port = 0;
    std::string host = upstream_.address.to_string();
    host.pop_back();
    upstream_.label = concat({scheme.label, "://", host, kPortMark});
  }

  void read_options() {
    std::vector<std::string> found;
    const UpstreamOptions options = parse_upstream_options(query_, upstream_, found, when_);
    for (std::string& text : found) problem(std::move(text));
    if (!options.password) return;
    if (password_given_) {
      problem("a password and ?password-file= exclude each other");
    }
    if (!upstream_.credentials && upstream_.kind == Kind::socks5) {
      problem("?password-file= needs a user, as in socks5://USER@HOST");
      return;
    }
    if (!upstream_.credentials) upstream_.credentials = Credentials{};
    upstream_.credentials->password = *options.password;
    password_given_ = true;
  }

  /// What each protocol can carry: RFC 1929 section 2, RFC 7617 section 2, the SOCKS4 memo.
  void check_credentials() {
    if (!upstream_.credentials || broken_) return;
    const std::string& user = upstream_.credentials->user;
    const std::string_view password = upstream_.credentials->password.reveal();
    switch (upstream_.kind) {
      case Kind::socks5:
        if (!password_given_) {
          problem("SOCKS5 wants a password with the user: write user:password@ or ?password-file=");
        } else if (user.empty() || user.size() > 255 || password.empty() || password.size() > 255) {
          problem("user and password of SOCKS5 have 1 to 255 bytes each");
        }
        break;
      case Kind::socks4a:
        if (password_given_) problem("SOCKS4a has a user, but no password");
        if (user.size() > 255) problem("the user of SOCKS4a has at most 255 bytes");
        if (user.find('\0') != std::string::npos) problem("the user of SOCKS4a holds no NUL byte");
        break;
      case Kind::http:
      case Kind::https:
        if (user.find(':') != std::string::npos) {
          problem("a user of an HTTP proxy cannot hold a ':'");
        }
        if (has_control(user) || has_control(password)) {
          problem("user and password of an HTTP proxy hold no control bytes");
        }
        break;
      case Kind::direct:
        break;
    }
  }

  void problem(std::string text) {
    problems_.push_back(fmt::format("{}: {}", redact_upstream(value_), text));
  }

  std::string_view value_;
  std::string_view rest_;
  std::vector<std::string>& problems_;
  ReadWhen when_;
  UpstreamConfig upstream_;
  std::optional<std::string_view> userinfo_;
  std::string_view host_and_port_;
  std::string_view query_;
  bool password_given_ = false;
  bool broken_ = false;  ///< the ends of the parts are uncertain: report no more about them
};

}  // namespace

UpstreamConfig parse_upstream(std::string_view value, std::vector<std::string>& problems,
                              ReadWhen when) {
  return UpstreamReader(trim_space(value), problems, when).read();
}

}  // namespace culvert
