#include "host/proxy_variables.h"

#include <algorithm>
#include <utility>

#include "base/redact.h"
#include "base/shell_text.h"
#include "base/text.h"
#include "host/go_url.h"
#include "host/proxy_spelling.h"

namespace culvert {
namespace {

constexpr auto kNowhere = std::string_view::npos;

/// A variable that is set.
struct Variable {
  std::string_view name;
  std::string_view value;

  explicit operator bool() const { return !value.empty(); }
};

std::string_view value_of(std::span<const std::string> environment, std::string_view name) {
  for (const std::string& entry : environment) {
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
      return std::string_view(entry).substr(name.size() + 1);
    }
  }
  return {};
}

/// The first one that is not empty, as Go has it.
Variable first_of(std::span<const std::string> environment, std::string_view upper,
                  std::string_view lower) {
  const Variable variable{upper, value_of(environment, upper)};
  return variable ? variable : Variable{lower, value_of(environment, lower)};
}

std::uint16_t default_port(std::string_view scheme) {
  if (scheme == "http") return 80;
  if (scheme == "https") return 443;
  return scheme.starts_with("socks5") ? 1080 : 0;
}

NamedProxy named(std::string_view variable, const GoUrl& url) {
  NamedProxy proxy{std::string(variable), url.scheme, url.authority, default_port(url.scheme),
                   url.has_user};
  const std::size_t colon = url.authority.rfind(':');
  const std::size_t bracket = url.authority.rfind(']');
  if (colon != kNowhere && (bracket == kNowhere || bracket < colon)) {
    proxy.host.resize(colon);
    const std::string_view port = std::string_view(url.authority).substr(colon + 1);
    if (!port.empty()) proxy.port = parse_number<std::uint16_t>(port).value_or(0);
  }
  if (proxy.host.starts_with('[') && proxy.host.ends_with(']')) {
    proxy.host = proxy.host.substr(1, proxy.host.size() - 2);
  }
  return proxy;
}

/// What is no URL in itself, Go takes for one without a scheme: of "http://h x" the host is "http".
bool has_scheme_for_host(const GoUrl& url, const NamedProxy& proxy) {
  return is_proxy_scheme(proxy.host) && url.authority.ends_with(':');
}

/// What the author of `value` seems to have meant, as a URL in `scheme`, or its own if that is
/// empty; nullopt if that cannot be told.
std::optional<std::string> meant(std::string_view given, std::string_view scheme) {
  const std::string whole = with_one_scheme(without_quotes(given));
  const std::string_view value = whole;
  const std::size_t at = value.rfind('@');
  const std::size_t end = behind_scheme(value);
  const bool has_user = at != kNowhere && at >= end;
  // The password may be what cannot be read.
  const std::string plain =
      std::string(value.substr(0, end)).append(value.substr(has_user ? at + 1 : end));
  const auto url = parse_go_proxy(plain);
  if (!url) return std::nullopt;
  const NamedProxy proxy = named({}, *url);
  const auto address = proxy.address();
  if (!address || has_scheme_for_host(*url, proxy)) return std::nullopt;
  return std::string(scheme.empty() ? std::string_view(url->scheme) : scheme)
      .append(has_user ? "://USER:PASSWORD@" : "://")
      .append(address->to_string());
}

/// Whether the authority that Go has found stands behind the last '@' of the value.  Quotes are a
/// mistake of their own.
bool is_behind_user(std::string_view value, std::string_view authority) {
  if (without_quotes(value) != value) return true;
  const std::size_t at = value.rfind('@');
  return at == kNowhere || value.substr(at + 1).starts_with(authority);
}

/// Why Go ignores `value`.
std::string why_unreadable(std::string_view value) {
  if (value.find_first_of("\r\n") != kNowhere) return "a line's end is part of its value";
  if (value.find_first_of(" \t") != kNowhere) return "white space is part of its value";
  if (value.find('%') != kNowhere) {
    return "a % in it begins no escape";
  }
  return "its value is no URL";
}

std::string why_misspelt(std::string_view value) {
  const std::string_view bare = without_quotes(value);
  return with_one_scheme(bare) == bare
             ? why_unreadable(bare)
             : "its scheme is not written once, with two slashes behind it";
}

/// Reads the variables, and collects what is wrong with them.
class Reading {
 public:
  Reading(std::span<const std::string> environment, std::string_view right)
      : environment_(environment), right_(right) {}

  ProxyVariables take();

