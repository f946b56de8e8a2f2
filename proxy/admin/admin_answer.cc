#include "admin/admin_answer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "session/http_date.h"

namespace culvert {
namespace {

struct AdminReason {
  int status;
  std::string_view phrase;
};
constexpr auto kReasons = std::to_array<AdminReason>({
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {421, "Misdirected Request"},
    {429, "Too Many Requests"},
    {503, "Service Unavailable"},
});

std::string_view reason_of(int status) {
  const auto* const found =
      std::find_if(kReasons.begin(), kReasons.end(),
                   [&](const AdminReason& one) { return one.status == status; });
  return found == kReasons.end() ? std::string_view("Error") : found->phrase;
}

/// A page may bring a policy of its own.
constexpr std::string_view kPolicyField = "Content-Security-Policy: ";
constexpr std::string_view kNoContent =
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";

std::string common_fields(std::string_view own) {
  return concat(
      {"Cache-Control: no-store\r\n"
       "X-Content-Type-Options: nosniff\r\n"
       "X-Frame-Options: DENY\r\n"
       "Referrer-Policy: no-referrer\r\n"
       "Cross-Origin-Resource-Policy: same-origin\r\n"
       "Cross-Origin-Opener-Policy: same-origin\r\n",
       own.find(kPolicyField) == std::string_view::npos ? kNoContent : "", own});
}

std::string status_line(int status) {
  return fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason_of(status), http_date());
}

}  // namespace

AdminAnswer admin_error(int status, std::string_view text, bool json) {
  if (!json) return {status, kTextType, concat({text, "\n"})};
  return {status, kJsonType, Json::object().set("error", text).dump() + "\n"};
}

std::string admin_head(const AdminAnswer& answer, bool kept) {
  std::string head = status_line(answer.status) + common_fields(answer.fields);
  if (!answer.type.empty()) head += concat({"Content-Type: ", answer.type, "\r\n"});
  if (answer.status != 204) head += fmt::format("Content-Length: {}\r\n", answer.body.size());
  if (!kept) head += "Connection: close\r\n";
  return head + "\r\n";
}

std::string admin_stream_head(std::string_view type) {
  return concat({status_line(200), common_fields({}), "Content-Type: ", type,
                 "\r\nConnection: close\r\n\r\n"});
}

}  // namespace culvert
