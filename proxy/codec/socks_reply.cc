#include "codec/socks_reply.h"

namespace culvert {
namespace {

SocksReply reply_for(Errc code) {
  switch (code) {
    case Errc::http_request_denied:
    case Errc::proxy_auth_required:
    case Errc::destination_ip_prohibited:
    case Errc::upstream_denied:
      return SocksReply::not_allowed;
    case Errc::destination_ip_unroutable:
      return SocksReply::network_unreachable;
    case Errc::dns_error:
    case Errc::dns_timeout:
    case Errc::destination_unavailable:
      return SocksReply::host_unreachable;
    case Errc::connection_refused:
      return SocksReply::refused;
    case Errc::connection_timeout:
      return SocksReply::timed_out;
    case Errc::method_not_implemented:
      return SocksReply::no_such_command;
    default:
      return SocksReply::failed;
  }
}

bool is_about_target(SocksReply reply) {
  return reply >= SocksReply::network_unreachable && reply <= SocksReply::timed_out;
}

}  // namespace

SocksReply socks_reply(const Error& error) {
  const SocksReply reply = reply_for(error.code);
  return is_about_target(reply) && error.side == Side::upstream ? SocksReply::failed : reply;
}

}  // namespace culvert
