#include "host/process_list.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "support/catch.h"

using namespace culvert;

namespace {

/// A root with a proc/ of its own.
class Root {
 public:
  Root() {
    REQUIRE(mkdtemp(path_) != nullptr);
    mkdir((path() + "/proc").c_str(), 0700);
  }
  ~Root() { static_cast<void>(std::system(("rm -r " + path()).c_str())); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  std::string path() const { return path_; }
  void add(const std::string& name, std::string_view comm, std::string_view environment) const {
    const std::string folder = path() + "/proc/" + name;
    mkdir(folder.c_str(), 0700);
    std::ofstream(folder + "/comm") << comm << '\n';
    std::ofstream(folder + "/environ") << environment;
  }
  void put(const std::string& file, std::string_view text) const {
    std::ofstream(path() + "/proc/" + file) << text;
  }

 private:
  char path_[32] = "/tmp/culvert-proc-XXXXXX";
};

}  // namespace

TEST_CASE("processes are listed by their number") {
  using namespace std::string_view_literals;
  const Root root;
  root.add("30", "dockerd", "");
  root.add("4", "init", "");
  root.add("self", "no process", "");
  root.add("4x", "neither", "");
  const auto found = running_processes(root.path());
  REQUIRE(found.size() == 2);
  CHECK(found[0].pid == 4);
  CHECK(found[1].name == "dockerd");
  CHECK(running_process(30, root.path() + "/")->name == "dockerd");
  CHECK_FALSE(running_process(31, root.path()));
  CHECK(running_processes(root.path() + "/nowhere").empty());
}

TEST_CASE("a process's environment is read whole") {
  using namespace std::string_view_literals;
  const Root root;
  const std::string large = "LARGE=" + std::string(100'000, 'x');
  root.add("7", "dockerd", "A=1\0\0HTTPS_PROXY=http://h:1\0LINE=a\nb\0"sv);
  root.add("8", "large", large + std::string("\0Z=1", 4));
  const auto found = environment_of(7, root.path());
  REQUIRE(found);
  CHECK(*found == std::vector<std::string>{"A=1", "HTTPS_PROXY=http://h:1", "LINE=a\nb"});
  CHECK(environment_of(8, root.path()).value() == std::vector<std::string>{large, "Z=1"});
}

TEST_CASE("why there is no environment is told") {
  const Root root;
  root.add("7", "dockerd", "");
  CHECK(environment_of(8, root.path()).error().text == "there is no process 8");
  unlink((root.path() + "/proc/7/environ").c_str());
  CHECK(environment_of(7, root.path()).error().text ==
        "the environment of process 7 (dockerd) cannot be read: No such file or directory");
}

TEST_CASE("a process of the kernel, or one that has ended, has no environment") {
  const Root root;
  root.add("2", "kthreadd", "");
  root.put("2/cmdline", "");
  CHECK(environment_of(2, root.path()).error().text ==
        "process 2 (kthreadd) has no environment: it has ended, or is a part of the kernel");
  // A program that was started with none has arguments.
  root.put("2/cmdline", std::string("env\0-i\0", 7));
  CHECK(environment_of(2, root.path()).value().empty());
}

TEST_CASE("a process that cannot be looked at is not told as none") {
  const Root root;
  root.add("7", "dockerd", "A=1");
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const std::string text = environment_of(7, root.path()).error().text;
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(text == "process 7 cannot be looked at: Too many open files");
}

TEST_CASE("a process's name reaches no terminal as it is") {
  const Root root;
  root.add("7", "\x1b[31m\xff", "");
  unlink((root.path() + "/proc/7/environ").c_str());
  CHECK(environment_of(7, root.path()).error().text.find("process 7 (?[31m?)") !=
        std::string::npos);
}

TEST_CASE("which unit started a process") {
  struct Case {
    const char* cgroup;
    const char* stat;
    const char* unit;
    bool of_user;
    bool is_main;
  };
  const Root root;
  root.add("7", "dockerd", "");
  root.add("1", "systemd", "");
  root.add("20", "systemd", "");
  root.add("21", "bash", "");
  for (const Case& one : {
           Case{"0::/system.slice/docker.service\n", "7 (dockerd) S 1 7", "docker", false, true},
           Case{"0::/system.slice/k3s.service\n", "7 (a) S) S 21 7", "k3s", false, false},
           Case{"12:pids:/x\n1:name=systemd:/system.slice/a@b.service\n", "7 (x) S 1", "a@b", false,
                true},
           Case{"0::/user.slice/user-9.slice/user@9.service/app.slice/docker.service\n",
                "7 (dockerd) S 20 7", "docker", true, true},
           Case{"0::/user.slice/user-9.slice/user@9.service/app.slice/term.scope\n", "7 (x) S 21 7",
                "", true, false},
           Case{"0::/user.slice/user-9.slice/session-3.scope\n", "7 (x) S 21", "", false, false},
           Case{"0::/system.slice/docker-0123.scope\n", "7 (x) S 21", "", false, false},
           Case{"0::/system.slice/docker.service/c/x.scope/y\n", "7 (x) S 21", "", false, false},
           Case{"0::/system.slice/$(id).service\n", "7 (x) S 21", "", false, false},
           Case{"0::/\n", "7 (x", "", false, false},
           Case{"", "", "", false, false},
       }) {
    CAPTURE(one.cgroup);
    root.put("7/cgroup", one.cgroup);
    root.put("7/stat", one.stat);
    const ProcessOrigin origin = origin_of(7, root.path());
    CHECK(origin.unit == one.unit);
    CHECK(origin.of_user == one.of_user);
    CHECK(origin.is_main == one.is_main);
  }
  CHECK(origin_of(8, root.path()).unit.empty());
}

TEST_CASE("this process is among the running ones") {
  CHECK(running_process(getpid()).has_value());
  CHECK(environment_of(getpid()).ok());
  CHECK_FALSE(own_environment().empty());
}
