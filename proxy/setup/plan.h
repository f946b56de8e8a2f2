#pragma once

#include <sys/types.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/given_listener.h"

namespace culvert {

/// Where culvert listens unless told.
inline constexpr std::string_view kDefaultListen = "127.0.0.1:3128";

/// Whose files in a home folder are.
struct SetupUser {
  std::string home;  ///< as seen from within the root: "/root"
  uid_t uid = 0;
  gid_t gid = 0;
  std::string config_folder{};  ///< XDG_CONFIG_HOME; empty: not set
  std::string docker_folder{};  ///< DOCKER_CONFIG; empty: not set

  std::string config_home() const {
    return config_folder.empty() ? home + "/.config" : config_folder;
  }
  std::string docker_config() const {
    return docker_folder.empty() ? home + "/.docker" : docker_folder;
  }
};

/// What a plan depends on.
struct SetupFacts {
  std::string root = "/";  ///< all files are read and written below it
  /// The files of the whole machine are meant, not those of `user`: run by root, or for another
  /// root.
  bool for_all_users = true;
  SetupUser user;
  std::string proxy_url = "http://127.0.0.1:3128";  ///< what clients shall use
  std::vector<GivenListener> listeners;             ///< all of culvert's; empty: kDefaultListen
  /// What containers shall use, if one of `listeners` is for them.
  std::string container_url;
  std::string listen_note;     ///< why `proxy_url` is that of several; may be empty
  std::string listen_problem;  ///< why clients can use none of `listeners`; empty: one they can
  /// Of an https:// `proxy_url`: who issued its certificate, as far as is known ("'Our CA'", or
  /// empty).  nullopt: the system trusts it already.
  std::optional<std::string> untrusted_ca;
  /// Of the same: that it is for other names than clients use; empty: it is for them, or not known.
  std::string certificate_note;
  std::vector<std::string> certificate_problems;  ///< why culvert cannot serve with it
  bool sign_in = false;                           ///< clients need a user and a password
  std::string no_proxy;                           ///< as given; empty: each target's own default
  std::string bridge;  ///< --bridge: this machine's address for containers; empty: not asked for
  std::string bridge_note;        ///< where `bridge` comes from, or why an earlier one is left out
  std::vector<std::string> near;  ///< near_registries()
  std::string cache;              ///< HOST:PORT: `setup cache`
  std::vector<std::string> registries;  ///< whose images the cache holds
  bool daemon_json = false;             ///< --daemon-json
  std::string program;                  ///< culvert's own path, for units
  /// The options of the service, as (name, values): `setup systemd`.
  std::vector<std::pair<std::string, std::vector<std::string>>> service;

  /// Of the service.
  bool has_option(std::string_view name) const {
    return std::any_of(service.begin(), service.end(),
                       [&](const auto& option) { return option.first == name; });
  }
  /// The machine that runs, not an image of another.
  bool is_live() const { return root == "/"; }
};

/// One file, in three states.  Each is its whole content; nullopt: there is no such file.
/// Installing turns `before` into `with`, uninstalling into `without`; where two are equal there is
/// nothing to do.  For a file of somebody else, `without` is `before` with our edit undone, and
/// `with` is `without` with the edit done: so a second installation changes nothing.
struct FileEdit {
  std::string path;  ///< absolute, as seen from within the root: "/etc/docker/daemon.json"
  std::optional<std::string> before;
  std::optional<std::string> with;
  std::optional<std::string> without;
  mode_t mode = 0644;           ///< of a new file; one that is there keeps its mode and owner
  bool in_home = false;         ///< a new file, and new folders, belong to SetupFacts::user
  bool aside = false;           ///< a record of ours: of no interest where it does not change
  bool repeats_others = false;  ///< what others wrote into files of theirs, which may be secret
  std::size_t our_folders = 0;  ///< so many of the folders above the file go with it, if empty
  /// Why --install, or --uninstall, leaves the file alone, as a clause behind "PATH: ".  Empty if
  /// nothing stands in the way.
  std::string cannot_install;
  std::string cannot_uninstall;

  /// Something of ours is there: uninstalling takes it away, or cannot.
  bool is_installed() const { return before != without || !cannot_uninstall.empty(); }
  /// Of a file that is wholly ours: it is there, as we wrote it or changed by hand.
  bool is_our_file() const { return before && (!without || !cannot_uninstall.empty()); }
};

/// What one target needs.
struct Plan {
  std::string target;  ///< "docker"
  std::vector<FileEdit> files;
  /// Shell commands that make it effective; said, never run, and not for another root than the live
  /// one.  After uninstalling, `after_uninstall` if there are any, else the same.
  std::vector<std::string> then_run;
  std::vector<std::string> after_uninstall;
  std::vector<std::string> notes;  ///< sentences worth knowing
  /// What wins over the plan's files, of somebody else, and so is to be done first: a clause.
  std::vector<std::string> rivals;
  std::string looked_in;  ///< where a plan without files has looked for some to take away
  std::vector<std::string> problems;  ///< why nothing of this plan can be installed; with the fix
  /// Lines for `eval`, if the target has any; then all others are shown as comments.
  std::optional<std::string> to_eval;

  /// What it would write is wrong: nothing is left of it but `problem`.
  void drop_for(const std::string& problem) {
    files.clear();
    then_run.clear();
    notes.clear();
    rivals.clear();
    problems = {problem};
    if (to_eval) to_eval->clear();
  }
};

}  // namespace culvert
