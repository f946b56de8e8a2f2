#include "setup/program_targets.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "setup/bridge.h"
#include "setup/own_text.h"
#include "setup/quote.h"
#include "setup/root.h"
#include "setup/variables.h"

namespace culvert {
namespace {

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
  return !host.empty() && host.find_first_of("/*\"{};:#\\ \t") == std::string_view::npos &&
         !host.starts_with('.');
}

/// The file that a login shell of the user reads.
std::string login_file(const SetupFacts& facts) {
  for (const std::string_view name : {"/.bash_profile", "/.bash_login"}) {
    std::string path = facts.user.home + std::string(name);
    if (exists(facts.root, path)) return path;
  }
  return facts.user.home + "/.profile";
}

}  // namespace

Plan plan_podman(const SetupFacts& facts) {
  const std::string no_proxy = no_proxy_for(facts, Neighbours::host);
  std::string body = "[engine]\nenv = [\n";
  const auto set = [&](std::string_view name, std::string_view value) {
    body.append("  ").append(quote_toml(std::string(name).append("=").append(value))).append(",\n");
  };
  // podman hands them on to containers.
  set("HTTP_PROXY", url_for_containers(facts));
  set("HTTPS_PROXY", url_for_containers(facts));
  set("NO_PROXY", no_proxy);
  body += "]\n";
  const std::string folder = "/containers/containers.conf.d/culvert.conf";
  Plan plan =
      facts.for_all_users
          ? plan_of("podman", own_file(facts, "podman", "/etc" + folder, body))
          : plan_of("podman", in_home(own_file(facts, "podman",
                                               facts.user.home + "/.config" + folder, body)));
  if (facts.bridge.empty()) {
    add_note(plan, kInContainers);
  } else {
    note_containers(facts, plan);
  }
  return plan;
}

Plan plan_apt(const SetupFacts& facts) {
  std::string body;
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
  Plan plan = plan_of("apt", own_file(facts, "apt", "/etc/apt/apt.conf.d/95culvert", body, "//"));
  if (!left_out.empty()) {
    plan.notes.push_back("apt can leave out single hosts only, so not" + left_out);
  }
  return plan;
}

Plan plan_git(const SetupFacts& facts) {
  const std::string body = "[http]\n\tproxy = " + quote_git(facts.proxy_url) + "\n";
  const std::string& home = facts.user.home;
  Plan plan;
  if (facts.for_all_users) {
    plan = plan_of("git", own_block(facts, "git", "/etc/gitconfig", body));
  } else {
    const bool plain = exists(facts.root, home + "/.gitconfig");
    plan = plan_of(
        "git", in_home(own_block(facts, "git",
                                 home + (plain ? "/.gitconfig" : "/.config/git/config"), body)));
  }
  add_note(
      plan,
      "for https:// and http://; git takes hosts to leave out from the variable NO_PROXY only, and "
      "git@HOST: goes by ssh");
  return plan;
}

Plan plan_npm(const SetupFacts& facts) {
  const std::string url = quote_npm(facts.proxy_url);
  const std::string body = "proxy=" + url + "\nhttps-proxy=" + url +
                           "\nnoproxy=" + quote_npm(no_proxy_for(facts, Neighbours::host)) + "\n";
  FileEdit edit = in_home(own_block(facts, "npm", facts.user.home + "/.npmrc", body));
  // npm keeps its tokens there.
  edit.mode = 0600;
  return plan_of("npm", std::move(edit));
}

Plan plan_shell(const SetupFacts& facts) {
  const std::string lines = export_lines(facts);
  Plan plan;
  if (facts.for_all_users) {
    plan = plan_of("shell", own_file(facts, "shell", "/etc/profile.d/culvert.sh", lines));
    if (!find_program(facts.root, "fish").empty()) {
      plan.files.push_back(own_file(facts, "shell", "/etc/fish/conf.d/culvert.fish", lines));
    }
    add_note(plan,
             "login shells read it, and all of fish; zsh: put `. /etc/profile.d/culvert.sh` into "
             "/etc/zsh/zshenv");
  } else {
    plan = plan_of("shell", in_home(own_block(facts, "shell", login_file(facts), lines)));
    add_note(plan, "login shells read it; zsh: the same lines into ~/.zshenv");
  }
  add_note(plan, "for this shell alone: eval \"$(culvert setup shell)\"");
  plan.to_eval = lines;
  return plan;
}

}  // namespace culvert
