#include "admin/metrics_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "admin/metrics_writer.h"
#include "base/text.h"

namespace culvert {
namespace {

using Type = MetricsWriter::Type;

// ---- which format

/// A part of an Accept field: how much the client wants it, in thousandths.
struct Wanted {
  std::string_view type;  // "text/plain", "*/*"
  std::string_view version;
  int weight = 1000;
};

/// RFC 9110 section 12.4.2; 0 for anything else.
int weight_of(std::string_view text) {
  const bool one = text.starts_with('1');
  if (text.empty() || (!one && !text.starts_with('0'))) return 0;
  int weight = one ? 1000 : 0;
  std::string_view rest = text.substr(1);
  if (rest.empty()) return weight;
  if (!rest.starts_with('.') || rest.size() > 4) return 0;
  int place = 100;
  for (const char c : rest.substr(1)) {
    if (!is_digit(c)) return 0;
    weight += (c - '0') * place;
    place /= 10;
  }
  return std::min(weight, 1000);
}

Wanted read_wanted(std::string_view part) {
  Wanted wanted;
  bool first = true;
  for (const std::string_view piece : split(part, ';')) {
    if (std::exchange(first, false)) {
      wanted.type = piece;
      continue;
    }
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = trim(piece.substr(0, equals));
    std::string_view value = trim(piece.substr(equals + 1));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
      value = value.substr(1, value.size() - 2);
    }
    if (iequals(name, "q")) wanted.weight = weight_of(value);
    if (iequals(name, "version")) wanted.version = value;
  }
  return wanted;
}

/// How much one format is wanted: as the most specific part has it.
struct Preference {
  int weight = 0;
  int specific = -1;  // 2: by its name, 1: by the half of it, 0: as anything else

