#pragma once

#include <span>
#include <string>
#include <string_view>

#include "host/process_list.h"
#include "host/proxy_variables.h"

namespace culvert {

/// What gives a running process other variables, so that it is right once it runs again: `culvert
/// setup` for what that knows, another drop-in for any other unit, and else a line for the shell
/// that starts it.  `default_url` is what `culvert setup` writes of itself.  Of the variables
/// `of_daemon_json`, which docker's file sets, that counts: a comment says what belongs there.
std::string process_fix(const RunningProcess& process, const ProcessOrigin& origin,
                        std::span<const ProxyMistake> mistakes, std::string_view default_url,
                        std::span<const std::string> of_daemon_json = {});

}  // namespace culvert
