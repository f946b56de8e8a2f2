#include "session/tunnel_end.h"

#include <chrono>

#include "base/duration.h"
#include "dial/upstream_protocol.h"
#include "net/stream.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

/// A client that has sent nothing yet: an upstream that grants too early ends its tunnel as soon as
/// it has failed to connect, v2ray for one after 1 to 2 s.  Servers that give up a silent client
/// wait for longer.
constexpr milliseconds kEarlyEnd{5'000};

/// Of a tunnel that was granted in answer to a CONNECT.
Loop::Clock::time_point granted_at(const SessionRecord& record) {
  return record.started + milliseconds(record.connect_ms);
}

/// The other end of the connection has ended it, rather than the network.
bool ended_by_peer(const RelayEnd& end) {
  return end.cause == RelayEnd::Cause::finished ||
         (end.cause == RelayEnd::Cause::reset && (end.sys == 0 || is_reset(end.sys)));
}

bool may_be_early_grant(const Relay& relay, const SessionRecord& record,
                        Loop::Clock::time_point now) {
  const RelayEnd& end = relay.end();
  if (end.closed_by != Side::upstream || !ended_by_peer(end) || relay.bytes_down() > 0)
    return false;
  // A 101 came from the target.
  if (!protocol_of(record.upstream->config).has_proxy || record.status != 200) return false;
  return relay.bytes_up() > 0 || now - granted_at(record) < kEarlyEnd;
}

TunnelEnd early_grant(const Relay& relay, const SessionRecord& record,
                      const SessionContext& context) {
  const bool client_spoke = relay.bytes_up() > 0;
  record.upstream->closed_after_success(record.target, client_spoke, context.loop.now(),
                                        context.log);
  const RelayEnd& end = relay.end();
  const bool reset = end.cause == RelayEnd::Cause::reset;
  std::string detail = reset ? "the upstream reset it" : "the upstream closed";
  detail += " before its first byte: did it say yes too early?";
  if (end.sys != 0) detail += " (" + describe_failure(end.sys) + ")";
  return {Errc::connection_terminated, Side::upstream, std::move(detail)};
}

/// Of a tunnel in which nothing moved for `time`.
std::string slow_lookup(const Upstream& upstream, milliseconds time,
                        const SessionContext& context) {
  const auto now = context.loop.now();
  return upstream.slow_lookup_clause(now - time, now);
}

TunnelEnd usual_end(const RelayEnd& end, const Upstream& upstream, const SessionContext& context) {
  const Config& config = context.config;
  switch (end.cause) {
    case RelayEnd::Cause::finished:
      break;
    case RelayEnd::Cause::reset:
      return {Errc::connection_terminated, end.closed_by,
              end.sys != 0 ? describe_failure(end.sys) : "reset"};
    case RelayEnd::Cause::idle:
      return {Outcome::Kind::idle_timeout, Side::local,
              "nothing moved, see --idle-timeout" +
                  slow_lookup(upstream, config.idle_timeout, context)};
    case RelayEnd::Cause::half_open:
      return {Outcome::Kind::half_open_timeout, Side::local,
              "one side had finished and nothing moved, see --half-open-timeout"};
    case RelayEnd::Cause::stalled:
      return {Outcome::Kind::stalled, Side::local,
              config.reset_stalled.describe() + " in it, or in one beside it, see --reset-stalled" +
                  slow_lookup(upstream, config.reset_stalled.time, context)};
    case RelayEnd::Cause::lifetime:
      return {Outcome::Kind::lifetime_over, Side::local,
              "the tunnel's lifetime of " + format_duration(config.max_lifetime) +
                  " is over, see --max-lifetime"};
  }
  return {Outcome::Kind::ok, end.closed_by, {}};
}

void add_clause(std::string& detail, std::string_view clause) {
  if (!detail.empty()) detail += "; ";
  detail += clause;
}

}  // namespace

TunnelEnd judge_tunnel_end(const Relay& relay, const SessionRecord& record,
                           const SessionContext& context) {
  Upstream& upstream = *record.upstream;
  const auto now = context.loop.now();
  if (may_be_early_grant(relay, record, now)) return early_grant(relay, record, context);
  TunnelEnd end = usual_end(relay.end(), upstream, context);
  const bool http_for_tls = relay.tls_answered_in_http();
  if (relay.bytes_down() > 0) {
    if (!http_for_tls) upstream.health->brought_byte(granted_at(record));
  } else if (relay.bytes_up() > 0) {
    // Whoever gave up: what it waited for may never have been there.
    const std::string clause = upstream.early_grants_clause(now);
    if (!clause.empty()) add_clause(end.detail, "no byte came back" + clause);
  }
  if (http_for_tls) {
    upstream.answered_tls_in_http(record.target, now, context.log);
    add_clause(end.detail, protocol_of(upstream.config).has_proxy
                               ? "TLS was answered in HTTP: is the upstream a web server, or does "
                                 "the target speak plain HTTP on that port?"
                               : "TLS was answered in HTTP: does the target speak plain HTTP on "
                                 "that port?");
  }
  return end;
}

}  // namespace culvert
