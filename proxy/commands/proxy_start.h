#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "net/runtime_socket.h"
#include "options/read_file.h"

namespace culvert {

// What `serve` and `run` do before they have a Server, and others before they have a Loop.

/// Raises the limit of descriptors as far as allowed: a tunnel needs two.  Returns the limit.
std::uint64_t raise_file_limit();

/// The same.  A sentence about `command` if those are too few for a loop, which would abort, else
/// nothing.
std::string loop_limit_problem(std::string_view command);

/// They become errors of the calls.
void ignore_signals_of_writing();

/// As many descriptors are allowed as may be.  A sentence if those are too few to serve, else
/// nothing.
std::string file_limit_problem(const Config& config);

/// A line for the log if fewer descriptors are allowed than --max-connections may need; else
/// nothing.
std::string file_limit_warning(const Config& config);

/// This process, and those that it starts, leave no core: its memory holds passwords and what
/// clients send.  One that is made all the same, by a collector or debugger, has no memory in it,
/// but for what the registers held (core(5)).
void leave_no_core();

/// Random, so that a chain of culverts is not mistaken for a loop.
std::string make_pseudonym();

/// Where the access log goes.  A pipe's reader is waited for at the start only.
AccessOutput open_access_log(const Config& config, ReadWhen when,
                             std::vector<std::string>& problems);

/// For --access-log journal.  No journal, and a problem, if there is none.
AccessOutput open_journal(std::vector<std::string>& problems);

/// For `culvert status`.  nullptr, and a line in the log, if there can be none.
std::unique_ptr<RuntimeSocket> make_runtime_socket(Log& log);

}  // namespace culvert
