#include "admin/tunnel_query.h"

#include <algorithm>
#include <array>
#include <compare>
#include <utility>

#include "admin/admin_request.h"
#include "base/text.h"

namespace culvert {
namespace {

using Key = TunnelQuery::Key;

struct KeyName {
  std::string_view name;
  Key key;
};
constexpr auto kKeys = std::to_array<KeyName>({
    {"id", Key::id},
    {"age", Key::age},
    {"rate", Key::rate},
    {"bytes", Key::bytes},
    {"quiet", Key::quiet},
    {"target", Key::target},
    {"client", Key::client},
    {"upstream", Key::upstream},
    {"state", Key::state},
});

Error bad_parameter(std::string_view text) {
  return {Errc::http_request_error, Side::client, 0, std::string(text)};
}

/// With the total rate beside it, which is looked up once.
struct Candidate {
  const SessionFacts* session;
  std::uint64_t rate;
};

std::uint64_t bytes_of(const SessionFacts& session) {
  return session.bytes_up + session.bytes_down;
}

/// What is younger, or has moved later, is less.
std::strong_ordering compare(const Candidate& one, const Candidate& other, Key key) {
  const SessionFacts& a = *one.session;
  const SessionFacts& b = *other.session;
  switch (key) {
    case Key::id:
      return a.id <=> b.id;
    case Key::age:
      return b.started <=> a.started;
    case Key::rate:
      return one.rate <=> other.rate;
    case Key::bytes:
      return bytes_of(a) <=> bytes_of(b);
    case Key::quiet:
      return b.moved <=> a.moved;
    case Key::target:
      return a.target.compare(b.target) <=> 0;
    case Key::client:
      return a.client.compare(b.client) <=> 0;
    case Key::upstream:
      return a.upstream.compare(b.upstream) <=> 0;
    case Key::state:
      return a.state <=> b.state;
  }
  return std::strong_ordering::equal;
}

/// "17,4711".  False: that is no list of so many.
bool read_ids(std::string_view text, std::vector<std::uint64_t>& out) {
  for (const std::string_view part : split(text, ',')) {
    const auto id = parse_number<std::uint64_t>(part);
    if (!id || out.size() == TunnelQuery::kMost) return false;
    out.push_back(*id);
  }
  std::sort(out.begin(), out.end());
  return true;
}

bool matches(const SessionFacts& session, const TunnelQuery& query) {
  const auto& ids = query.ids;
  if (ids && !std::binary_search(ids->begin(), ids->end(), session.id)) return false;
  const std::string& filter = query.filter;
  if (filter.empty()) return true;
  const auto has = [&](const std::string& text) {
    return to_lower(text).find(filter) != std::string::npos;
  };
  return has(session.target) || has(session.client) || has(session.upstream);
}

}  // namespace

Result<TunnelQuery> TunnelQuery::parse(std::string_view query) {
  TunnelQuery out;
  if (const auto given = query_value(query, "ids")) {
    if (!read_ids(*given, out.ids.emplace())) {
      return bad_parameter("ids is a list of up to 500 numbers");
    }
    out.limit = kMost;
  }
  if (const auto given = query_value(query, "limit")) {
    const auto limit = parse_number<std::size_t>(*given);
    if (!limit || *limit == 0 || *limit > kMost) {
      return bad_parameter("limit is a number from 1 to 500");
    }
    out.limit = *limit;
  }
  if (const auto given = query_value(query, "offset")) {
    const auto offset = parse_number<std::size_t>(*given);
    if (!offset) return bad_parameter("offset is a number");
    out.offset = *offset;
  }
  if (auto given = query_value(query, "sort")) {
    out.descending = given->starts_with('-');
    if (out.descending) given->erase(0, 1);
    const auto* const found = std::find_if(kKeys.begin(), kKeys.end(),
                                           [&](const KeyName& one) { return one.name == *given; });
    if (found == kKeys.end()) {
      return bad_parameter(
          "sort is one of id, age, rate, bytes, quiet, target, client, upstream and state, or that "
          "behind a '-'");
    }
    out.key = found->key;
  }
  out.filter = to_lower(query_value(query, "filter").value_or(""));
  return out;
}

SelectedTunnels select_tunnels(const TunnelQuery& query, const std::vector<SessionFacts>& sessions,
                               const SessionRates& rates) {
  std::vector<Candidate> candidates;
  for (const SessionFacts& session : sessions) {
    if (!matches(session, query)) continue;
    const Rate rate = rates.of(session.id).value_or(Rate{});
    candidates.push_back({&session, rate.up + rate.down});
  }
  SelectedTunnels out;
  out.matching = candidates.size();
  const auto before = [&](const Candidate& one, const Candidate& other) {
    const auto order = compare(one, other, query.key);
    if (std::is_neq(order)) return query.descending ? std::is_gt(order) : std::is_lt(order);
    return one.session->id < other.session->id;
  };
  const std::size_t first = std::min(query.offset, candidates.size());
  const std::size_t last = std::min(first + query.limit, candidates.size());
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(last),
                    candidates.end(), before);
  for (std::size_t i = first; i < last; ++i) out.page.push_back(candidates[i].session);
  return out;
}

}  // namespace culvert
