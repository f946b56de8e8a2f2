// The rules that every handshake keeps, whatever the upstream sends.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "codec/handshake.h"
#include "fuzz/fuzz.h"

namespace culvert::test {

/// A failure's clause is clean, and repeats nothing of alice's s3cret, even if the upstream does.
inline void check_clause(std::string_view clause, bool credentials_are_ours) {
  FUZZ_CHECK(is_clean(clause));
  if (!credentials_are_ours) return;
  FUZZ_CHECK(clause.find("s3cret") == std::string_view::npos);
  FUZZ_CHECK(clause.find("YWxpY2U6czNjcmV0") == std::string_view::npos);
}

/// Feeds `answer` to `handshake`; the bytes that belong to the tunnel, or where it failed.
inline void fuzz_handshake(Handshake& handshake, std::string_view answer, unsigned seed,
                           bool credentials_are_ours) {
  FUZZ_CHECK(!handshake.take_output().empty());
  std::string rest;
  std::size_t taken = 0;
  for (const std::string_view piece : cut_at_random(answer, seed)) {
    if (handshake.done()) {
      rest += piece;
      continue;
    }
    const auto used = handshake.consume(piece);
    if (!used) {
      return check_clause(used.error().text, credentials_are_ours);
    }
    FUZZ_CHECK(*used <= piece.size());
    FUZZ_CHECK(*used == piece.size() || handshake.done());
    taken += *used;
    rest += piece.substr(*used);
    handshake.take_output();
    FUZZ_CHECK(handshake.take_output().empty());
    FUZZ_CHECK(handshake.phase() >= DialPhase::greeting);
  }
  check_clause(handshake.eof().text, credentials_are_ours);
  FUZZ_CHECK(taken + rest.size() == answer.size());
  FUZZ_CHECK(answer.ends_with(rest));
}

}  // namespace culvert::test
