#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "net/tls_server_context.h"

namespace culvert {

/// For each listener of `flag` (--listen, --admin) with a certificate its context, null for the
/// others; all of them seal their tickets by the same keys.  A file that cannot be used becomes a
/// line of `problems`, what makes clients refuse a certificate one of `warnings`.
std::vector<std::shared_ptr<TlsServerContext>> make_tls_listeners(
    std::string_view flag, const std::vector<ListenConfig>& listen,
    std::vector<std::string>& problems, std::vector<std::string>& warnings);

}  // namespace culvert
