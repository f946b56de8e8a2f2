#include "options/listen_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "options/credential_file.h"
#include "options/query_option.h"

namespace culvert {
namespace {

using ListenKind = ListenConfig::Kind;

/// The kinds of listener that have an option.
struct ListenOption {
  std::string_view name;
  bool of_files;         // of unix sockets only
  bool is_file = false;  // its value is one
};
constexpr std::array<ListenOption, 8> kListenOptions = {{
    {"cert", false, true},
    {"key", false, true},
    {"client-ca", false, true},
    {"proxy-protocol", false},
    {"metrics-only", false},
    {"mode", true},
    {"owner", true},
    {"group", true},
}};

bool has_option(ListenKind kind, const ListenOption& option) {
  return !option.of_files || kind == ListenKind::unix_socket;
}

std::string options_of(ListenKind kind) {
  std::string names;
  for (const ListenOption& option : kListenOptions) {
    if (!has_option(kind, option)) continue;
    if (!names.empty()) names += ", ";
    names += option.name;
  }
  return names;
}

class ListenOptionReader {
 public:
  ListenOptionReader(ListenConfig& listen, std::vector<std::string>& problems)
      : listen_(listen), problems_(problems) {}

  void read(std::string_view query) {
    for (const QueryOption& given : query_options(query)) {
      if (!is_known(given.name)) continue;
      const bool names_file = is_file(given.name);
      const auto value = given.value(names_file, problems_);
      if (value) take(given.name, names_file ? file_of(given.name, *value) : *value);
    }
    check_certificates();
  }

 private:
  bool is_known(const std::string& name) {
    const auto* const option =
        std::find_if(kListenOptions.begin(), kListenOptions.end(),
                     [&](const ListenOption& one) { return one.name == name; });
    const bool exists = option != kListenOptions.end();
    if (exists && has_option(listen_.kind, *option)) return is_new(name);
    const std::string there_are = concat({" (", options_of(listen_.kind), ")"});
    if (name.empty()) {
      problem("an option is missing behind the '?' or a '&'" + there_are);
    } else if (exists) {
      problem(concat({"option '", name, "' is for unix:/path alone"}));
    } else {
      problem(concat({"unknown option '", printable(name, 40), "' of this listener", there_are}));
    }
    return false;
  }

  /// Certificates may be several.
  bool is_new(const std::string& name) {
    if (name == "cert" || name == "key") return true;
    if (std::find(seen_.begin(), seen_.end(), name) == seen_.end()) {
      seen_.push_back(name);
      return true;
    }
    problem(fmt::format("option '{}' is given twice", name));
    return false;
  }

  static bool is_file(std::string_view name) {
    return std::any_of(kListenOptions.begin(), kListenOptions.end(),
                       [&](const ListenOption& one) { return one.is_file && one.name == name; });
  }

  /// It may be a credential.
  std::string file_of(std::string_view name, const std::string& value) {
    NamedFile file = named_file(value);
    if (file.problem.empty()) return std::move(file.path);
    problem(concat({name, ": ", file.problem}));
    return value;
  }

  void take(std::string_view name, const std::string& value) {
    if (name == "cert") listen_.certificates.push_back({value, {}});
    if (name == "key") take_key(value);
    if (name == "client-ca") listen_.client_ca = value;
    if (name == "proxy-protocol") take_switch(name, value, listen_.proxy_protocol);
    if (name == "metrics-only") take_switch(name, value, listen_.metrics_only);
    if (name == "mode") take_mode(value);
    if (name == "owner") listen_.owner = value;
    if (name == "group") listen_.group = value;
  }

  /// Of the certificate before it.
  void take_key(const std::string& value) {
    if (listen_.certificates.empty() || !listen_.certificates.back().key.empty()) {
      return problem("option 'key' needs its 'cert' before it");
    }
    listen_.certificates.back().key = value;
  }

  void take_switch(std::string_view name, const std::string& value, bool& is_on) {
    is_on = iequals(value, "on");
    if (!is_on && !iequals(value, "off")) problem(concat({name, ": write on or off"}));
  }

  void take_mode(const std::string& value) {
    constexpr unsigned kMost = 0777;
    unsigned mode = 0;
    const char* const end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, mode, 8);
    if (parsed.ec != std::errc() || parsed.ptr != end || mode > kMost) {
      return problem("mode: permission bits as in 0660");
    }
    listen_.mode = mode;
  }

  /// One file may hold both certificate and key.
  void check_certificates() {
    for (CertificateFiles& files : listen_.certificates) {
      if (files.key.empty()) files.key = files.cert;
    }
    const bool tls = !listen_.certificates.empty();
    if (!tls && !listen_.client_ca.empty()) problem("option 'client-ca' needs 'cert' beside it");
    // Nobody gets by without the certificate that is asked for.
    if (!listen_.client_ca.empty() && listen_.speaks == ListenConfig::Speaks::any) {
      listen_.speaks = ListenConfig::Speaks::tls_only;
    }
    if (tls && listen_.speaks == ListenConfig::Speaks::http_only) {
      problem("http-only:// has no TLS; write https:// for nothing but TLS, http:// for both");
    }
  }

  void problem(std::string text) { problems_.push_back(std::move(text)); }

  ListenConfig& listen_;
  std::vector<std::string>& problems_;
  std::vector<std::string> seen_;
};

}  // namespace

void parse_listen_options(std::string_view query, ListenConfig& listen,
                          std::vector<std::string>& problems) {
  ListenOptionReader(listen, problems).read(query);
}

}  // namespace culvert
