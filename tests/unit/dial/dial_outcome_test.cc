#include "dial/dial_outcome.h"

#include <utility>

#include "support/catch.h"

using namespace culvert;

namespace {

DialFailure failure(DialPhase phase, Side side, Errc code = Errc::connection_terminated) {
  return {.cause = {{code, side, 0, "failed"}}, .phase = phase};
}

}  // namespace

TEST_CASE("a proxy has failed if it could not be reached, by its own failure") {
  for (const DialPhase phase : {DialPhase::connect, DialPhase::tls, DialPhase::greeting}) {
    CHECK(failure(phase, Side::upstream).proxy_failed());
    CHECK_FALSE(failure(phase, Side::target).proxy_failed());
    CHECK_FALSE(failure(phase, Side::local).proxy_failed());
  }
  for (const DialPhase phase : {DialPhase::lookup, DialPhase::authentication, DialPhase::request}) {
    CHECK_FALSE(failure(phase, Side::upstream).proxy_failed());
  }
}

TEST_CASE("a proxy may be starting if it has failed by what passes by itself") {
  DialFailure why = failure(DialPhase::connect, Side::upstream);
  CHECK_FALSE(why.proxy_may_be_starting());
  why.missing = Missing::name;
  CHECK(why.proxy_may_be_starting());
  why.phase = DialPhase::request;
  CHECK_FALSE(why.proxy_may_be_starting());
  why.phase = DialPhase::connect;
  why.cause.side = Side::target;
  CHECK_FALSE(why.proxy_may_be_starting());
}

TEST_CASE("what a failure proves depends on what the proxy has sent") {
  const auto proof = [](DialFailure why, Replied replied) {
    return proof_of(UpstreamResult(std::move(why)), replied, false);
  };
  CHECK(proof(failure(DialPhase::connect, Side::upstream), Replied::nothing) == Proof::fails);
  CHECK(proof(failure(DialPhase::request, Side::target), Replied::to_request) == Proof::works);
  CHECK(proof(failure(DialPhase::request, Side::target), Replied::to_greeting) == Proof::works);
  CHECK(proof(failure(DialPhase::lookup, Side::local), Replied::nothing) == Proof::none);
  const auto silence = failure(DialPhase::request, Side::upstream, Errc::connection_timeout);
  CHECK(proof(silence, Replied::nothing) == Proof::silent);
  CHECK(proof(silence, Replied::to_greeting) == Proof::silent);
  CHECK(proof(silence, Replied::to_request) == Proof::none);
}

TEST_CASE("a connection to a proxy that was silent proves nothing until it replies") {
  const auto proof = [](Replied replied, bool was_silent) {
    return proof_of(UpstreamResult(std::unique_ptr<Stream>()), replied, was_silent);
  };
  CHECK(proof(Replied::nothing, false) == Proof::works);
  CHECK(proof(Replied::nothing, true) == Proof::none);
  CHECK(proof(Replied::to_greeting, true) == Proof::none);
  CHECK(proof(Replied::to_request, true) == Proof::works);
}