  void note(const Wanted& wanted, int how_specific) {
    if (how_specific < specific) return;
    weight = how_specific > specific ? wanted.weight : std::max(weight, wanted.weight);
    specific = how_specific;
  }
};

// ---- the metrics

std::string_view number_text(std::string& buffer, std::size_t number) {
  buffer.clear();
  append_number(buffer, number);
  return buffer;
}

void write_process(MetricsWriter& out, const ProcessFacts& process) {
  out.begin("process_cpu_seconds", Type::counter, "seconds",
            "CPU time of the process, user and system.");
  out.add({}, std::chrono::nanoseconds(process.cpu));
  if (process.started) {
    out.begin("process_start_time_seconds", Type::gauge, "seconds",
              "When the process began, since 1970.");
    out.add({}, std::chrono::nanoseconds(*process.started));
  }
  if (process.resident_bytes) {
    out.begin("process_resident_memory_bytes", Type::gauge, "bytes", "Memory that it has in RAM.");
    out.add({}, *process.resident_bytes);
  }
  if (process.descriptors) {
    out.begin("process_open_fds", Type::gauge, {}, "Descriptors that are open.");
    out.add({}, *process.descriptors);
  }
  if (process.most_descriptors) {
    out.begin("process_max_fds", Type::gauge, {}, "Descriptors that it may have open.");
    out.add({}, *process.most_descriptors);
  }
}

void write_clients(MetricsWriter& out, const WorkerFacts& all) {
  out.begin("culvert_connections_accepted", Type::counter, {},
            "Client connections that were accepted.");
  out.add({}, all.accepted);
  out.begin("culvert_connections", Type::gauge, {}, "Client connections that are open.");
  out.add({}, std::uint64_t{all.connections});
  out.begin("culvert_accept_failures", Type::counter, {},
            "Times that a connection could not be accepted, for want of descriptors or memory.");
  out.add({}, all.accept_failures);
  out.begin("culvert_limit_hits", Type::counter, {},
            "Times that a client met a limit, by which one.");
  for (std::size_t i = 0; i < kLimits; ++i) {
    out.add({{"limit", name_of(static_cast<Limit>(i))}}, all.counters.limits[i]);
  }
}

void write_requests(MetricsWriter& out, const WorkerFacts& all) {
  out.begin("culvert_requests", Type::counter, {},
            "Finished requests, by how the client asked and the outcome of the access log.");
  for (std::size_t k = 0; k < kRequestKinds; ++k) {
    const auto kind = static_cast<RequestKind>(k);
    for (std::size_t i = 0; i < Stats::outcomes(); ++i) {
      const Outcome outcome = Stats::outcome_at(i);
      const std::uint64_t count = all.stats.requests(kind, outcome);
      const bool expected = outcome.kind == Outcome::Kind::ok && kind != RequestKind::none;
      if (count == 0 && !expected) continue;
      out.add({{"kind", name_of(kind)}, {"outcome", outcome.name()}}, count);
    }
  }
  out.begin("culvert_requests_held", Type::gauge, {},
            "Requests that wait for an upstream to come up (--hold).");
  out.add({}, std::uint64_t{all.counters.dials.held});
  out.begin("culvert_holds", Type::counter, {}, "Requests that had to wait so.");
  out.add({}, all.counters.dials.holds);
  out.begin("culvert_hedges", Type::counter, {},
            "Attempts that began beside one that was slow (--hedge).");
  out.add({}, all.counters.dials.hedges);
  out.begin("culvert_tunnels", Type::gauge, {}, "Tunnels that are open.");
  out.add({}, std::uint64_t{all.tunnels});
  out.begin("culvert_tunnels_stalled", Type::gauge, {},
            "Tunnels in which bytes wait and nothing moves.");
  out.add({}, std::uint64_t{all.counters.stalled});
  out.begin("culvert_stalls", Type::counter, {}, "Times that a tunnel became stalled.");
  out.add({}, all.counters.stalls);
  out.begin("culvert_transferred_bytes", Type::counter, "bytes",
            "Bytes of bodies and tunnels, up to upstreams and down to clients.");
  out.add({{"direction", "up"}}, all.bytes.up);
  out.add({{"direction", "down"}}, all.bytes.down);
  out.begin("culvert_local_lookups", Type::counter, {},
            "Names that were looked up on this machine.");
  out.add({{"name", "target"}}, all.target_lookups);
  out.add({{"name", "upstream"}}, all.upstream_lookups);
}

void write_upstream_states(MetricsWriter& out, const std::vector<UpstreamFacts>& upstreams) {
  out.begin("culvert_upstream", Type::info, {}, "What each upstream is.");
  for (const UpstreamFacts& one : upstreams) {
    out.add({{"upstream", one.name},
             {"kind", one.kind},
             {"url", one.label},
             {"default_route", one.default_route ? "true" : "false"}},
            std::uint64_t{1});
  }
  out.begin("culvert_upstream_up", Type::gauge, {},
            "0: the upstream is known to be down, or marked so.");
  for (const UpstreamFacts& one : upstreams) {
    const bool down =
        one.state == UpstreamFacts::State::down || one.state == UpstreamFacts::State::marked_down;
    out.add({{"upstream", one.name}}, std::uint64_t{down ? 0U : 1U});
  }
  using Breaker = UpstreamHealth::BreakerState;
  out.begin("culvert_upstream_breaker", Type::gauge, {},
            "1 for the state of the breaker that keeps requests away from a dead upstream.");
  for (const UpstreamFacts& one : upstreams) {
    for (const Breaker state : {Breaker::closed, Breaker::open, Breaker::half_open}) {
      out.add({{"upstream", one.name}, {"state", name_of(state)}},
              std::uint64_t{one.breaker == state ? 1U : 0U});
    }
  }
  out.begin("culvert_upstream_probe_success", Type::gauge, {},
            "Whether the last probe passed; only of those that are probed.");
  for (const UpstreamFacts& one : upstreams) {
    if (one.probe == UpstreamHealth::Probe::none) continue;
    out.add({{"upstream", one.name}},
            std::uint64_t{one.probe == UpstreamHealth::Probe::passed ? 1U : 0U});
  }
  out.begin("culvert_upstream_false_successes", Type::counter, {},
            "Tunnels that the upstream granted and closed before their first byte.");
  for (const UpstreamFacts& one : upstreams) out.add({{"upstream", one.name}}, one.false_successes);
  out.begin("culvert_upstream_warm_connections", Type::gauge, {},
            "Connections that are kept ready (?warm=N).");
  for (const UpstreamFacts& one : upstreams) {
    out.add({{"upstream", one.name}}, std::uint64_t{one.warm_ready});
  }
  out.begin(
      "culvert_upstream_active", Type::gauge, {},
      "Attempts, tunnels and plain requests under way through it; without idle tunnels where a "
      "route is balanced by least or fastest.");
  for (const UpstreamFacts& one : upstreams) {
    out.add({{"upstream", one.name}}, std::uint64_t{one.active});
  }
  out.begin("culvert_upstream_warm_connections_wanted", Type::gauge, {}, "The N of ?warm=N.");
  for (const UpstreamFacts& one : upstreams) {
    out.add({{"upstream", one.name}}, std::uint64_t{one.warm_wanted});
  }
}

void write_upstream_counts(MetricsWriter& out, const std::vector<UpstreamTally>& upstreams) {
  out.begin("culvert_upstream_attempts", Type::counter, {},
            "Attempts to connect through the upstream for a client, by how they ended.");
  for (const UpstreamTally& one : upstreams) {
    for (std::size_t i = 0; i < kAttemptEnds; ++i) {
      out.add({{"upstream", one.name}, {"outcome", name_of(static_cast<AttemptEnd>(i))}},
              one.counters.attempts[i]);
    }
  }
  out.begin("culvert_upstream_connect_seconds", Type::histogram, "seconds",
            "Time to connect to a target through the upstream.");
  for (const UpstreamTally& one : upstreams) {
    out.add({{"upstream", one.name}}, one.counters.connect);
  }
  out.begin("culvert_upstream_first_byte_seconds", Type::histogram, "seconds",
            "Time from a request to the first byte that came back through the upstream.");
  for (const UpstreamTally& one : upstreams) {
    out.add({{"upstream", one.name}}, one.counters.first_byte);
  }
  out.begin("culvert_upstream_requests", Type::counter, {},
            "Finished requests that went through the upstream, or tried it last.");
  for (const UpstreamTally& one : upstreams) {
    out.add({{"upstream", one.name}}, one.counters.requests);
  }
  out.begin("culvert_upstream_tunnels", Type::gauge, {}, "Tunnels that are open through it.");
  for (const UpstreamTally& one : upstreams) {
    out.add({{"upstream", one.name}}, std::uint64_t{one.tunnels});
  }
  out.begin("culvert_upstream_transferred_bytes", Type::counter, "bytes",
            "Bytes of bodies and tunnels through the upstream, up to it and down from it.");
  for (const UpstreamTally& one : upstreams) {
    out.add({{"upstream", one.name}, {"direction", "up"}}, one.bytes.up);
    out.add({{"upstream", one.name}, {"direction", "down"}}, one.bytes.down);
  }
}

void write_workers(MetricsWriter& out, const std::vector<WorkerFacts>& workers,
                   const WorkerFacts& all) {
  std::string number;
  out.begin("culvert_splice_pipes", Type::gauge, {},
            "Pipes that move bytes within the kernel now.");
  out.add({}, std::uint64_t{all.pipes});
  out.begin("culvert_log_lines_lost", Type::counter, {},
            "Lines that could not be written, of which log.");
  out.add({{"log", "log"}}, all.lost_lines);
  out.add({{"log", "access"}}, all.lost_access_lines);
  out.begin("culvert_loop_longest_turn_seconds", Type::gauge, "seconds",
            "Longest turn of the worker's loop in the last minute; 0 if none took 2 ms.");
  for (const WorkerFacts& one : workers) {
    out.add({{"worker", number_text(number, one.worker)}}, one.longest_turn);
  }
  out.begin("culvert_loop_long_turns", Type::counter, {},
            "Turns of the worker's loop that took 2 ms or more.");
  for (const WorkerFacts& one : workers) {
    out.add({{"worker", number_text(number, one.worker)}}, one.long_turns);
  }
  out.begin("culvert_loop_long_turn_seconds", Type::counter, "seconds", "Time that these took.");
  for (const WorkerFacts& one : workers) {
    out.add({{"worker", number_text(number, one.worker)}}, one.long_turn_time);
  }
  out.begin("culvert_worker_cpu_seconds", Type::counter, "seconds",
            "CPU time of the worker's thread.");
  for (const WorkerFacts& one : workers) {
    out.add({{"worker", number_text(number, one.worker)}}, one.cpu);
  }
}

}  // namespace

