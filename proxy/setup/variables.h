#pragma once

#include <string>
#include <string_view>

#include "setup/plan.h"

namespace culvert {

/// Which hosts a client reaches without the proxy, unless --no-proxy says it.
enum class Neighbours {
  host,     ///< this machine
  cluster,  ///< and what is inside a Kubernetes cluster
};
std::string no_proxy_for(const SetupFacts& facts, Neighbours neighbours);

/// An own file with `[Service]` and the three variables, for a unit, and `more` behind them;
/// `folder` has no other of ours, or `earlier`.  Its name is behind most others', as systemd takes
/// the last.
FileEdit drop_in(const SetupFacts& facts, std::string_view target, std::string folder,
                 Neighbours neighbours, const FileEdit* earlier = nullptr,
                 std::string_view more = {});

/// What a shell takes: the variables in both cases, and that Node shall look at them.
std::string export_lines(const SetupFacts& facts);

/// Something worth knowing, as a clause.
void add_note(Plan& plan, std::string_view text);

}  // namespace culvert
