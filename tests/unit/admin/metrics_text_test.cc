#include "admin/metrics_text.h"

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "base/text.h"
#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

SessionRecord finished(std::string_view method, Outcome outcome) {
  SessionRecord record;
  record.set_method(method);
  record.finish(outcome, Side::client, {});
  return record;
}

/// A bit of everything.
MetricsFacts sample() {
  MetricsFacts facts;
  facts.version = "1.2.3";
  for (std::size_t i = 0; i < 2; ++i) {
    WorkerFacts worker;
    worker.worker = i;
    for (std::size_t n = 0; n < 3; ++n) {
      worker.stats.add(finished("CONNECT", Outcome::Kind::ok));
      worker.stats.add(finished("SOCKS5", Errc::connection_refused));
    }
    worker.stats.add(finished("GET", Outcome::Kind::idle_timeout));
    worker.stats.add(finished("", Errc::http_request_error));
    worker.bytes = {1'000, 2'000'000'000'000};
    worker.accepted = 9;
    worker.connections = 2;
    worker.tunnels = 1;
    worker.counters.met(Limit::sign_in);
    worker.counters.dials = {1, 2, 3};
    worker.counters.stalled = 1;
    worker.counters.stalls = 4;
    worker.target_lookups = 5;
    worker.longest_turn = 3ms;
    worker.long_turns = 2;
    worker.long_turn_time = 5ms;
    worker.cpu = 1'500ms;
    UpstreamTally tally{"tunnel", {}, {500, 600}, 1};
    tally.counters.count(AttemptEnd::connected);
    tally.counters.connect.add(12ms);
    tally.counters.first_byte.add(30ms);
    tally.counters.requests = 4;
    worker.upstreams.push_back(tally);
    facts.workers.push_back(worker);
  }
  UpstreamFacts up;
  up.name = "tunnel";
  up.label = "socks5://127.0.0.1:1080";
  up.kind = "socks5";
  up.default_route = true;
  up.state = UpstreamFacts::State::up;
  up.warm_wanted = 4;
  up.warm_ready = 3;
  up.active = 5;
  UpstreamFacts down;
  down.name = "corp \"proxy\"\n";
  down.label = "http://proxy.example:3128";
  down.kind = "http";
  down.state = UpstreamFacts::State::down;
  down.reason = "a sentence that is not for metrics";
  down.breaker = UpstreamHealth::BreakerState::open;
  down.probe = UpstreamHealth::Probe::failed;
  down.false_successes = 6;
  facts.upstreams = {up, down};
  facts.process = {.cpu = 2'500'000us,
                   .started = 1'700'000'000'250ms,
                   .resident_bytes = 8'000'000,
                   .descriptors = 40,
                   .most_descriptors = 1'024};
  return facts;
}

std::set<std::string> lines_of(const std::string& text) {
  std::set<std::string> lines;
  for (const std::string_view line : split(text, '\n')) lines.emplace(line);
  return lines;
}

}  // namespace

TEST_CASE("the figures of all workers are summed up, and those of loops are not") {
  const auto lines = lines_of(metrics_text(sample(), MetricsFormat::text));
  for (const char* line : {
           "culvert_build_info{version=\"1.2.3\"} 1",
           "culvert_ready 1",
           "culvert_draining 0",
           "process_cpu_seconds_total 2.5",
           "process_start_time_seconds 1700000000.25",
           "process_resident_memory_bytes 8000000",
           "process_open_fds 40",
           "process_max_fds 1024",
           "culvert_connections_accepted_total 18",
           "culvert_connections 4",
           "culvert_tunnels 2",
           "culvert_tunnels_stalled 2",
           "culvert_stalls_total 8",
           "culvert_limit_hits_total{limit=\"sign_in\"} 2",
           "culvert_limit_hits_total{limit=\"connections\"} 0",
           "culvert_requests_total{kind=\"connect\",outcome=\"ok\"} 6",
           "culvert_requests_total{kind=\"socks\",outcome=\"ok\"} 0",
           "culvert_requests_total{kind=\"socks\",outcome=\"connection_refused\"} 6",
           "culvert_requests_total{kind=\"plain\",outcome=\"idle_timeout\"} 2",
           "culvert_requests_total{kind=\"none\",outcome=\"http_request_error\"} 2",
           "culvert_requests_held 2",
           "culvert_holds_total 4",
           "culvert_hedges_total 6",
           "culvert_transferred_bytes_total{direction=\"up\"} 2000",
           "culvert_transferred_bytes_total{direction=\"down\"} 4000000000000",
           "culvert_local_lookups_total{name=\"target\"} 10",
           "culvert_local_lookups_total{name=\"upstream\"} 0",
           "culvert_upstream_up{upstream=\"tunnel\"} 1",
           "culvert_upstream_up{upstream=\"corp \\\"proxy\\\"\\n\"} 0",
           "culvert_upstream_breaker{upstream=\"tunnel\",state=\"closed\"} 1",
           "culvert_upstream_breaker{upstream=\"tunnel\",state=\"open\"} 0",
           "culvert_upstream_breaker{upstream=\"corp \\\"proxy\\\"\\n\",state=\"open\"} 1",
           "culvert_upstream_probe_success{upstream=\"corp \\\"proxy\\\"\\n\"} 0",
           "culvert_upstream_false_successes_total{upstream=\"corp \\\"proxy\\\"\\n\"} 6",
           "culvert_upstream_warm_connections{upstream=\"tunnel\"} 3",
           "culvert_upstream_warm_connections_wanted{upstream=\"tunnel\"} 4",
           "culvert_upstream_attempts_total{upstream=\"tunnel\",outcome=\"connected\"} 2",
           "culvert_upstream_attempts_total{upstream=\"tunnel\",outcome=\"abandoned\"} 0",
           "culvert_upstream_attempts_total{upstream=\"corp \\\"proxy\\\"\\n\",outcome=\"failed\"} "
           "0",
           "culvert_upstream_connect_seconds_bucket{upstream=\"tunnel\",le=\"0.01\"} 0",
           "culvert_upstream_connect_seconds_bucket{upstream=\"tunnel\",le=\"0.025\"} 2",
           "culvert_upstream_connect_seconds_sum{upstream=\"tunnel\"} 0.024",
           "culvert_upstream_first_byte_seconds_count{upstream=\"tunnel\"} 2",
           "culvert_upstream_requests_total{upstream=\"tunnel\"} 8",
           "culvert_upstream_tunnels{upstream=\"tunnel\"} 2",
           "culvert_upstream_active{upstream=\"tunnel\"} 5",
           "culvert_upstream_transferred_bytes_total{upstream=\"tunnel\",direction=\"down\"} 1200",
           "culvert_loop_longest_turn_seconds{worker=\"0\"} 0.003",
           "culvert_loop_longest_turn_seconds{worker=\"1\"} 0.003",
           "culvert_loop_long_turns_total{worker=\"1\"} 2",
           "culvert_loop_long_turn_seconds_total{worker=\"1\"} 0.005",
           "culvert_worker_cpu_seconds_total{worker=\"0\"} 1.5",
           "culvert_log_lines_lost_total{log=\"access\"} 0",
       }) {
    CAPTURE(line);
    CHECK(lines.count(line) == 1);
  }
}

TEST_CASE("what the system does not tell is left out, and so is a probe that there is not") {
  MetricsFacts facts = sample();
  facts.process = {};
  facts.upstreams.pop_back();
  const std::string text = metrics_text(facts, MetricsFormat::text);
  CHECK(text.find("process_open_fds") == std::string::npos);
  CHECK(text.find("process_start_time") == std::string::npos);
  CHECK(text.find("probe_success{") == std::string::npos);
  CHECK_THAT(text, Contains("\nprocess_cpu_seconds_total 0\n"));
}

TEST_CASE("an upstream of an earlier configuration is there as long as something counts for it") {
  MetricsFacts facts = sample();
  facts.upstreams.erase(facts.upstreams.begin());
  const std::string text = metrics_text(facts, MetricsFormat::text);
  CHECK_THAT(text, Contains("culvert_upstream_requests_total{upstream=\"tunnel\"} 8\n"));
  CHECK(text.find("culvert_upstream_up{upstream=\"tunnel\"}") == std::string::npos);
}

TEST_CASE("no sentence, and so no target or client of one, gets among the metrics") {
  CHECK(metrics_text(sample(), MetricsFormat::text).find("sentence") == std::string::npos);
}

TEST_CASE("no series is there twice, and each is of the family before it") {
  const std::string text =
      metrics_text(sample(), GENERATE(MetricsFormat::text, MetricsFormat::openmetrics));
  std::set<std::string> seen;
  std::set<std::string> families;
  std::string family;
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(families.insert(family).second);
    }
    if (line.empty() || line.starts_with("#")) continue;
    CAPTURE(line, family);
    CHECK(line.starts_with(family));
    CHECK(seen.emplace(line.substr(0, line.rfind(' '))).second);
  }
  CHECK(families.size() > 35);
}

