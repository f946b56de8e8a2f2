#include "setup/earlier_file.h"

#include "setup/own_text.h"
#include "setup/targets.h"
#include "temporary_root.h"

namespace culvert {
namespace {

struct Row {
  std::string target;
  std::string path;
  std::string comment;
};

/// What earlier versions wrote.
const std::vector<Row> kRows = {
    {"apt", "/etc/apt/apt.conf.d/95culvert", "//"},
    {"podman", "/etc/containers/containers.conf.d/culvert.conf", "#"},
    {"shell", "/etc/profile.d/culvert.sh", "#"},
    {"shell", "/etc/fish/conf.d/culvert.fish", "#"},
    {"docker", "/etc/systemd/system/docker.service.d/culvert-proxy.conf", "#"},
};

std::vector<const FileEdit*> edits_of(const Plan& plan, const std::string& path) {
  std::vector<const FileEdit*> found;
  for (const FileEdit& edit : plan.files) {
    if (edit.path == path) found.push_back(&edit);
  }
  return found;
}

TEST_CASE("an earlier version's file goes, whichever way its target is carried out") {
  for (const auto& [target, path, comment] : kRows) {
    INFO(path);
    const TemporaryRoot root;
    const auto plan = [&, target = target] {
      return find_setup_target(target)->plan(root.facts());
    };
    CHECK(edits_of(plan(), path).empty());
    const FileEdit old = own_file(root.facts(), target, path, "[engine]\nenv=[\"A=b\"]\n", comment);
    root.write(path, *old.with);
    const Plan with_old = plan();
    REQUIRE(edits_of(with_old, path).size() == 1);
    const FileEdit& edit = *edits_of(with_old, path).front();
    CHECK_FALSE(edit.with);
    CHECK_FALSE(edit.without);
    CHECK(edit.our_folders > 0);
    CHECK_FALSE(with_old.files.front().repeats_others);
    root.write(path, *old.with + "#\n");
    const Plan with_changed = plan();
    REQUIRE(edits_of(with_changed, path).size() == 1);
    CHECK(edits_of(with_changed, path).front()->cannot_install.empty());
    CHECK_FALSE(edits_of(with_changed, path).front()->cannot_uninstall.empty());
    root.write(path, "somebody else's\n");
    CHECK(edits_of(plan(), path).empty());
  }
}

}  // namespace
}  // namespace culvert
