#include "check/manifest.h"

#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

using Kind = ManifestNext::Kind;

namespace {

ManifestNext next_of(const std::string& json) {
  return read_manifest(Json::parse(json).value(), "amd64");
}

}  // namespace

TEST_CASE("of a list the image for this machine is taken") {
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

TEST_CASE("a list is read as docker reads it") {
  const auto list = [](const std::string& platforms) {
    std::string text;
    for (std::size_t at = 0; at < platforms.size();) {
      const std::size_t end = std::min(platforms.find(' ', at), platforms.size());
      std::string part = platforms.substr(at, end - at);
      const std::size_t first = part.find('/'), second = part.find('/', first + 1);
      const std::string variant = second == part.npos ? "" : part.substr(second + 1);
      if (!text.empty()) text += ",";
      text += R"({"digest":"sha256:)" + std::to_string(at) + R"(","platform":{"os":")" +
              part.substr(0, first) + R"(","architecture":")" +
              part.substr(first + 1, second - first - 1) + R"(","variant":")" + variant + "\"}}";
      at = end + 1;
    }
    return Json::parse(R"({"manifests":[)" + text + "]}").value();
  };
  const auto chosen = [&](const std::string& platforms, std::string_view architecture) {
    const ManifestNext next = read_manifest(list(platforms), architecture);
    return next.kind == Kind::unfit ? "none" : next.what.substr(next.what.find(", ") + 2);
  };
  CHECK(chosen("linux/386 linux/amd64", "amd64") == "linux/amd64");
  CHECK(chosen("linux/386 windows/amd64", "amd64") == "linux/386");
  CHECK(chosen("linux/amd64/v3 windows/amd64", "amd64") == "none");
  CHECK(chosen("linux/amd64/v3 linux/x86_64", "amd64") == "linux/amd64");
  CHECK(chosen("linux/arm/v7 linux/arm64/v8", "arm64") == "linux/arm64/v8");
  CHECK(chosen("linux/arm/v7 linux/amd64", "arm64") == "linux/arm/v7");
  CHECK(chosen("linux/arm64", "arm") == "none");
  CHECK(chosen("unknown/unknown", "amd64") == "none");
  const ManifestNext unfit =
      read_manifest(list("linux/s390x unknown/unknown linux/arm/v7 linux/s390x"), "amd64");
  CHECK(unfit.platforms == std::vector<std::string>{"linux/s390x", "linux/arm/v7"});
}

TEST_CASE("of an image a layer that its registry has is taken, or else its configuration") {
  const auto image = next_of(R"({"config":{"digest":"sha256:cf"},"layers":[
      {"digest":"sha256:aa","size":1234567,"urls":["https://elsewhere/"]},
      {"digest":"sha256:bb","size":44000000}]})");
  CHECK(image.kind == Kind::blob);
  CHECK(image.digest == "sha256:bb");
  CHECK(image.what == "2 layers, 45.2 MB");
  CHECK(image.size == 44000000);
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
  CHECK(registry_error(R"({"errors":[{"code":"A\nB"}]})") == "A B");
  CHECK(registry_error(R"({"errors":[{"code":" ","message":" a \n b "}]})") == "a b");
  CHECK(registry_error("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access "
                       "Denied</Message></Error>") == "AccessDenied: Access Denied");
  CHECK(registry_error("<Error><Code>AccessDenied") == "AccessDenied");
  CHECK(registry_error("<html>") == "");
  CHECK(registry_error("{}") == "");
  CHECK(registry_error(R"({"errors":[{"message":")" + std::string(500, 'x') + "\"}]}").size() <=
        130);
}
