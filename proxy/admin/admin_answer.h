#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// What the admin interface answers.
struct AdminAnswer {
  int status = 200;
  std::string_view type{};  ///< Content-Type; empty: there is no body
  std::string body{};
  std::string fields{};  ///< more field lines, each with its CRLF
  bool close = false;    ///< the connection is closed after it
};

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kTextType = "text/plain; charset=utf-8";
inline constexpr std::string_view kPacType = "application/x-ns-proxy-autoconfig";
inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";
/// To what is about one session.
inline constexpr std::string_view kNoSession =
    "there is no session of that id, or it has no request now";
inline constexpr std::string_view kEventType = "text/event-stream";

/// An error for a program (below /api, in JSON) or a person.  `text` is a sentence.
AdminAnswer admin_error(int status, std::string_view text, bool json);

/// Status line and fields.  Nothing of it is ever stored by a cache, framed by another page or
/// taken for another type.  `kept`: the client may send another request.
std::string admin_head(const AdminAnswer& answer, bool kept);

/// The head of an answer whose body ends with the connection.
std::string admin_stream_head(std::string_view type);

}  // namespace culvert