TEST_CASE("a text ends with its last line") {
  const std::string text = metrics_text(sample(), MetricsFormat::text);
  CHECK(text.ends_with("\n"));
  CHECK_FALSE(text.ends_with("\n\n"));
  CHECK(metrics_text(sample(), MetricsFormat::openmetrics).ends_with("\n# EOF\n"));
  // check_metrics.py gets it so.
  const char* const path = std::getenv("METRICS_SAMPLE");
  if (path == nullptr) return;
  std::FILE* const file = std::fopen(path, "w");
  REQUIRE(file != nullptr);
  CHECK(std::fwrite(text.data(), 1, text.size(), file) == text.size());
  CHECK(std::fclose(file) == 0);
}

TEST_CASE("OpenMetrics is for those who ask for it and prefer it") {
  const auto wants_open = [](std::string_view accept) {
    return metrics_format(accept) == MetricsFormat::openmetrics;
  };
  // Prometheus 2.42, and one without that.
  CHECK(
      wants_open("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
  CHECK_FALSE(wants_open("text/plain;version=0.0.4;q=1,*/*;q=0.1"));
  CHECK(wants_open("application/openmetrics-text"));
  CHECK(wants_open("Application/OpenMetrics-Text; Version=\"1.0.0\""));
  CHECK(wants_open("text/plain;q=0.5, application/openmetrics-text;q=0.501"));
  CHECK(wants_open("text/plain;q=0.5, application/*"));
  // Nobody asks for it.
  for (const char* accept : {"", "*/*", "text/plain", "text/html,*/*;q=0.8", "image/png"}) {
    CAPTURE(accept);
    CHECK_FALSE(wants_open(accept));
  }
  // It is wanted less, or not at all, or in another version.
  CHECK_FALSE(wants_open("application/openmetrics-text;q=0.4, text/plain;q=0.5"));
  CHECK_FALSE(wants_open("application/openmetrics-text, text/plain"));
  CHECK_FALSE(wants_open("application/openmetrics-text;q=0.4, */*;q=0.5"));
  CHECK_FALSE(wants_open("application/openmetrics-text;q=0, image/png"));
  CHECK_FALSE(wants_open("application/openmetrics-text;q=0.000"));
  CHECK_FALSE(wants_open("application/openmetrics-text;version=2.0.0"));
  CHECK_FALSE(wants_open("application/*, text/plain"));
  // A weight that is none counts as 0.
  for (const char* weight : {"", ".5", "2", "0.1234", "0,5", "0.x", "-1"}) {
    CAPTURE(weight);
    CHECK_FALSE(wants_open(std::string("application/openmetrics-text;q=") + weight));
  }
  CHECK(wants_open("application/openmetrics-text;q=0.001"));
}

TEST_CASE("each format has its content type") {
  CHECK(content_type(MetricsFormat::text) == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(content_type(MetricsFormat::openmetrics) ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}
