#include "setup/earlier_file.h"

#include <utility>

#include "setup/own_text.h"

namespace culvert {

std::optional<FileEdit> earlier_file(const SetupFacts& facts, std::string_view target,
                                     std::string path, std::string_view comment) {
  FileEdit edit = own_file(facts, target, std::move(path), "", comment);
  if (!edit.is_our_file()) return std::nullopt;
  edit.with = edit.without;
  // One that was changed by hand is no obstacle to the new one, which counts more.
  edit.cannot_install.clear();
  edit.aside = edit.without.has_value();
  return edit;
}

void add_in_place_of(const SetupFacts& facts, std::string earlier, std::string path,
                     std::string_view body, Plan& plan, std::string_view comment) {
  auto old = earlier_file(facts, plan.target, std::move(earlier), comment);
  plan.files.push_back(
      own_file(facts, plan.target, std::move(path), body, comment, old ? &*old : nullptr));
  if (old) plan.files.push_back(*std::move(old));
}

void add_removal(FileEdit edit, Plan& plan) {
  if (!edit.is_installed()) return;
  edit.with = edit.without;
  edit.cannot_install.clear();
  edit.aside = edit.aside || edit.with == edit.before;
  plan.files.push_back(std::move(edit));
}

}  // namespace culvert
