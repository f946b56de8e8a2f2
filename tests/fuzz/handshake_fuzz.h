// The rules that every handshake keeps, whatever the upstream sends.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "codec/handshake.h"
#include "fuzz/fuzz.h"

namespace culvert::test {

/// Feeds `answer` to `handshake`; the bytes that belong to the tunnel, or where it failed.
inline void fuzz_handshake(Handshake& handshake, std::string_view answer, unsigned seed) {
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
      FUZZ_CHECK(is_clean(used.error().text));
      const bool told_us = answer.find("s3cret") != std::string_view::npos;
      FUZZ_CHECK(told_us || used.error().text.find("s3cret") == std::string::npos);
      return;
    }
    FUZZ_CHECK(*used <= piece.size());
    FUZZ_CHECK(*used == piece.size() || handshake.done());
    taken += *used;
    rest += piece.substr(*used);
    handshake.take_output();
    FUZZ_CHECK(handshake.take_output().empty());
    FUZZ_CHECK(handshake.phase() >= DialPhase::greeting);
  }
  FUZZ_CHECK(is_clean(handshake.eof().text));
  FUZZ_CHECK(taken + rest.size() == answer.size());
  FUZZ_CHECK(answer.ends_with(rest));
}

}  // namespace culvert::test
