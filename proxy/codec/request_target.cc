#include "codec/request_target.h"

#include <algorithm>
#include <string>

#include "base/ip_address.h"
#include "base/text.h"
#include "codec/connection_options.h"
#include "codec/octets.h"
#include "codec/upgrade.h"

namespace culvert {
namespace {

Error fail(Errc code, std::string text) {
  return Error{.code = code, .side = Side::client, .sys = 0, .text = std::move(text)};
}

Error bad(std::string text) { return fail(Errc::http_request_error, std::move(text)); }

bool is_scheme(std::string_view text) {
  return !text.empty() && to_lower(text[0]) >= 'a' && to_lower(text[0]) <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           const char lower = to_lower(c);
           return (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '+' || c == '-' || c == '.';
         });
}

/// reg-name of RFC 3986 section 3.2.2; with `colons` also what stands between brackets.
bool is_reg_name(std::string_view text, bool colons) {
  while (!text.empty()) {
    if (is_octet(text[0], kRegName) || (colons && text[0] == ':')) {
      text.remove_prefix(1);
    } else if (text[0] == '%' && percent_decode(text.substr(0, 3))) {
      text.remove_prefix(3);
    } else {
      return false;
    }
  }
  return true;
}

/// uri-host [ ":" port ] (RFC 9110 section 7.2), or an IPv6 address that lacks its brackets.  Not
/// only what can be dialed: nobody dials it.
bool is_host_field(std::string_view value) {
  const bool bracketed = value.starts_with('[');
  const std::size_t bracket = value.find(']');
  if (bracketed && bracket == std::string_view::npos) return false;
  const std::size_t end = std::min(bracketed ? bracket + 1 : value.find(':'), value.size());
  const std::string_view host = bracketed ? value.substr(1, bracket - 1) : value.substr(0, end);
  const std::string_view port = value.substr(end);
  const bool has_port =
      port.empty() || (port[0] == ':' && std::all_of(port.begin() + 1, port.end(), is_digit));
  return (has_port && is_reg_name(host, bracketed)) || IpAddress::parse(value).has_value();
}

/// RFC 9112 section 3.2: exactly one Host in HTTP/1.1, and a valid value wherever there is one.
/// Its value decides nothing, and is replaced: the target decides (RFC 9112 section 3.2.2).
/// `authority` is the target's, which Host nearly always repeats and which is known to be valid.
Result<void> check_host_field(const RequestHead& head, std::string_view authority, bool required) {
  std::size_t count = 0;
  for (const Field& field : head.fields) {
    if (!iequals(field.name, "host")) continue;
    if (++count > 1) return bad("there is more than one Host field");
    if (field.value == authority || is_host_field(field.value)) continue;
    if (const auto host = HostPort::parse(field.value, kHttpPort); !host) {
      return bad("the Host field is invalid: " + host.error().text);
    }
  }
  if (count == 0 && required) return bad("an HTTP/1.1 request has no Host field");
  return {};
}

/// RFC 9112 section 3.2.3.
Result<void> parse_authority_form(std::string_view target, RequestTarget& out) {
  if (target.find("://") != std::string_view::npos) {
    return bad("CONNECT takes host:port, not a URL");
  }
  out.form = RequestTarget::Form::authority;
  out.path = {};
  return out.authority.assign(target);
}

Error refuse_scheme(std::string_view scheme) {
  const std::string lower = to_lower(scheme);
  if (lower == "https" || lower == "wss") {
    return fail(Errc::method_not_implemented,
                (lower == "wss" ? "a " : "an ") + lower +
                    ":// URL crosses a proxy by CONNECT, not as a plain request");
  }
  if (lower == "ws") {
    return fail(Errc::method_not_implemented,
                "a ws:// URL is forwarded with Upgrade only, which this request lacks");
  }
  return fail(Errc::method_not_implemented,
              "this proxy forwards http:// URLs, not " + printable(lower, 20) + "://");
}

/// RFC 6455 section 3: until the 101, a request for a ws:// URL is one for http://.
bool is_websocket(const RequestHead& head, std::string_view scheme) {
  if (!iequals(scheme, "ws")) return false;
  const auto options = connection_options(head);
  return options && wants_upgrade(head, *options);
}

/// RFC 9112 section 3.2.2.  `authority` becomes that part of the target.
Result<void> parse_absolute_form(const RequestHead& head, RequestTarget& out,
                                 std::string_view& authority) {
  std::string_view target = head.target;
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos || !is_scheme(target.substr(0, colon))) {
    return bad("the request target is not an absolute http:// URL");
  }
  const std::string_view scheme = target.substr(0, colon);
  if (!iequals(scheme, "http") && !is_websocket(head, scheme)) return refuse_scheme(scheme);
  target.remove_prefix(colon + 3);
  if (target.find('#') != std::string_view::npos) return bad("the URL contains a fragment");

  const std::size_t end = std::min(target.find_first_of("/?"), target.size());
  authority = target.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    // RFC 9110 section 4.2.4: likely to be there to deceive.
    return bad("the URL contains a user name or password");
  }
  out.form = RequestTarget::Form::absolute;
  out.path = target.substr(end);
  return out.authority.assign(authority, kHttpPort);
}

}  // namespace

Result<void> parse_request_target(const RequestHead& head, RequestTarget& out) {
  const bool connect = head.method == "CONNECT";
  if (!connect && head.target.starts_with('/')) {
    return bad("this is a proxy, not a web server: set it as http_proxy or https_proxy");
  }
  if (head.target == "*") {
    if (head.method != "OPTIONS") return bad("the target * goes with OPTIONS only");
    out = {RequestTarget::Form::asterisk, {}, {}};
    return check_host_field(head, {}, head.minor >= 1);
  }
  std::string_view authority = head.target;
  auto parsed =
      connect ? parse_authority_form(head.target, out) : parse_absolute_form(head, out, authority);
  if (!parsed) return parsed;
  // Of a CONNECT the request line holds the whole authority, and some clients send no more.
  return check_host_field(head, authority, !connect && head.minor >= 1);
}

}  // namespace culvert
