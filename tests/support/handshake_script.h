// A handshake as a dialogue: the upstream's replies, and the outcome.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/handshake.h"
#include "support/catch.h"
#include "support/cuts.h"

namespace culvert::test {

struct Outcome {
  std::vector<std::string> sent;  ///< each message, in order
  std::string rest;               ///< bytes that the handshake left to the tunnel
  bool done = false;
  std::optional<Error> error;
  std::string phase;            ///< at the end
  std::optional<Error> at_eof;  ///< what EOF would mean now; only if neither done nor failed
};

/// Gives each of `replies` in the pieces that `cut` makes of it, after taking what is to be sent.
inline Outcome play(Handshake& handshake, const std::vector<std::string>& replies,
                    const std::function<Pieces(std::string_view)>& cut) {
  Outcome outcome;
  const auto take = [&] {
    if (std::string out = handshake.take_output(); !out.empty()) outcome.sent.push_back(out);
    CHECK(handshake.take_output().empty());
  };
  take();
  for (const std::string& reply : replies) {
    for (const std::string_view piece : cut(reply)) {
      if (handshake.done()) {
        outcome.rest += piece;
        continue;
      }
      const auto used = handshake.consume(piece);
      if (!used) {
        outcome.error = used.error();
        return outcome;
      }
      REQUIRE(*used <= piece.size());
      if (*used < piece.size()) REQUIRE(handshake.done());
      outcome.rest += piece.substr(*used);
    }
    take();
  }
  outcome.done = handshake.done();
  outcome.phase = to_string(handshake.phase());
  if (!outcome.done) outcome.at_eof = handshake.eof();
  return outcome;
}

/// Plays the dialogue in every cutting, checks that all outcomes are the same, and returns it.
inline Outcome play_all(const std::function<std::unique_ptr<Handshake>()>& make,
                        const std::vector<std::string>& replies) {
  const auto first = make();
  const Outcome whole = play(*first, replies, [](std::string_view all) { return Pieces{all}; });
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto handshake = make();
    const Outcome cut = play(*handshake, replies, [seed](std::string_view all) {
      if (seed > 0) return cut_at_random(all, seed);
      return cuttings(all)[1];  // byte by byte
    });
    CHECK(cut.sent == whole.sent);
    CHECK(cut.done == whole.done);
    CHECK(cut.rest == whole.rest);
    CHECK(cut.error.has_value() == whole.error.has_value());
    if (cut.error && whole.error) {
      CHECK(cut.error->code == whole.error->code);
      CHECK(cut.error->text == whole.error->text);
    }
    CHECK(cut.at_eof.has_value() == whole.at_eof.has_value());
    if (cut.at_eof && whole.at_eof) CHECK(cut.at_eof->text == whole.at_eof->text);
  }
  return whole;
}

}  // namespace culvert::test
