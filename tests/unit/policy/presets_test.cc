#include "policy/presets.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "policy/target_pattern.h"
#include "support/catch.h"

using namespace culvert;

namespace {

bool names(std::string_view preset, std::string_view host) {
  std::vector<std::string> problems;
  const auto patterns = parse_target_patterns("preset:" + std::string(preset), problems);
  REQUIRE(problems.empty());
  const HostPort target = HostPort::parse(host).value();
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const TargetPattern& one) { return one.names(target); });
}

}  // namespace

TEST_CASE("the hosts of each preset") {
  struct Row {
    const char* preset;
    std::vector<const char*> hosts;
  };
  const Row rows[] = {
      {"gcr", {"gcr.io", "eu.gcr.io", "us-docker.pkg.dev", "storage.googleapis.com"}},
      {"k8s",
       {"registry.k8s.io", "cdn.registry.k8s.io", "d39mqg4b1dx9z1.cloudfront.net",
        "us-west1-docker.pkg.dev", "prod-registry-k8s-io-eu-west-1.s3.amazonaws.com"}},
      {"dockerhub",
       {"registry-1.docker.io", "auth.docker.io", "dhi.io", "registry.scout.docker.com",
        "production.cloudflare.docker.com"}},
      {"ghcr", {"ghcr.io", "pkg-containers.githubusercontent.com"}},
      {"quay", {"quay.io", "cdn.quay.io", "cdn03.quay.io"}},
      {"mcr", {"mcr.microsoft.com", "westeurope.data.mcr.microsoft.com"}},
      {"ecr", {"public.ecr.aws", "d2glxqk2uabbnd.cloudfront.net"}},
      {"nvidia", {"nvcr.io", "layers.nvcr.io", "authn.nvidia.com"}},
      {"redhat",
       {"registry.redhat.io", "registry.access.redhat.com", "sso.redhat.com", "cdn.quay.io",
        "cdn01.quay.io", "cdn06.quay.io"}},
  };
  CHECK(std::size(rows) + 1 == presets().size());
  for (const Row& row : rows) {
    for (const std::string host : row.hosts) {
      CAPTURE(row.preset, host);
      CHECK(names(row.preset, host + ":443"));
      CHECK(names("containers", host + ":443"));
      CHECK_FALSE(names("containers", host + ":80"));
    }
  }
  CHECK_FALSE(names("redhat", "quay.io:443"));
  CHECK_FALSE(names("containers", "example.com:443"));
}

TEST_CASE("a preset is dated, and begins with its registries") {
  for (const Preset& preset : presets()) {
    CAPTURE(preset.name);
    CHECK(preset.checked.size() == std::string_view("2026-11-28").size());
    CHECK(preset.checked >= "2026-11-28");
    REQUIRE(preset.registry_count >= 1);
    REQUIRE(preset.registry_count <= preset.patterns.size());
    CHECK(preset.registries().size() == preset.registry_count);
  }
}

TEST_CASE("the preset for all has each pattern once") {
  const Preset& all = presets().back();
  CHECK(all.name == "containers");
  std::set<std::string_view> expected, registries;
  for (const Preset& preset : presets().first(presets().size() - 1)) {
    expected.insert(preset.patterns.begin(), preset.patterns.end());
    registries.insert(preset.registries().begin(), preset.registries().end());
  }
  CHECK(all.patterns.size() == expected.size());
  CHECK(std::set(all.patterns.begin(), all.patterns.end()) == expected);
  CHECK(std::set(all.registries().begin(), all.registries().end()) == registries);
}

TEST_CASE("presets by name") {
  CHECK(find_preset("quay")->name == "quay");
  CHECK(find_preset("Quay") == nullptr);
  CHECK(find_preset("") == nullptr);
  CHECK(preset_name("preset:gcr") == "gcr");
  CHECK(preset_name("Preset:GCR") == "GCR");
  CHECK(preset_name("preset:") == "");
  CHECK(preset_name("preset") == std::nullopt);
  CHECK(preset_name("gcr.io:443") == std::nullopt);
}
