#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/rates.h"
#include "base/result.h"
#include "session/session_facts.h"

namespace culvert {

/// Which of the running sessions are asked for, and in which order.
struct TunnelQuery {
  enum class Key : std::uint8_t { id, age, rate, bytes, quiet, target, client, upstream, state };
  static constexpr std::size_t kMost = 500;

  std::size_t limit = 100;
  std::size_t offset = 0;
  Key key = Key::rate;
  bool descending = true;
  std::string filter{};  ///< in lower case; a part of target, client or upstream
  /// In order; nullopt: of all.  With these the limit is kMost, unless another one is given.
  std::optional<std::vector<std::uint64_t>> ids{};

  /// Of the query of a URL.  The error's text names the parameter that is wrong.
  static Result<TunnelQuery> parse(std::string_view query);
};

struct SelectedTunnels {
  std::size_t matching = 0;
  std::vector<const SessionFacts*> page;  ///< those of `sessions`
};

/// Equal ones stand by their ids, so that the order is the same each time.
SelectedTunnels select_tunnels(const TunnelQuery& query, const std::vector<SessionFacts>& sessions,
                               const SessionRates& rates);

}  // namespace culvert
