#include "options/upstream_options.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <variant>

#include <fmt/format.h>

#include "base/host_port.h"
#include "base/text.h"
#include "options/credential_file.h"
#include "options/query_option.h"
#include "options/read_file.h"
#include "options/redact_upstream.h"
#include "options/values.h"

namespace culvert {
namespace {

using Kind = UpstreamConfig::Kind;

constexpr DurationLimits kConnectTimeout = {std::chrono::milliseconds(100),
                                            std::chrono::seconds(55)};

/// The kinds that have an option.
struct Option {
  std::string_view name;
  unsigned kinds;
  bool is_file = false;
};
constexpr bool kFile = true;
constexpr unsigned bit(Kind kind) { return 1U << static_cast<unsigned>(kind); }
constexpr unsigned kAllKinds =
    bit(Kind::direct) | bit(Kind::socks5) | bit(Kind::socks4a) | bit(Kind::http) | bit(Kind::https);
constexpr std::array<Option, 11> kOptions = {{
    {"resolve", bit(Kind::socks5) | bit(Kind::socks4a)},
    {"ca", bit(Kind::https), kFile},
    {"cert", bit(Kind::https), kFile},
    {"key", bit(Kind::https), kFile},
    {"sni", bit(Kind::https)},
    {"connect-timeout", kAllKinds},
    {"password-file", bit(Kind::socks5) | bit(Kind::http) | bit(Kind::https), kFile},
    {"via", kAllKinds & ~bit(Kind::direct)},
    {"warm", kAllKinds & ~bit(Kind::direct)},
    {"proxy-protocol", kAllKinds & ~bit(Kind::direct)},
    {"weight", kAllKinds},
}};

const Option* find_option(std::string_view name) {
  const auto found = std::find_if(kOptions.begin(), kOptions.end(),
                                  [&](const Option& option) { return option.name == name; });
  return found == kOptions.end() ? nullptr : &*found;
}

std::string options_of(Kind kind) {
  std::string names;
  for (const Option& option : kOptions) {
    if ((option.kinds & bit(kind)) == 0) continue;
    if (!names.empty()) names += ", ";
    names += option.name;
  }
  return names;
}

class OptionReader {
 public:
  OptionReader(std::string_view query, UpstreamConfig& upstream, std::vector<std::string>& problems,
               ReadWhen when)
      : query_(query), upstream_(upstream), problems_(problems), when_(when) {}

  UpstreamOptions read() {
    std::vector<std::string> seen;
    for (const QueryOption& given : query_options(query_)) {
      const std::string& name = given.name;
      const Option* option = find_option(name);
      if (option == nullptr || (option->kinds & bit(upstream_.kind)) == 0) {
        // Without '=' it may be a piece of something else, and is not shown.
        const bool is_name = given.has_equals && !may_be_password(query_);
        problem(fmt::format("unknown option {}of {} ({})",
                            is_name ? fmt::format("'{}' ", printable(name, 40)) : std::string(),
                            scheme_of(upstream_.kind), options_of(upstream_.kind)));
        continue;
      }
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        problem(fmt::format("option '{}' is given twice", name));
        continue;
      }
      seen.push_back(name);
      if (const auto value = given.value(option->is_file, problems_)) take(name, *value);
    }
    check_client_certificate();
    return std::move(options_);
  }

 private:
  void take(std::string_view name, const std::string& value) {
    if (name == "resolve") {
      take_resolve(value);
    } else if (name == "ca") {
      upstream_.ca = readable(name, value);
    } else if (name == "cert") {
      upstream_.cert = readable(name, value);
    } else if (name == "key") {
      upstream_.key = readable(name, value);
    } else if (name == "sni") {
      take_sni(value);
    } else if (name == "connect-timeout") {
      take_connect_timeout(value);
    } else if (name == "password-file") {
      take_password_file(value);
    } else if (name == "via") {
      upstream_.via = value;
    } else if (name == "warm") {
      take_warm(value);
    } else if (name == "weight") {
      take_weight(value);
    } else if (name == "proxy-protocol") {
      take_proxy_protocol(value);
    }
  }

  void take_resolve(const std::string& value) {
    if (iequals(value, "local")) {
      upstream_.resolve_local = true;
    } else if (!iequals(value, "remote")) {
      problem(fmt::format("{}: either local or remote", shown("resolve", value)));
    }
  }

