#include "check/registry_challenge.h"

#include "support/catch.h"

using namespace culvert;

using Kind = RegistryChallenge::Kind;

TEST_CASE("a registry's challenge names its token service") {
  const auto hub = registry_challenge(
      {R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io")"});
  CHECK(hub.kind == Kind::bearer);
  CHECK(hub.realm == "https://auth.docker.io/token");
  CHECK(hub.service == "registry.docker.io");

  const auto bare = registry_challenge({"bearer Realm=https://a/token , scope=\"x,y\""});
  CHECK(bare.kind == Kind::bearer);
  CHECK(bare.realm == "https://a/token");
  CHECK(bare.service.empty());
  CHECK(registry_challenge({R"(Bearer realm="a\"b,c")"}).realm == "a\"b,c");
}

TEST_CASE("of several challenges the token service is taken, else Basic") {
  CHECK(registry_challenge({R"(Basic realm="x", Bearer realm="https://a",service="s")"}).realm ==
        "https://a");
  CHECK(registry_challenge({R"(Bearer realm="https://a")", R"(Basic realm="x")"}).realm ==
        "https://a");
  CHECK(registry_challenge({"Negotiate, Basic realm=\"x\""}).kind == Kind::basic);
  CHECK(registry_challenge({"Basic"}).kind == Kind::basic);
}

TEST_CASE("a challenge without a realm, or of another scheme, is none") {
  CHECK(registry_challenge({}).kind == Kind::none);
  CHECK(registry_challenge({""}).kind == Kind::none);
  CHECK(registry_challenge({"Bearer"}).kind == Kind::none);
  CHECK(registry_challenge({"Bearer error=\"x\", service=\"s\""}).kind == Kind::none);
  CHECK(registry_challenge({"NTLM"}).kind == Kind::none);
  CHECK(registry_challenge({"Digest realm=\"x\", nonce=\"y\""}).kind == Kind::none);
  CHECK(registry_challenge({",,=,\"", "\"Bearer realm=x"}).kind == Kind::none);
}
