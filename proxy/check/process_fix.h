#pragma once

#include <span>
#include <string>
#include <string_view>

#include "host/process_list.h"
#include "host/proxy_variables.h"

namespace culvert {

/// What gives a running process other variables, so that it is right once it runs again: `culvert
/// setup` for what that knows, another drop-in for any other unit, and else a line for the shell
/// that starts it.  `default_url` is what `culvert setup` writes of itself.
std::string process_fix(const RunningProcess& process, const ProcessOrigin& origin,
                        std::span<const ProxyMistake> mistakes, std::string_view default_url);

}  // namespace culvert