 private:
  std::optional<NamedProxy> read(const Variable& variable);
  void add_cut_user(const Variable& variable);
  void judge(const Variable& variable, const GoUrl& url, const NamedProxy& proxy);
  void note_rival(const Variable& variable, std::string_view lower);
  void look_for_others(const Variable& https, const Variable& http);
  void add(std::string_view variable, std::string cause, const std::optional<std::string>& right,
           bool unless_tls = false) {
    out_.mistakes.push_back({std::string(variable),
                             std::move(cause),
                             right.value_or(std::string(right_)),
                             unless_tls,
                             {}});
  }

  std::span<const std::string> environment_;
  std::string_view right_;
  ProxyVariables out_;
};

ProxyVariables Reading::take() {
  const Variable https = first_of(environment_, "HTTPS_PROXY", "https_proxy");
  const Variable http = first_of(environment_, "HTTP_PROXY", "http_proxy");
  const Variable no_proxy = first_of(environment_, "NO_PROXY", "no_proxy");
  out_.https = read(https);
  out_.http = read(http);
  if (no_proxy) {
    out_.no_proxy_variable = no_proxy.name;
    out_.no_proxy_list = no_proxy.value;
  }
  // Even without a list, loopback goes direct.
  out_.no_proxy = NoProxy(no_proxy.value);
  for (const std::string& warning : out_.no_proxy.warnings()) {
    out_.notes.push_back(std::string(no_proxy.name) + ": " + warning);
  }
  note_rival(https, "https_proxy");
  note_rival(http, "http_proxy");
  note_rival(no_proxy, "no_proxy");
  if (no_proxy.name == "NO_PROXY")
    out_.no_proxy_has_rival = !value_of(environment_, "no_proxy").empty();
  out_.cgi = !value_of(environment_, "REQUEST_METHOD").empty();
  look_for_others(https, http);
  return std::move(out_);
}

std::optional<NamedProxy> Reading::read(const Variable& variable) {
  if (!variable) return std::nullopt;
  out_.given = true;
  const std::string name(variable.name);
  if (has_cut_user(variable.value)) {
    add_cut_user(variable);
    return std::nullopt;
  }
  const auto url = parse_go_proxy(variable.value);
  if (!url) {
    add(variable.name,
        name + " is ignored by Go programs, which go direct: " + why_unreadable(variable.value),
        meant(variable.value, {}));
    if (variable.value.find('%') != kNowhere) {
      out_.mistakes.back().hint = "a % in the password is written %25";
    }
    return std::nullopt;
  }
  NamedProxy proxy = named(variable.name, *url);
  if (has_scheme_for_host(*url, proxy)) {
    add(variable.name,
        name + " is misspelt, so that Go programs take \"" + printable(proxy.host) +
            "\" for the proxy's host: " + why_misspelt(variable.value),
        meant(variable.value, {}));
    return std::nullopt;
  }
  if (!is_behind_user(variable.value, url->authority)) {
    add_cut_user(variable);
    return std::nullopt;
  }
  judge(variable, *url, proxy);
  return proxy;
}

/// What Go takes for the host may be of the password.
void Reading::add_cut_user(const Variable& variable) {
  add(variable.name,
      std::string(variable.name) +
          " has a '/', '?' or '#' before its '@', with which the host ends for Go programs",
      meant(variable.value, {}));
  out_.mistakes.back().hint = "in a password / is written %2F, ? %3F and # %23";
}

void Reading::judge(const Variable& variable, const GoUrl& url, const NamedProxy& proxy) {
  const std::string name(variable.name);
  const std::string_view value = variable.value;
  if (without_quotes(value).empty()) {
    return add(name, name + " holds nothing but white space or quotes", std::nullopt);
  }
  if (without_quotes(value) != value) {
    return add(name, name + " has quotes inside its value, which become part of the host",
               meant(value, {}));
  }
  if (!proxy.address()) {
    const std::string_view what = proxy.port == 0 && !proxy.host.empty() ? "port" : "host";
    return add(name, name + " names no " + std::string(what) + " that can be connected to",
               meant(value, {}));
  }
  if (url.scheme == "https") {
    return add(name,
               name + "=" + proxy.url() +
                   " makes clients speak TLS to the proxy, which speaks plain HTTP there",
               meant(value, "http"), true);
  }
  if (url.scheme == "socks5h") {
    out_.notes.push_back(name + ": older Go programs do not know socks5h://, only socks5://");
  } else if (url.scheme != "http" && url.scheme != "socks5") {
    const bool is_socks = url.scheme.starts_with("socks");
    add(name,
        name + " has the scheme " + printable(url.scheme, 20) +
            "://, which Go programs do not know: they speak HTTP to that port",
        is_socks ? std::nullopt : meant(value, "http"));
  }
}

/// The variable in capitals wins.
void Reading::note_rival(const Variable& variable, std::string_view lower) {
  const std::string_view other = value_of(environment_, lower);
  if (variable.name == lower || other.empty() || other == variable.value) return;
  out_.notes.push_back("Go programs read " + std::string(variable.name) + ", curl reads " +
                       std::string(lower) + ", and they differ");
}

void Reading::look_for_others(const Variable& https, const Variable& http) {
  if (http && !https) {
    const std::string_view wanted = http.name == "HTTP_PROXY" ? "HTTPS_PROXY" : "https_proxy";
    return add(wanted,
               std::string(http.name) + " is for http:// URLs alone, and there is no " +
                   std::string(wanted) + ": Go programs request https:// URLs directly",
               meant(http.value, {}));
  }
  const Variable all = first_of(environment_, "ALL_PROXY", "all_proxy");
  if (https || !all) return;
  out_.given = true;
  const auto is_http = to_lower(all.value).starts_with("http://");
  for (const std::string_view name : {"https_proxy", "http_proxy"}) {
    add(name,
        "only " + std::string(all.name) +
            " is set, which Go programs (docker, containerd, registries) do not read",
        is_http ? meant(all.value, {}) : std::nullopt);
  }
}

}  // namespace

