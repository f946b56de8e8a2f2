#include "dial/dial.h"

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace culvert {

Error Dial::timeout_failure() const {
  if (resolving()) return {Errc::dns_timeout, Side::upstream, 0, "did not resolve here"};
  return {Errc::connection_timeout, Side::upstream, 0, "did not accept the connection"};
}

std::optional<Missing> missing_from(const Error& error) {
  switch (error.code) {
    case Errc::connection_refused:
      return Missing::listener;
    case Errc::dns_error:
    case Errc::dns_timeout:
      return Missing::name;
    case Errc::destination_ip_unroutable:
      // The others mean that this machine lacks the address family or a port of its own.
      if (error.sys == EAFNOSUPPORT || error.sys == EADDRNOTAVAIL) return std::nullopt;
      return Missing::route;
    default:
      return std::nullopt;
  }
}

int specificity(const Error& error) {
  switch (error.code) {
    case Errc::canceled:
      return 0;
    case Errc::destination_ip_unroutable:
      return 1;  // often an address family that this machine lacks
    case Errc::dns_timeout:
    case Errc::connection_timeout:
      return 2;
    case Errc::connection_terminated:
      return 3;
    case Errc::connection_refused:
      return error.side == Side::upstream ? 3 : 5;
    case Errc::dns_error:
      return 4;
    case Errc::upstream_protocol_error:
    case Errc::tls_protocol_error:
      return 5;
    default:
      return 6;  // names the cause precisely
  }
}

bool is_silence(const Error& error) {
  return error.side == Side::upstream && error.code == Errc::connection_timeout;
}

namespace {

/// "cannot be reached: a sentence about this machine (No route to host)".
std::string local_cause(std::string_view clause, int sys) {
  return std::string(clause) + " (" + std::generic_category().message(sys) + ")";
}

}  // namespace

Error connect_error(int sys, Side side, IpAddress::Family family) {
  switch (sys) {
    case ECONNREFUSED:
      return {Errc::connection_refused, side, sys, "refused the connection"};
    case ETIMEDOUT:
      return {Errc::connection_timeout, side, sys, "did not answer the connection"};
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case EAFNOSUPPORT:
      return {Errc::destination_ip_unroutable, side, sys,
              "cannot be reached: " + std::generic_category().message(sys)};
    case EADDRNOTAVAIL:
      if (family == IpAddress::Family::v4) {
        return {Errc::connection_limit_reached, Side::local, sys,
                local_cause("cannot be connected to: no local port is free for it", sys)};
      }
      return {
          Errc::destination_ip_unroutable, side, sys,
          local_cause("cannot be reached: this machine has no IPv6 address or port for it", sys)};
    case EINVAL:
      // As a VPN that is down leaves behind: it may go away.
      return {Errc::destination_ip_unroutable, side, sys,
              local_cause("cannot be reached: this machine has a blackhole route there", sys)};
    case EACCES:
    case EPERM:
      return {Errc::destination_unavailable, side, sys,
              local_cause("cannot be connected to: this machine forbids it", sys)};
    case ECONNRESET:
      return {Errc::connection_terminated, side, sys, "reset the connection"};
    case ENOSPC:
      return {Errc::connection_limit_reached, Side::local, sys,
              "cannot be connected to: the system watches no more sockets for us "
              "(fs.epoll.max_user_watches)"};
    case EMFILE:
      return {Errc::connection_limit_reached, Side::local, sys,
              "cannot be connected to: no file descriptors are left - raise the proxy's limit of "
              "open files (ulimit -n, LimitNOFILE=)"};
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return {Errc::connection_limit_reached, Side::local, sys,
              "cannot be connected to: " + std::generic_category().message(sys)};
    default:
      return {Errc::destination_unavailable, side, sys,
              "cannot be connected to: " + std::generic_category().message(sys)};
  }
}

}  // namespace culvert
