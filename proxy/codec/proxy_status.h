#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// The error that `value`, of a Proxy-Status field (RFC 9209), reports: that of the proxy nearest
/// to the target, as "far.example: dns_error, NXDOMAIN, no such host".  Empty if it reports none.
/// What is malformed is skipped.
std::string error_in_proxy_status(std::string_view value);

}  // namespace culvert
