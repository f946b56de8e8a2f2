#include "check/manifest.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

using Kind = ManifestNext::Kind;

namespace {

ManifestNext next_of(const std::string& json) {
  return read_manifest(Json::parse(json).value(), "amd64");
}

}  // namespace

TEST_CASE("of a list the image for this machine is taken, or else the first") {
  const auto list = next_of(R"({"manifests":[
      {"digest":"sha256:aa","platform":{"os":"linux","architecture":"arm64"}},
      {"digest":"sha256:bb","platform":{"os":"linux","architecture":"amd64"}},
      {"digest":"sha256:cc","platform":{"os":"linux","architecture":"amd64","variant":"v3"}}]})");
  CHECK(list.kind == Kind::image);
  CHECK(list.digest == "sha256:bb");
  CHECK(list.what == "list of 3, linux/amd64");
  const auto other = next_of(R"({"manifests":[{"digest":"sha256:aa"},{"digest":"sha256:bb"}]})");
  CHECK(other.digest == "sha256:aa");
  CHECK(other.what == "list of 2");
  CHECK(next_of(R"({"manifests":[]})").kind == Kind::none);
}

TEST_CASE("of an image a layer that its registry has is taken, or else its configuration") {
  const auto image = next_of(R"({"config":{"digest":"sha256:cf"},"layers":[
      {"digest":"sha256:aa","size":1234567,"urls":["https://elsewhere/"]},
      {"digest":"sha256:bb","size":44000000}]})");
  CHECK(image.kind == Kind::blob);
  CHECK(image.digest == "sha256:bb");
  CHECK(image.what == "2 layers, 45.2 MB");
  CHECK(next_of(R"({"config":{"digest":"sha256:cf"},"layers":[]})").digest == "sha256:cf");
  const auto old = next_of(R"({"schemaVersion":1,"fsLayers":[{"blobSum":"sha256:aa"}]})");
  CHECK(old.digest == "sha256:aa");
  CHECK(old.what.find("schema 1") != std::string::npos);
}

TEST_CASE("what is no manifest leads nowhere, and no digest into another path") {
  CHECK(next_of("{}").kind == Kind::none);
  CHECK(next_of("[]").kind == Kind::none);
  CHECK(next_of("3").kind == Kind::none);
  CHECK(next_of(R"({"layers":[{"digest":"../../x?y"}]})").kind == Kind::none);
  CHECK(next_of(R"({"layers":[{"digest":7,"size":-5}]})").kind == Kind::none);
  CHECK(next_of(R"({"manifests":[{"digest":"a b"}]})").kind == Kind::none);
}

TEST_CASE("a registry's own words about a failure are shown cleaned") {
  CHECK(
      registry_error(R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})") ==
      "MANIFEST_UNKNOWN: manifest unknown");
  CHECK(registry_error(R"({"details":"incorrect username or password"})") ==
        "incorrect username or password");
  CHECK(registry_error(R"({"errors":[{"code":"A\nB"}]})") == "A?B");
  CHECK(registry_error("<html>") == "");
  CHECK(registry_error("{}") == "");
  CHECK(registry_error(R"({"errors":[{"message":")" + std::string(500, 'x') + "\"}]}").size() <=
        130);
}
