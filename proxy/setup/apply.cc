#include "setup/apply.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

#include "setup/as_user.h"
#include "setup/replace_file.h"
#include "setup/root.h"

namespace culvert {
namespace {

/// What --install, or --uninstall, makes of the file.
const std::optional<std::string>& wanted(const FileEdit& edit, SetupWay way) {
  return way == SetupWay::install ? edit.with : edit.without;
}

const std::string& obstacle(const FileEdit& edit, SetupWay way) {
  return way == SetupWay::install ? edit.cannot_install : edit.cannot_uninstall;
}

/// One file that changes.
struct Change {
  const FileEdit* edit;
  std::string real;                 ///< its path for this process
  std::optional<FileOwner> before;  ///< nullopt: there was no file
  WaitingFile waiting;              ///< empty if the file goes
};

/// All changes, which are undone unless they are kept.
class Changes {
 public:
  Changes(const SetupFacts& facts, SetupWay way) : facts_(facts), way_(way) {}

  /// Makes what is needed beside the file, and does not touch it yet.
  std::string prepare(const FileEdit& edit);
  /// Changes all files, or none.
  std::string carry_out();
  /// After a problem: the folders that were made go.
  void remove_made_folders();
  /// Those that were made for files that are gone now go, too, if they are empty.
  void remove_own_folders();
  /// Also where an installation that was killed had come no further.
  void remove_stale_of(const FileEdit& edit) const;
  bool empty() const { return changes_.empty(); }
  /// Of the file that the problem is about, as the user knows it.
  const std::string& where() const { return where_; }

 private:
  FileOwner owner_of_new(const FileEdit& edit, mode_t mode) const;
  FileOwner owner_after(const Change& change) const;
  const SetupUser* user_of(const FileEdit& edit) const;
  std::string find_way_out(const FileEdit& edit, const std::string& real) const;
  std::string changed_meanwhile(const FileEdit& edit) const;
  std::string write_beside(Change& change);
  std::string make_folders(const FileEdit& edit, const std::string& folder);
  std::string carry_out(Change& change);
  void undo(Change& change);

