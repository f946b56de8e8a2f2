#include "setup/program_targets.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "setup/apt_conf.h"
#include "setup/bridge.h"
#include "setup/containers_conf.h"
#include "setup/direct_hosts.h"
#include "setup/earlier_file.h"
#include "setup/npm_config.h"
#include "setup/own_text.h"
#include "setup/proxy_readers.h"
#include "setup/quote.h"
#include "setup/replace_file.h"
#include "setup/rivals.h"
#include "setup/root.h"
#include "setup/variables.h"

namespace culvert {
namespace {

constexpr std::string_view kStray =
    "proxy=, https-proxy= and noproxy= are left, as `npm config` has taken the marks of culvert "
    "setup "
    "away, if they are its: give the --listen and --no-proxy that they were written with, or take "
    "them "
    "out";

constexpr std::string_view kInContainers =
    "containers get these variables from podman as well, and 127.0.0.1 is not this machine there: "
    "podman run --http-proxy=false, or culvert setup podman --bridge";

Plan plan_of(std::string_view target, FileEdit edit) {
  Plan plan;
  plan.target = target;
  plan.files.push_back(std::move(edit));
  return plan;
}

FileEdit in_home(FileEdit edit) {
  edit.in_home = true;
  return edit;
}

/// apt knows hosts only: neither suffixes, networks nor ports.
bool is_apt_host(std::string_view host) {
  return !host.empty() && host.find_first_of("/*\"{};:#%\\ \t") == std::string_view::npos &&
         !host.starts_with('.');
}

/// The files that the program reads before the one that `edit` writes.
std::vector<ConfigFile> files_before(const SetupFacts& facts, std::string_view target,
                                     const FileEdit& edit) {
  std::string unreadable;
  auto files = config_files(facts, *find_proxy_reader(target), &edit, unreadable);
  const auto ours = std::find_if(files.begin(), files.end(),
                                 [&](const ConfigFile& file) { return file.path == edit.path; });
  files.erase(ours, files.end());
  return files;
}

/// The file that a login shell of the user reads.
std::string login_file(const SetupFacts& facts) {
  for (const std::string_view name : {"/.bash_profile", "/.bash_login"}) {
    std::string path = facts.user.home + std::string(name);
    if (exists(facts.root, path)) return path;
  }
  return facts.user.home + "/.profile";
}

/// Shells that do not read what sh reads at login.
void add_other_shells(const SetupFacts& facts, const std::string& lines, Plan& plan) {
  const bool all = facts.for_all_users;
  const std::string fish =
      (all ? "/etc" : facts.user.config_home()) + "/fish/conf.d/zz-culvert.fish";
  const std::string zsh = !all                             ? facts.user.home + "/.zprofile"
                          : exists(facts.root, "/etc/zsh") ? "/etc/zsh/zprofile"
                                                           : "/etc/zprofile";
  Plan others;
  others.target = plan.target;
  const auto add = [&](std::string_view program) {
    // One that is gone may have left our lines behind.
    const auto is_ours = [](const FileEdit& edit) {
      return edit.without != edit.before || edit.aside;
    };
    const bool wanted = !find_program(facts.root, program).empty() ||
                        std::any_of(others.files.begin(), others.files.end(), is_ours);
    for (FileEdit& edit : others.files) {
      edit.in_home = !all;
      if (wanted) plan.files.push_back(std::move(edit));
    }
    others.files.clear();
  };
  add_in_place_of(facts, "/etc/fish/conf.d/culvert.fish", fish, lines, others);
  add("fish");
  others.files.push_back(own_block(facts, "shell", zsh, lines));
  add("zsh");
}

/// The others' entries stay: of several lists the last counts, and podman before 5.0 cannot append.
std::string engine_table(const SetupFacts& facts, const std::vector<std::string>& others) {
  std::string body = "[engine]\nenv = [\n";
  const auto add = [&](std::string_view entry) {
    body.append("  ").append(quote_toml(entry)).append(",\n");
  };
  for (const std::string& entry : others) add(entry);
  // podman hands them on to containers.
  add("HTTP_PROXY=" + url_for_containers(facts));
  add("HTTPS_PROXY=" + url_for_containers(facts));
  add("NO_PROXY=" + no_proxy_for(facts, Neighbours::host));
  return body + "]\n";
}

bool all_may_read(const SetupFacts& facts, const std::vector<ConfigFile>& files) {
  return std::all_of(files.begin(), files.end(), [&](const ConfigFile& file) {
    const auto owner = owner_of(below_root(facts.root, file.path));
    return owner && (owner->mode & S_IROTH) != 0;
  });
}

/// A user's own list takes the place of the one for all.
void note_own_list(const SetupFacts& facts, Plan& plan) {
  SetupFacts user = facts;
  user.for_all_users = false;
  const FileEdit& edit = plan.files.front();
  const auto configured = configured_proxy(user, *find_proxy_reader("podman"), &edit);
  if (configured.path == edit.path) return;
  plan.notes.push_back(configured.path +
                       " has a list `env` of its own, which takes the place of this one for podman "
                       "without root: run culvert setup podman as that user");
}

/// A command that apt would ask, and whose answer would win over ours, is taken out.
std::string without_auto_detect(const SetupFacts& facts, const std::string& path, Plan& plan) {
  FileEdit place;
  place.path = path;
  place.with = "";
  AptOptions options;
  for (const ConfigFile& file : files_before(facts, "apt", place)) read_apt_file(file, options);
  std::string lines;
  while (const auto detect = apt_auto_detect(options)) {
    const auto& [name, option] = *detect;
    lines.append("#clear ").append(name).append(";\n");
    plan.notes.push_back(concat({option.path, ": ", name, " would win, and is switched off"}));
    options.erase(to_lower(name));
  }
  return lines;
}

/// Our settings without our marks, which npm has written anew.
std::optional<std::string> without_stray_settings(const FileEdit& edit, std::string_view body) {
  if (!edit.before) return std::nullopt;
  const auto ours = read_npm_settings(body);
  const auto all = read_npm_settings(*edit.before);
  const bool has_all = std::all_of(ours.begin(), ours.end(), [&](const auto& setting) {
    const auto found = all.find(setting.first);
    return found != all.end() && npm_wrote(found->second, setting.second);
  });
  if (!has_all) return edit.before;
  std::string rest = without_npm_settings(*edit.before, ours);
  if (trim_space(rest).empty()) return std::nullopt;
  return rest;
}

/// All three, as we write them, but not with what we would write now.
bool has_stray_settings(std::string_view text, const std::string& no_proxy) {
  const auto all = read_npm_settings(text);
  const auto proxy = all.find("proxy");
  const auto https = all.find("https-proxy");
  const auto direct = all.find("noproxy");
  if (proxy == all.end() || https == all.end() || direct == all.end()) return false;
  return proxy->second == https->second &&
         (is_loopback_url(proxy->second) || direct->second == no_proxy);
}

}  // namespace

Plan plan_podman(const SetupFacts& facts) {
  const std::string top = facts.for_all_users ? "/etc" : facts.user.config_home();
  const std::string path = top + "/containers/containers.conf.d/zz-culvert.conf";
  FileEdit place;
  place.path = path;
  place.with = "";
  const std::string earlier = top + "/containers/containers.conf.d/culvert.conf";
  auto before = files_before(facts, "podman", place);
  if (earlier_file(facts, "podman", earlier)) {
    std::erase_if(before, [&](const ConfigFile& file) { return file.path == earlier; });
  }
  const auto others = other_engine_env(before);
  Plan plan;
  plan.target = "podman";
  add_in_place_of(facts, earlier, path, engine_table(facts, others), plan);
  for (FileEdit& edit : plan.files) edit.in_home = !facts.for_all_users;
  FileEdit& edit = plan.files.front();
  edit.repeats_others = !others.empty();
  if (edit.repeats_others && !all_may_read(facts, before)) edit.mode = 0600;
  if (!others.empty()) {
    add_note(plan,
             "of several lists `env` podman takes the last, so this one repeats what the others "
             "have: run this again when you change them");
  }
  if (facts.bridge.empty()) {
    add_note(plan, kInContainers);
  } else {
    note_containers(facts, plan);
  }
  note_rivals(facts, plan);
  if (facts.for_all_users) note_own_list(facts, plan);
  note_direct_hosts(facts, Neighbours::host, plan);
  return plan;
}

Plan plan_apt(const SetupFacts& facts) {
  // Files are read by their names, and the last one counts.
  const std::string path = "/etc/apt/apt.conf.d/zz-culvert";
  Plan plan;
  plan.target = "apt";
  std::string body = without_auto_detect(facts, path, plan);
  for (const std::string_view scheme : {"http", "https"}) {
    body.append("Acquire::").append(scheme).append("::Proxy \"").append(facts.proxy_url);
    body += "\";\n";
  }
  std::string left_out;
  const std::string no_proxy = no_proxy_for(facts, Neighbours::host);
  for (const std::string_view host : split(no_proxy, ',')) {
    if (!is_apt_host(host)) {
      if (!host.empty() && host != "::1") left_out.append(" ").append(host);
      continue;
    }
    for (const std::string_view scheme : {"http", "https"}) {
      body.append("Acquire::").append(scheme).append("::Proxy::").append(host) += " \"DIRECT\";\n";
    }
  }
  add_in_place_of(facts, "/etc/apt/apt.conf.d/95culvert", path, body, plan, "//");
  if (!left_out.empty()) {
    plan.notes.push_back("apt can leave out single hosts only, so not" + left_out);
  }
  note_rivals(facts, plan);
  return plan;
}

Plan plan_git(const SetupFacts& facts) {
  const std::string body = "[http]\n\tproxy = " + quote_git(facts.proxy_url) + "\n";
  const std::string& home = facts.user.home;
  const bool plain = exists(facts.root, home + "/.gitconfig");
  const std::string path = facts.for_all_users ? "/etc/gitconfig"
                           : plain             ? home + "/.gitconfig"
                                               : facts.user.config_home() + "/git/config";
  // `git config http.NAME VALUE` puts its line into the last [http], which is ours.
  BlockRules rules;
  rules.keeps_added = true;
  FileEdit edit = own_block(facts, "git", path, body, "#", rules);
  edit.in_home = !facts.for_all_users;
  Plan plan = plan_of("git", std::move(edit));
  add_note(
      plan,
      "for https:// and http://; git takes hosts to leave out from the variable NO_PROXY only, and "
      "git@HOST: goes by ssh");
  note_rivals(facts, plan);
  return plan;
}

Plan plan_npm(const SetupFacts& facts) {
  const std::map<std::string, std::string> settings = {
      {"proxy", facts.proxy_url},
      {"https-proxy", facts.proxy_url},
      {"noproxy", no_proxy_for(facts, Neighbours::host)}};
  std::string body;
  for (const char* const name : {"proxy", "https-proxy", "noproxy"}) {
    body.append(name).append("=").append(quote_npm(settings.at(name))).append("\n");
  }
  const std::string path = facts.user.home + "/.npmrc";
  const std::string before = find_file(facts.root, path).content.value_or("");
  // npm finds nothing behind a [section].
  BlockRules rules;
  rules.place = end_of_npm_settings(before);
  FileEdit edit = in_home(own_block(facts, "npm", path, body, "#", rules));
  // `npm config set` writes the file anew, without comments, and so without our marks.
  if (edit.without == edit.before) edit.without = without_stray_settings(edit, body);
  if (edit.without == edit.before && edit.cannot_uninstall.empty() &&
      has_stray_settings(before, settings.at("noproxy"))) {
    edit.cannot_uninstall = kStray;
  }
  // npm keeps its tokens there.
  edit.mode = 0600;
  Plan plan = plan_of("npm", std::move(edit));
  note_direct_hosts(facts, Neighbours::host, plan);
  note_rivals(facts, plan);
  return plan;
}

Plan plan_shell(const SetupFacts& facts) {
  const std::string lines = export_lines(facts);
  Plan plan;
  plan.target = "shell";
  if (facts.for_all_users) {
    add_in_place_of(facts, "/etc/profile.d/culvert.sh", "/etc/profile.d/zz-culvert.sh", lines,
                    plan);
  } else {
    plan.files.push_back(in_home(own_block(facts, "shell", login_file(facts), lines)));
  }
  add_other_shells(facts, lines, plan);
  add_note(plan, "login shells read it, and all of fish");
  if (!find_program(facts.root, "csh").empty() || !find_program(facts.root, "tcsh").empty()) {
    add_note(plan, "csh and tcsh do not understand these lines: setenv NAME VALUE for each");
  }
  add_note(plan, "for this shell alone: eval \"$(culvert setup shell)\"");
  plan.to_eval = lines;
  note_direct_hosts(facts, Neighbours::host, plan);
  note_rivals(facts, plan);
  return plan;
}

}  // namespace culvert
