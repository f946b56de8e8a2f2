#include "admin/trace_query.h"

#include <string>
#include <utility>

#include "admin/admin_request.h"
#include "base/error.h"
#include "base/text.h"

namespace culvert {
namespace {

Error trace_mistake(std::string text) {
  return {Errc::http_request_error, Side::client, 0, std::move(text)};
}

}  // namespace

Result<TraceQuery> TraceQuery::parse(std::string_view query) {
  TraceQuery out;
  const auto target = query_value(query, "target");
  const auto id = query_value(query, "id");
  const auto sessions = query_value(query, "sessions");
  if (id.has_value() == target.has_value()) {
    return trace_mistake("needs target=PATTERN, as in --route, or id=N of a session");
  }
  if (id) {
    out.id = parse_number<std::uint64_t>(*id);
    if (!out.id) return trace_mistake("id is the number of a session");
    if (sessions) return trace_mistake("sessions has no meaning beside id");
    out.sessions = 1;
    return out;
  }
  std::vector<std::string> problems;
  out.targets = parse_target_patterns(*target, problems);
  if (!problems.empty()) return trace_mistake(std::move(problems.front()));
  if (sessions) {
    const auto number = parse_number<std::size_t>(*sessions);
    if (!number || *number == 0 || *number > kMostTracedSessions) {
      return trace_mistake(
          concat({"sessions is a number from 1 to ", std::to_string(kMostTracedSessions)}));
    }
    out.sessions = *number;
  }
  return out;
}

}  // namespace culvert