  const SetupFacts& facts_;
  SetupWay way_;
  std::vector<Change> changes_;
  /// The outermost first, with what they were made for.
  std::vector<std::pair<std::string, const FileEdit*>> made_folders_;
  std::string where_;
};

FileOwner Changes::owner_of_new(const FileEdit& edit, mode_t mode) const {
  if (edit.in_home && geteuid() == 0) return {mode, facts_.user.uid, facts_.user.gid};
  return {mode, geteuid(), getegid()};
}

/// With whose rights root changes the file: in a home that is the user's own, with none but theirs,
/// as links in it, and even its folders, may be changed at any time.  nullptr: with root's.
const SetupUser* Changes::user_of(const FileEdit& edit) const {
  const SetupUser& user = facts_.user;
  if (!edit.in_home || geteuid() != 0 || user.uid == 0 || !facts_.is_live()) return nullptr;
  if (!edit.path.starts_with(user.home + "/")) return nullptr;
  const auto home = owner_of(below_root(facts_.root, user.home));
  return home && home->uid == user.uid ? &user : nullptr;
}

/// With root's rights a link in somebody's home is followed within that home only.
std::string Changes::find_way_out(const FileEdit& edit, const std::string& real) const {
  const SetupUser& user = facts_.user;
  if (!edit.in_home || geteuid() != 0 || user.uid == 0 || user_of(edit) != nullptr) return {};
  const std::string home = below_root(facts_.root, user.home) + "/";
  if (!edit.path.starts_with(user.home + "/") || real.starts_with(home)) return {};
  return "leads out of the home folder, by a symbolic link: run it as that user";
}

/// Of a file that is there: as it was, but a user's rights cannot give it to somebody else.
FileOwner Changes::owner_after(const Change& change) const {
  const FileEdit& edit = *change.edit;
  FileOwner owner = change.before.value_or(owner_of_new(edit, edit.mode));
  const SetupUser* const user = user_of(edit);
  if (user == nullptr) return owner;
  const bool keeps_group = owner.uid == user->uid && AsUser::has_group(owner.gid);
  return {owner.mode, user->uid, keeps_group ? owner.gid : user->gid};
}

std::string Changes::make_folders(const FileEdit& edit, const std::string& folder) {
  if (folder.empty() || access(folder.c_str(), F_OK) == 0) return {};
  const std::size_t above = folder.rfind('/');
  if (above != std::string::npos) {
    std::string problem = make_folders(edit, folder.substr(0, above));
    if (!problem.empty()) return problem;
  }
  if (mkdir(folder.c_str(), 0755) != 0) return std::strerror(errno);
  made_folders_.emplace_back(folder, &edit);
  const FileOwner owner = owner_of_new(edit, 0755);
  // Whatever the umask is.
  if (chmod(folder.c_str(), owner.mode) != 0) return std::strerror(errno);
  if (owner.uid == geteuid() && owner.gid == getegid()) return {};
  return lchown(folder.c_str(), owner.uid, owner.gid) == 0 ? std::string() : std::strerror(errno);
}

std::string Changes::prepare(const FileEdit& edit) {
  where_ = edit.path;
  Change change{&edit, below_root(facts_.root, edit.path), std::nullopt, {}};
  if (change.real.empty()) return std::strerror(ELOOP);
  if (std::string problem = find_way_out(edit, change.real); !problem.empty()) return problem;
  for (const Change& other : changes_) {
    if (other.real != change.real) continue;
    if (wanted(*other.edit, way_) == wanted(edit, way_)) return {};
    return "is the same file as " + other.edit->path + ", by a symbolic link";
  }
  const AsUser as_user(user_of(edit));
  if (!as_user.good()) return std::strerror(EPERM);
  change.before = owner_of(change.real);
  std::string problem = changed_meanwhile(edit);
  if (problem.empty() && wanted(edit, way_)) problem = write_beside(change);
  if (problem.empty()) changes_.push_back(std::move(change));
  return problem;
}

std::string Changes::write_beside(Change& change) {
  const FileEdit& edit = *change.edit;
  std::string problem = make_folders(edit, change.real.substr(0, change.real.rfind('/')));
  if (!problem.empty()) return problem;
  FileOwner owner = owner_after(change);
  // Of a file that is wholly ours: it may hold a password now, or none any more.
  if (!edit.without) owner.mode = edit.mode;
  return change.waiting.write(change.real, *wanted(edit, way_), owner);
}

/// Also where it can no more be read, as with the rights of a user only.
std::string Changes::changed_meanwhile(const FileEdit& edit) const {
  const FoundFile now = find_file(facts_.root, edit.path);
  if (!now.problem.empty()) return now.problem;
  return now.content == edit.before ? "" : "was changed by another program meanwhile";
}

std::string Changes::carry_out(Change& change) {
  const AsUser as_user(user_of(*change.edit));
  if (!as_user.good()) return std::strerror(EPERM);
  std::string problem = changed_meanwhile(*change.edit);
  if (!problem.empty()) return problem;
  return wanted(*change.edit, way_) ? change.waiting.move_in() : remove_file(change.real);
}

/// If even this fails, the problem that led here is told, and is likely to be the same.
void Changes::undo(Change& change) {
  const AsUser as_user(user_of(*change.edit));
  if (!as_user.good()) return;
  if (!change.before) {
    static_cast<void>(remove_file(change.real));
    return;
  }
  WaitingFile old;
  if (old.write(change.real, *change.edit->before, owner_after(change)).empty()) {
    static_cast<void>(old.move_in());
  }
}

std::string Changes::carry_out() {
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    std::string problem = carry_out(changes_[i]);
    if (problem.empty()) continue;
    where_ = changes_[i].edit->path;
    while (i > 0) undo(changes_[--i]);
    return problem;
  }
  return {};
}

void Changes::remove_made_folders() {
  changes_.clear();
  while (!made_folders_.empty()) {
    const auto& [folder, edit] = made_folders_.back();
    const AsUser as_user(user_of(*edit));
    if (as_user.good()) rmdir(folder.c_str());
    made_folders_.pop_back();
  }
}

void Changes::remove_own_folders() {
  for (const Change& change : changes_) {
    if (wanted(*change.edit, way_)) continue;
    const AsUser as_user(user_of(*change.edit));
    if (!as_user.good()) continue;
    std::string folder = change.real;
    for (std::size_t i = 0; i < change.edit->our_folders; ++i) {
      folder.erase(folder.rfind('/'));
      if (rmdir(folder.c_str()) != 0) break;
    }
  }
}

void Changes::remove_stale_of(const FileEdit& edit) const {
  const AsUser as_user(user_of(edit));
  if (as_user.good()) remove_stale(below_root(facts_.root, edit.path));
}

/// What helps against a problem that only root has not.
std::string_view hint_at(std::string_view problem) {
  const bool root_can = problem == std::strerror(EACCES) || problem == std::strerror(EPERM);
  return root_can && geteuid() != 0 ? " - run the same with sudo" : "";
}

/// Why nothing is done at all.
void find_obstacles(std::span<const Plan> plans, SetupWay way, Applied& applied) {
  for (const Plan& plan : plans) {
    if (way == SetupWay::install) {
      applied.problems.insert(applied.problems.end(), plan.problems.begin(), plan.problems.end());
    }
    for (const FileEdit& edit : plan.files) {
      const std::string& text = obstacle(edit, way);
      if (!text.empty())
        applied.problems.push_back((edit.path + ": " + text).append(hint_at(text)));
    }
  }
}

std::string line_about(const FileEdit& edit, SetupWay way) {
  const auto& after = wanted(edit, way);
  if (after == edit.before) {
    return (way == SetupWay::install ? "already so: " : "not installed: ") + edit.path;
  }
  if (!after) return "removed " + edit.path;
  return (after == edit.without ? "restored " : "wrote ") + edit.path;
}

/// Why the folder of `real` takes no new file, as far as can be told without trying.
std::string obstacle_in_folder(const std::string& real) {
  std::string folder = real;
  struct stat info {};
  do {
    folder.erase(folder.rfind('/'));
  } while (!folder.empty() && lstat(folder.c_str(), &info) != 0 && errno == ENOENT);
  if (folder.empty()) folder = "/";
  if (stat(folder.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) return std::strerror(ENOTDIR);
  return access(folder.c_str(), W_OK | X_OK) == 0 ? std::string() : std::strerror(errno);
}

std::string cannot_write(const std::string& path, const std::string& problem) {
  return ("cannot write " + path + ": " + problem).append(hint_at(problem));
}

/// A Ctrl-C waits until all files are changed, or none.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before_);
  }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;
  ~SignalsWait() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Applied apply(const SetupFacts& facts, std::span<const Plan> plans, SetupWay way) {
  Applied applied;
  find_obstacles(plans, way, applied);
  if (way == SetupWay::install && !applied.problems.empty()) return applied;
  const SignalsWait signals_wait;
  Changes changes(facts, way);
  std::string problem;
  std::vector<std::string> lines;
  for (const Plan& plan : plans) {
    for (const FileEdit& edit : plan.files) changes.remove_stale_of(edit);
  }
  for (const Plan& plan : plans) {
    for (const FileEdit& edit : plan.files) {
      if (!problem.empty() || !obstacle(edit, way).empty()) continue;
      const bool changes_it = wanted(edit, way) != edit.before;
      if (changes_it) problem = changes.prepare(edit);
      if (changes_it || !edit.aside) lines.push_back(line_about(edit, way));
    }
  }
  if (problem.empty()) problem = changes.carry_out();
  if (!problem.empty()) {
    changes.remove_made_folders();
    applied.problems.push_back(cannot_write(changes.where(), problem));
    return applied;
  }
  changes.remove_own_folders();
  applied.changed = !changes.empty();
  applied.lines = std::move(lines);
  return applied;
}

std::vector<std::string> find_write_problems(const SetupFacts& facts, std::span<const Plan> plans,
                                             SetupWay way) {
  std::vector<std::string> problems;
  for (const Plan& plan : plans) {
    for (const FileEdit& edit : plan.files) {
      if (wanted(edit, way) == edit.before || !obstacle(edit, way).empty()) continue;
      const std::string real = below_root(facts.root, edit.path);
      const std::string problem = real.empty() ? std::strerror(ELOOP) : obstacle_in_folder(real);
      if (!problem.empty()) problems.push_back(cannot_write(edit.path, problem));
    }
  }
  return problems;
}

}  // namespace culvert