MetricsFormat metrics_format(std::string_view accept) {
  Preference text;
  Preference open;
  for (const std::string_view part : split(accept, ',')) {
    const Wanted wanted = read_wanted(part);
    const std::string type = to_lower(wanted.type);
    if (type == "application/openmetrics-text" &&
        (wanted.version.empty() || wanted.version == "1.0.0")) {
      open.note(wanted, 2);
    } else if (type == "text/plain" && (wanted.version.empty() || wanted.version == "0.0.4")) {
      text.note(wanted, 2);
    } else if (type == "application/*") {
      open.note(wanted, 1);
    } else if (type == "text/*") {
      text.note(wanted, 1);
    } else if (type == "*/*") {
      open.note(wanted, 0);
      text.note(wanted, 0);
    }
  }
  const bool tie = open.weight == text.weight && open.specific > text.specific;
  return open.weight > text.weight || (tie && open.weight > 0) ? MetricsFormat::openmetrics
                                                               : MetricsFormat::text;
}

std::string_view content_type(MetricsFormat format) {
  return format == MetricsFormat::openmetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string metrics_text(const MetricsFacts& facts, MetricsFormat format) {
  WorkerFacts all;
  for (const WorkerFacts& worker : facts.workers) all += worker;
  // Those that no request has come to yet are there as well.
  for (const UpstreamFacts& one : facts.upstreams) {
    if (all.upstream(one.name) == nullptr) all.upstreams.push_back({one.name, {}, {}, 0});
  }
  MetricsWriter out(format);
  out.begin("culvert_build", Type::info, {}, "Which culvert this is.");
  out.add({{"version", facts.version}}, std::uint64_t{1});
  out.begin("culvert_ready", Type::gauge, {},
            "Whether new requests have a way: what /readyz says.");
  out.add({}, std::uint64_t{facts.ready ? 1U : 0U});
  out.begin("culvert_draining", Type::gauge, {}, "1: no new clients are served.");
  out.add({}, std::uint64_t{facts.draining ? 1U : 0U});
  write_process(out, facts.process);
  write_clients(out, all);
  write_requests(out, all);
  write_upstream_states(out, facts.upstreams);
  write_upstream_counts(out, all.upstreams);
  write_workers(out, facts.workers, all);
  return out.finish();
}

}  // namespace culvert
