#include "net/tcp_facts.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

#include <fmt/format.h>

namespace culvert {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::string rounded_ms(microseconds time) {
  const auto us = time.count();
  return us < 1'000 ? fmt::format("{}.{}", us / 1'000, us % 1'000 / 100)
                    : fmt::to_string((us + 500) / 1'000);
}

std::string age(milliseconds time) {
  return time.count() < 1'000 ? fmt::format("{} ms", time.count())
                              : fmt::format("{} s", (time.count() + 500) / 1'000);
}

}  // namespace

std::string TcpFacts::describe() const {
  return fmt::format(
      "rtt {} ms (+-{}), {} retransmits, {} segments unacknowledged, {} bytes not sent, data came "
      "{} ago, an acknowledgement {} ago",
      rounded_ms(rtt), rounded_ms(rtt_variation), retransmits, unacked, notsent, age(last_data),
      age(last_ack));
}

std::optional<TcpFacts> tcp_facts(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  int notsent = 0;
  if (ioctl(fd, SIOCOUTQNSD, &notsent) != 0 || notsent < 0) notsent = 0;
  return TcpFacts{
      .rtt = microseconds(info.tcpi_rtt),
      .rtt_variation = microseconds(info.tcpi_rttvar),
      .retransmits = info.tcpi_total_retrans,
      .unanswered = std::max<std::uint32_t>(info.tcpi_retransmits, info.tcpi_probes),
      .unacked = info.tcpi_unacked,
      .notsent = static_cast<std::uint32_t>(notsent),
      .last_sent = milliseconds(info.tcpi_last_data_sent),
      .last_data = milliseconds(info.tcpi_last_data_recv),
      .last_ack = milliseconds(info.tcpi_last_ack_recv),
  };
}

}  // namespace culvert
