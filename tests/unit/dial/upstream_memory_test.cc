#include "dial/upstream_memory.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

TEST_CASE("the cause of the last failure is kept until the proxy works") {
  UpstreamMemory memory;
  CHECK(memory.last_cause() == "");
  memory.failed("refused the connection");
  memory.failed("no answer in 4.0 s");
  CHECK(memory.last_cause() == "no answer in 4.0 s");
  memory.worked(false);
  CHECK(memory.last_cause() == "");
}

TEST_CASE("a proxy's protocol is in doubt until it has spoken it") {
  UpstreamMemory memory(true);
  memory.worked(false);
  CHECK(memory.doubts_protocol());
  memory.worked(true);
  CHECK_FALSE(memory.doubts_protocol());
  CHECK_FALSE(UpstreamMemory().doubts_protocol());
}

TEST_CASE("a look at the protocol is taken once a minute, and its result kept") {
  UpstreamMemory memory(true);
  const UpstreamMemory::Time now{};
  CHECK(memory.begin_look(now));
  CHECK_FALSE(memory.begin_look(now + 59s));
  memory.found("HTTP");
  CHECK(memory.other_protocol() == "HTTP");
  CHECK(memory.begin_look(now + 60s));
}

TEST_CASE("why it went down, and since when its probes fail, is remembered") {
  UpstreamMemory memory;
  const UpstreamMemory::Time now{};
  CHECK(memory.why_down().failure.empty());
  CHECK_FALSE(memory.why_down().probes_fail_since);
  memory.went_down("it refused");
  memory.probe_failed("no answer", now);
  memory.probe_failed("closed", now + 5s);
  CHECK(memory.why_down().failure == "it refused");
  CHECK(memory.why_down().probe == "closed");
  CHECK(memory.why_down().probes_fail_since == now);
  memory.probe_passed();
  CHECK(memory.why_down().failure == "it refused");
  CHECK(memory.why_down().probe.empty());
  CHECK_FALSE(memory.why_down().probes_fail_since);
}
