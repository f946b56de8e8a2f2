#include "setup/rivals.h"

#include "setup/targets.h"
#include "temporary_root.h"

namespace culvert {
namespace {

std::vector<std::string> rivals_of(const TemporaryRoot& root, std::string_view target) {
  return find_setup_target(target)->plan(root.facts()).rivals;
}

void install(const TemporaryRoot& root, std::string_view target, const std::string& more) {
  const Plan plan = find_setup_target(target)->plan(root.facts());
  root.write(plan.files.front().path, plan.files.front().with.value() + more);
}

TEST_CASE("what stands behind our lines in the same file wins, and is told") {
  struct Row {
    std::string target;
    std::string more;
  };
  for (const auto& [target, more] : std::vector<Row>{
           {"git", "[http]\n\tproxy = http://x:1\n"},
           {"npm", "https-proxy=http://x:1\n"},
           {"k3s", "CONTAINERD_HTTPS_PROXY=http://x:1\n"},
       }) {
    INFO(target);
    const TemporaryRoot root;
    CHECK(rivals_of(root, target).empty());
    install(root, target, "");
    CHECK(rivals_of(root, target).empty());
    install(root, target, more);
    REQUIRE(rivals_of(root, target).size() == 1);
    CHECK(rivals_of(root, target).front().find("behind our lines") != std::string::npos);
  }
}

TEST_CASE("a later file of apt that is about http:// alone wins, and is told") {
  const TemporaryRoot root;
  install(root, "apt", "");
  CHECK(rivals_of(root, "apt").empty());
  const std::string later = "/etc/apt/apt.conf.d/zzz";
  for (const char* text :
       {"Acquire::http::Proxy \"http://x:1\";", "Acquire::http::Proxy \"DIRECT\";",
        "#clear Acquire::http;", "#clear Acquire;"}) {
    INFO(text);
    root.write(later, text);
    REQUIRE(rivals_of(root, "apt").size() == 1);
    CHECK(rivals_of(root, "apt").front().starts_with(later + " is read later"));
  }
}

TEST_CASE("what is for k3s' containerd alone counts more than what is for all of k3s") {
  const TemporaryRoot root;
  install(root, "k3s", "HTTPS_PROXY=http://x:1\n");
  CHECK(rivals_of(root, "k3s").empty());
}

}  // namespace
}  // namespace culvert