std::string NamedProxy::url() const {
  const auto to = address();
  if (to) return scheme + "://" + to->to_string();
  return printable(scheme, 20) + "://" + printable(host, 60) +
         (port == 0 ? std::string() : ":" + std::to_string(port));
}

std::string NamedProxy::url_to_set(std::string_view scheme_to_set) const {
  NamedProxy other = *this;
  other.scheme = scheme_to_set;
  std::string text = other.url();
  if (has_user) text.insert(text.find("//") + 2, "USER:PASSWORD@");
  return text;
}

std::optional<HostPort> NamedProxy::address() const {
  auto parsed = HostPort::from(host, port);
  if (port == 0 || !parsed) return std::nullopt;
  return std::move(*parsed);
}

std::string ProxyMistake::shell_line() const { return shell_lines({this, 1}); }

std::string shell_lines(std::span<const ProxyMistake> mistakes) {
  std::string set;
  std::string unset;
  std::string hint;
  for (const ProxyMistake& mistake : mistakes) {
    if (!mistake.hint.empty()) hint = "  # " + mistake.hint;
    if (mistake.right.empty()) {
      unset += " " + mistake.variable;
    } else {
      set += " " + mistake.variable + "=" + shell_quoted(mistake.right);
    }
  }
  std::string lines;
  if (!set.empty()) lines = "export" + set;
  if (!unset.empty()) lines += (lines.empty() ? "unset" : "; unset") + unset;
  return lines + hint;
}

ProxyVariables read_proxy_variables(std::span<const std::string> environment,
                                    std::string_view right) {
  return Reading(environment, right).take();
}

std::optional<ProxyMistake> mistake_for_target(const ProxyVariables& variables,
                                               const HostPort& target, bool tls) {
  const auto& proxy = variables.proxy_for(tls);
  const auto& other = variables.proxy_for(!tls);
  if (!proxy && !tls && other) {
    const bool upper = other->variable == "HTTPS_PROXY";
    return ProxyMistake{upper ? "HTTP_PROXY" : "http_proxy",
                        other->variable + " is for https:// URLs alone: " + target.to_string() +
                            " is requested directly",
                        other->url_to_set(other->scheme),
                        false,
                        {}};
  }
  if (!proxy || NoProxy("").matches(target)) return std::nullopt;
  if (!tls && variables.cgi) {
    return ProxyMistake{"REQUEST_METHOD",
                        "REQUEST_METHOD is set, and Go programs refuse to use " + proxy->variable +
                            " then (they take themselves for a CGI program)",
                        "",
                        false,
                        {}};
  }
  if (!variables.no_proxy.matches(target)) return std::nullopt;
  std::string rest = no_proxy_without(variables.no_proxy_list, target);
  // Without it the other one would count.
  if (rest.empty() && variables.no_proxy_has_rival) rest = "localhost";
  return ProxyMistake{variables.no_proxy_variable,
                      variables.no_proxy_variable + " takes " + target.to_string() +
                          " out, so that Go programs go direct: its " +
                          variables.no_proxy.why(target),
                      std::move(rest),
                      false,
                      {}};
}

}  // namespace culvert
