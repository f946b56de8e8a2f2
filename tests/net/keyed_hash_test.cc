#include "net/keyed_hash.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a keyed hash depends on its key and on each part") {
  const KeyedHash hash;
  CHECK(hash.of({"alice", "secret"}) == hash.of({"alice", "secret"}));
  CHECK(hash.of({"alice", "secret"}) != hash.of({"alic", "esecret"}));
  CHECK(hash.of({"alice", "secret"}) != hash.of({"alice", "secret", ""}));
  CHECK(hash.of({"alice", "secret"}) != hash.of({"alice", "secres"}));
  CHECK(hash.of({"alice", "secret"}) != KeyedHash().of({"alice", "secret"}));
}
