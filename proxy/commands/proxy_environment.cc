#include "commands/proxy_environment.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "base/text.h"

namespace culvert {
namespace {

enum class Meaning : std::uint8_t {
  gone,     ///< it would be preferred, or holds a user or a password of another proxy
  url,      ///< a client's own name for its proxy: names ours, if it was set
  address,  ///< the same without "http://"
};

struct Variable {
  std::string_view name;  ///< in small letters
  Meaning meaning;
};

// In any case of letters.  Python, Perl and libcurl go by SCHEME_proxy for every scheme.
constexpr Variable kVariables[] = {
    // Always set below.
    {"http_proxy", Meaning::gone},
    {"https_proxy", Meaning::gone},
    {"no_proxy", Meaning::gone},
    {"node_use_env_proxy", Meaning::gone},
    {"npm_config_proxy", Meaning::gone},
    {"npm_config_https_proxy", Meaning::gone},
    {"yarn_http_proxy", Meaning::gone},
    {"yarn_https_proxy", Meaning::gone},
    // For every scheme, or for those that an HTTP proxy does not speak.
    {"all_proxy", Meaning::gone},
    {"ftp_proxy", Meaning::gone},
    {"socks_proxy", Meaning::gone},
    {"ws_proxy", Meaning::gone},
    {"wss_proxy", Meaning::gone},
    // gRPC and Chromium prefer these.
    {"grpc_proxy", Meaning::gone},
    {"no_grpc_proxy", Meaning::gone},
    {"auto_proxy", Meaning::gone},
    // Perl and PHP within CGI.
    {"cgi_http_proxy", Meaning::gone},
    // Ruby adds these to the proxy that it finds.
    {"http_proxy_user", Meaning::gone},
    {"http_proxy_pass", Meaning::gone},
    {"https_proxy_user", Meaning::gone},
    {"https_proxy_pass", Meaning::gone},
    // npm, pnpm, Yarn.
    {"npm_config_http_proxy", Meaning::gone},
    {"npm_config_noproxy", Meaning::gone},
    {"npm_config_no_proxy", Meaning::gone},
    {"pnpm_config_proxy", Meaning::url},
    {"pnpm_config_http_proxy", Meaning::url},
    {"pnpm_config_https_proxy", Meaning::url},
    {"pnpm_config_noproxy", Meaning::gone},
    {"pnpm_config_no_proxy", Meaning::gone},
    {"yarn_proxy", Meaning::gone},
    {"yarn_no_proxy", Meaning::gone},
    // Others with a name of their own.
    {"cargo_http_proxy", Meaning::url},
    {"global_agent_http_proxy", Meaning::url},
    {"global_agent_https_proxy", Meaning::url},
    {"global_agent_no_proxy", Meaning::gone},
    {"pip_proxy", Meaning::url},
    {"rsync_proxy", Meaning::address},
    {"uv_http_proxy", Meaning::url},
    {"uv_https_proxy", Meaning::url},
    {"uv_no_proxy", Meaning::gone},
    {"cloudsdk_proxy_type", Meaning::gone},
    {"cloudsdk_proxy_address", Meaning::gone},
    {"cloudsdk_proxy_port", Meaning::gone},
    {"cloudsdk_proxy_username", Meaning::gone},
    {"cloudsdk_proxy_password", Meaning::gone},
};

/// npm has npm_config_https-proxy as well.
const Variable* find_variable(std::string_view name) {
  std::string small = to_lower(name);
  std::replace(small.begin(), small.end(), '-', '_');
  const auto found = std::find_if(std::begin(kVariables), std::end(kVariables),
                                  [&](const Variable& one) { return one.name == small; });
  return found == std::end(kVariables) ? nullptr : found;
}

/// A list of hosts that no proxy is used for, each once.
class Exceptions {
 public:
  void add_list(std::string_view list) {
    while (!list.empty()) {
      const std::size_t end = std::min(list.find(','), list.size());
      add(trim_space(list.substr(0, end)));
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  }
  const std::string& text() const { return text_; }
  bool everything() const { return everything_; }

 private:
  void add(std::string_view entry) {
    if (entry.empty()) return;
    if (entry == "*") {
      everything_ = true;
      return;
    }
    const std::string small = to_lower(entry);
    if (std::find(entries_.begin(), entries_.end(), small) != entries_.end()) return;
    entries_.push_back(small);
    if (!text_.empty()) text_ += ',';
    text_ += entry;
  }

  std::vector<std::string> entries_;
  std::string text_;
  bool everything_ = false;
};

std::string_view name_before_equals(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

Exceptions exceptions_of(const std::vector<std::string>& before) {
  Exceptions out;
  for (const std::string_view name : {"NO_PROXY", "no_proxy"}) {
    for (const std::string_view variable : before) {
      if (name_before_equals(variable) == name && variable.size() > name.size()) {
        out.add_list(variable.substr(name.size() + 1));
      }
    }
  }
  out.add_list("localhost,127.0.0.1");
  return out;
}

std::string assignment(std::string_view name, std::string_view value) {
  return std::string(name).append("=").append(value);
}

}  // namespace

ProxyEnvironment proxy_environment(const std::vector<std::string>& before, std::string_view url) {
  ProxyEnvironment out;
  for (const std::string& variable : before) {
    const std::string_view name = name_before_equals(variable);
    if (name.starts_with("CULVERT_")) continue;
    const Variable* const known = find_variable(name);
    if (known == nullptr) {
      out.variables.push_back(variable);
    } else if (known->meaning == Meaning::url) {
      out.variables.push_back(assignment(name, url));
    } else if (known->meaning == Meaning::address) {
      out.variables.push_back(assignment(name, url.substr(url.find("//") + 2)));
    }
  }
  for (const std::string_view name :
       {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "npm_config_proxy",
        "npm_config_https_proxy", "YARN_HTTP_PROXY", "YARN_HTTPS_PROXY"}) {
    out.variables.push_back(assignment(name, url));
  }
  const Exceptions exceptions = exceptions_of(before);
  out.variables.push_back(assignment("NO_PROXY", exceptions.text()));
  out.variables.push_back(assignment("no_proxy", exceptions.text()));
  out.variables.emplace_back("NODE_USE_ENV_PROXY=1");
  if (exceptions.everything()) {
    out.remark = "NO_PROXY=* would keep the command from the proxy: '*' is left out for it";
  }
  return out;
}

}  // namespace culvert
