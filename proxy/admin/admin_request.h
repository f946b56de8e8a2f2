#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admin/admin_answer.h"
#include "codec/http_head.h"

namespace culvert {

/// A request to the admin interface that may be answered.
struct AdminRequest {
  enum class Method : std::uint8_t { get, head, post };
  Method method = Method::get;
  std::string path;    ///< percent-decoded: "/api/v1/status"
  std::string query;   ///< behind the '?', as it was sent
  std::string accept;  ///< the Accept fields, joined
  std::string host;    ///< the host in the Host field, without a port; may be empty
  std::string last_event_id;
  bool kept = true;  ///< the client may send another request

  bool is_api() const { return path.starts_with("/api/"); }
  bool acts() const { return method == Method::post; }
};

/// By which names the interface may be addressed.
struct AdminNames {
  bool any = false;                   ///< a browser of somebody else's page cannot get there
  std::vector<std::string> others{};  ///< beside addresses, localhost and names without a dot
};

/// Judges a request: method, target, Host, Origin, body.  A web page elsewhere must not read the
/// interface by a name of its own that leads here (DNS rebinding: such a name has a dot), nor act:
/// that takes the field X-Culvert-Action, which no other origin may send.
std::variant<AdminRequest, AdminAnswer> read_admin_request(const RequestHead& head,
                                                           const AdminNames& names);

/// The value of `name` in a query ("limit=100&sort=-rate"), decoded, '+' being a blank; what cannot
/// be decoded stays as it is.  nullopt if it is not there.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace culvert