  void take_warm(const std::string& value) {
    constexpr std::uint64_t kMost = 64;
    const auto count = parse_count(value, 0, kMost);
    if (const auto* wrong = std::get_if<std::string>(&count)) {
      problem(fmt::format("{}: {}", shown("warm", value), *wrong));
    } else {
      upstream_.warm = static_cast<std::size_t>(std::get<std::uint64_t>(count));
    }
  }

  void take_weight(const std::string& value) {
    constexpr std::uint64_t kMost = 100;
    const auto weight = parse_count(value, 1, kMost);
    if (const auto* wrong = std::get_if<std::string>(&weight)) {
      problem(fmt::format("{}: {}", shown("weight", value), *wrong));
    } else {
      upstream_.weight = static_cast<std::uint32_t>(std::get<std::uint64_t>(weight));
    }
  }

  void take_proxy_protocol(const std::string& value) {
    if (iequals(value, "v1")) {
      upstream_.proxy_protocol = ProxyVersion::v1;
    } else if (iequals(value, "v2")) {
      upstream_.proxy_protocol = ProxyVersion::v2;
    } else {
      problem(fmt::format("{}: either v1 or v2", shown("proxy-protocol", value)));
    }
  }

  /// The path of a file that can be read.
  std::string readable(std::string_view name, const std::string& value) {
    const NamedFile file = named_file(value);
    if (!file.problem.empty()) {
      problem(concat({shown(name, value), ": ", file.problem}));
    } else if (::access(file.path.c_str(), R_OK) != 0) {
      problem(concat({shown(name, value), ": ", std::strerror(errno), credential_hint(file.path)}));
    } else if (when_ == ReadWhen::serving && is_pipe(file.path)) {
      problem(concat({shown(name, value), ": ", kPipeWhileServing}));
    }
    return file.path;
  }

  void take_sni(const std::string& value) {
    const auto host = HostPort::from(value, 443);
    if (!host || host->ip) {
      problem(fmt::format("{}: not a host name", shown("sni", value)));
      return;
    }
    upstream_.sni = host->host;
  }

  void take_connect_timeout(const std::string& value) {
    const auto timeout = parse_duration(value, kConnectTimeout);
    if (const auto* text = std::get_if<std::string>(&timeout)) {
      problem(fmt::format("{}: {}", shown("connect-timeout", value), *text));
      return;
    }
    upstream_.connect_timeout = std::get<std::chrono::milliseconds>(timeout);
  }

  void take_password_file(const std::string& value) {
    const NamedFile file = named_file(value);
    const FileContent content =
        file.problem.empty() ? read_file(file.path, when_) : FileContent{{}, file.problem};
    upstream_.password_file = file.path;
    std::string_view line = std::string_view(content.text).substr(0, content.text.find('\n'));
    line = trim_space(without_byte_order_mark(line));
    if (!content.problem.empty()) {
      problem(concat(
          {shown("password-file", value), ": ", content.problem, credential_hint(file.path)}));
    } else if (line.empty()) {
      problem(fmt::format("{}: its first line is empty", shown("password-file", value)));
    } else {
      options_.password = Secret(std::string(line));
    }
  }

  /// One file may hold both certificate and key.
  void check_client_certificate() {
    if (upstream_.key.empty()) upstream_.key = upstream_.cert;
    if (upstream_.cert.empty() && !upstream_.key.empty()) {
      problem("option 'key' needs 'cert' beside it");
    }
  }

  std::string shown(std::string_view name, std::string_view value) const {
    return redact_option(name, value, query_);
  }

  void problem(std::string text) { problems_.push_back(std::move(text)); }

  std::string_view query_;
  UpstreamConfig& upstream_;
  std::vector<std::string>& problems_;
  ReadWhen when_;
  UpstreamOptions options_;
};

}  // namespace

UpstreamOptions parse_upstream_options(std::string_view query, UpstreamConfig& upstream,
                                       std::vector<std::string>& problems, ReadWhen when) {
  if (query.empty()) return {};
  return OptionReader(query, upstream, problems, when).read();
}

bool is_upstream_option(std::string_view name) { return find_option(to_lower(name)) != nullptr; }

}  // namespace culvert
