#include "admin/admin_request.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/host_port.h"
#include "base/text.h"
#include "codec/connection_options.h"

namespace culvert {
namespace {

constexpr std::string_view kActionField = "X-Culvert-Action";

std::string_view value_of(const RequestHead& head, std::string_view name) {
  const Field* const field = head.find(name);
  return field == nullptr ? std::string_view() : field->value;
}

std::string joined(const RequestHead& head, std::string_view name) {
  std::string all;
  for (const Field& field : head.fields) {
    if (!iequals(field.name, name)) continue;
    all.append(all.empty() ? "" : ", ").append(field.value);
  }
  return all;
}

std::ptrdiff_t times(const RequestHead& head, std::string_view name) {
  return std::count_if(head.fields.begin(), head.fields.end(),
                       [&](const Field& field) { return iequals(field.name, name); });
}

bool has_body(const RequestHead& head) {
  const std::string_view length = value_of(head, "Content-Length");
  return times(head, "Transfer-Encoding") > 0 || times(head, "Content-Length") > 1 ||
         (!length.empty() && length != "0");
}

/// A name that somebody else can have lead here has a dot: single labels, localhost and addresses
/// are not the Internet's to give away.
bool is_own_name(const HostPort& host, const AdminNames& names) {
  if (names.any || host.ip) return true;
  if (host.host.find('.') == std::string::npos || host.host.ends_with(".localhost")) return true;
  return std::any_of(names.others.begin(), names.others.end(),
                     [&](const std::string& name) { return iequals(name, host.host); });
}

/// A page of this very interface, by whichever scheme somebody in between serves it.
bool is_same_origin(std::string_view origin, std::string_view host) {
  return iequals(origin, concat({"http://", host})) || iequals(origin, concat({"https://", host}));
}

/// By what a browser says about who asks (Fetch Metadata).  Another page may lead its reader here,
/// and no more than that.
bool is_asked_by_other_page(const RequestHead& head, std::string_view path) {
  const std::string_view site = value_of(head, "Sec-Fetch-Site");
  if (site.empty() || site == "same-origin" || site == "none") return false;
  const bool leads = value_of(head, "Sec-Fetch-Mode") == "navigate" &&
                     value_of(head, "Sec-Fetch-Dest") == "document";
  return path != "/" || !leads || head.method == "POST";
}

std::optional<AdminRequest::Method> method_of(std::string_view name) {
  if (name == "GET") return AdminRequest::Method::get;
  if (name == "HEAD") return AdminRequest::Method::head;
  if (name == "POST") return AdminRequest::Method::post;
  return std::nullopt;
}

AdminAnswer refuse_admin(const RequestHead& head, int status, std::string_view text) {
  AdminAnswer answer = admin_error(status, text, head.target.starts_with("/api/"));
  answer.close = true;
  if (status == 405) answer.fields = "Allow: GET, HEAD, POST\r\n";
  return answer;
}

/// What is wrong with it before its path is looked at.
std::optional<AdminAnswer> framing_problem(const RequestHead& head) {
  const bool absolute =
      !head.target.starts_with('/') && head.target.find("://") != head.target.npos;
  if (head.method == "CONNECT" || absolute) {
    return refuse_admin(head, 421,
                        "this is the admin interface of culvert, not its proxy port: that is at "
                        "--listen");
  }
  if (!method_of(head.method)) {
    return refuse_admin(head, 405, "GET and HEAD are served here, and POST for the two actions");
  }
  if (!head.target.starts_with('/')) return refuse_admin(head, 400, "the path is missing");
  if (has_body(head)) return refuse_admin(head, 400, "no request here has a body");
  const auto hosts = times(head, "Host");
  if (hosts > 1 || (hosts == 0 && head.minor > 0)) {
    return refuse_admin(head, 400, "a request has one Host field");
  }
  return std::nullopt;
}

}  // namespace

std::variant<AdminRequest, AdminAnswer> read_admin_request(const RequestHead& head,
                                                           const AdminNames& names) {
  if (auto problem = framing_problem(head)) return std::move(*problem);
  AdminRequest request;
  request.method = *method_of(head.method);
  const std::string_view given_host = value_of(head, "Host");
  if (!given_host.empty()) {
    const auto host = HostPort::parse(given_host, kHttpPort);
    if (!host) return refuse_admin(head, 400, "the Host field is malformed");
    if (!is_own_name(*host, names)) {
      return refuse_admin(head, 421,
                          "this name is not served, as any web page could have one lead here: use "
                          "an address, localhost, or a name of the certificate");
    }
    request.host = host->host;
  }
  const std::size_t question = std::min(head.target.find('?'), head.target.size());
  auto path = percent_decode(head.target.substr(0, question));
  if (!path) return refuse_admin(head, 400, "a '%' in a path is written %25");
  request.path = std::move(*path);
  if (question < head.target.size()) request.query = head.target.substr(question + 1);
  const std::string_view origin = value_of(head, "Origin");
  const bool foreign =
      times(head, "Origin") > 1 || (!origin.empty() && !is_same_origin(origin, given_host));
  if (foreign || is_asked_by_other_page(head, request.path)) {
    return refuse_admin(head, 403, "a web page of another origin has no access");
  }
  if (request.acts() && value_of(head, kActionField).empty()) {
    return refuse_admin(head, 403, "an action takes the field X-Culvert-Action: 1");
  }
  request.accept = joined(head, "Accept");
  request.last_event_id = value_of(head, "Last-Event-ID");
  const auto options = connection_options(head);
  request.kept = options.ok() && persists(head, *options);
  return request;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  for (const std::string_view part : split(query, '&')) {
    const std::size_t equals = std::min(part.find('='), part.size());
    if (part.substr(0, equals) != name) continue;
    std::string value(part.substr(std::min(equals + 1, part.size())));
    std::replace(value.begin(), value.end(), '+', ' ');
    return percent_decode(value).value_or(value);
  }
  return std::nullopt;
}

}  // namespace culvert
