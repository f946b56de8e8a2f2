// Input as a socket may hand it over: whole, byte by byte, and cut at random.
#pragma once

#include <cstddef>
#include <random>
#include <string_view>
#include <vector>

namespace culvert::test {

using Pieces = std::vector<std::string_view>;

/// `bytes` in pieces of random lengths, the same ones for the same `seed`.
inline Pieces cut_at_random(std::string_view bytes, unsigned seed) {
  std::mt19937 random(seed);
  Pieces pieces;
  while (!bytes.empty()) {
    const std::size_t length = 1 + random() % bytes.size();
    pieces.push_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return pieces;
}

/// The cuttings that every parser is tested with: whole, byte by byte, a dozen at random.
inline std::vector<Pieces> cuttings(std::string_view bytes) {
  std::vector<Pieces> all;
  all.push_back({bytes});
  Pieces single;
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  all.push_back(single);
  for (unsigned seed = 1; seed <= 12; ++seed) all.push_back(cut_at_random(bytes, seed));
  return all;
}

}  // namespace culvert::test
