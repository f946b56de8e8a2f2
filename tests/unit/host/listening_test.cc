#include "host/listening.h"

#include <filesystem>
#include <fstream>

#include "support/catch.h"

namespace culvert {
namespace {

constexpr std::string_view kHead =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

/// A /proc that a test makes up.
class FakeProc {
 public:
  FakeProc() {
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
    std::filesystem::create_directories(path_ + "/proc/net");
  }
  ~FakeProc() { std::filesystem::remove_all(path_); }
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;

  const std::string& path() const { return path_; }

  void add_socket(const std::string& table, const std::string& address, const std::string& state,
                  int inode) {
    std::ofstream file(path_ + "/proc/net/" + table, std::ios::app);
    if (file.tellp() == 0) file << kHead;
    file << "   0: " << address << " 00000000:0000 " << state
         << " 00000000:00000000 00:00000000 00000000     0        0 " << inode << " 1 0 100 0\n";
  }
  void add_process(int pid, const std::string& name, const std::string& words,
                   const std::vector<int>& inodes) {
    const std::string folder = path_ + "/proc/" + std::to_string(pid);
    std::filesystem::create_directories(folder + "/fd");
    std::ofstream(folder + "/comm") << name << "\n";
    std::ofstream(folder + "/cmdline", std::ios::binary) << words;
    int fd = 3;
    for (const int inode : inodes) {
      std::filesystem::create_symlink("socket:[" + std::to_string(inode) + "]",
                                      folder + "/fd/" + std::to_string(fd++));
    }
    std::filesystem::create_symlink("/dev/null", folder + "/fd/0");
  }

 private:
  std::string path_ = "/tmp/culvert-proc-XXXXXX";
};

std::vector<std::string> shown(const RunningCulvert& culvert) {
  std::vector<std::string> texts;
  for (const HostPort& address : culvert.listens) texts.push_back(address.to_string());
  return texts;
}

std::string url_for(std::initializer_list<const char*> listens) {
  RunningCulvert culvert;
  for (const char* const listen : listens) {
    culvert.listens.push_back(HostPort::parse(listen).value());
  }
  return url_of_running({culvert});
}

TEST_CASE("running culverts are found with the ports at which they listen") {
  FakeProc proc;
  proc.add_socket("tcp", "0100007F:0C38", "0A", 11);
  proc.add_socket("tcp", "0100007F:0C38", "0A", 12);
  proc.add_socket("tcp", "0100007F:1F90", "01", 13);
  proc.add_socket("tcp", "00000000:0050", "0A", 14);
  proc.add_socket("tcp6", "00000000000000000000000001000000:0C38", "0A", 15);
  proc.add_process(20, "culvert", std::string("/usr/bin/culvert\0--config\0x\0", 28),
                   {11, 12, 13, 15, 99});
  proc.add_process(21, "nginx", std::string("nginx\0", 6), {14});
  proc.add_process(22, "culvert", std::string("culvert\0run\0--\0x\0", 17), {14});
  proc.add_process(23, "culvert", std::string("culvert\0check\0gcr.io\0", 21), {});
  const auto culverts = running_culverts(proc.path());
  REQUIRE(culverts.size() == 1);
  CHECK(culverts[0].pid == 20);
  CHECK(shown(culverts[0]) == std::vector<std::string>{"127.0.0.1:3128", "[::1]:3128"});
}

TEST_CASE("a machine whose tables are not there has no running culvert") {
  CHECK(running_culverts("/nonexistent").empty());
  FakeProc proc;
  std::ofstream(proc.path() + "/proc/net/tcp") << kHead << "nonsense\n 0: xx:yy z 0A a b c d e f\n";
  proc.add_process(20, "culvert", "culvert", {11});
  const auto culverts = running_culverts(proc.path());
  REQUIRE(culverts.size() == 1);
  CHECK(culverts[0].listens.empty());
}

TEST_CASE("clients use the running culvert, else the default") {
  CHECK(url_of_running({}) == "http://127.0.0.1:3128");
  CHECK(url_for({}) == "http://127.0.0.1:3128");
  CHECK(url_for({"127.0.0.1:8080"}) == "http://127.0.0.1:8080");
  CHECK(url_for({"127.0.0.1:9000", "127.0.0.1:3128"}) == "http://127.0.0.1:3128");
  CHECK(url_for({"172.17.0.1:8080", "127.0.0.1:8080"}) == "http://127.0.0.1:8080");
  CHECK(url_for({"0.0.0.0:8080"}) == "http://127.0.0.1:8080");
  CHECK(url_for({"[::]:8080"}) == "http://127.0.0.1:8080");
  CHECK(url_for({"[::1]:8080"}) == "http://[::1]:8080");
  CHECK(url_for({"192.0.2.1:8080"}) == "http://192.0.2.1:8080");
}

TEST_CASE("who listens in another network is seen by its tables") {
  FakeProc proc;
  const std::string path = proc.path();
  const auto put_network = [&](const std::string& of, const std::string& network) {
    std::filesystem::create_directories(path + "/proc/" + of + "/ns");
    std::filesystem::create_symlink("net:[" + network + "]", path + "/proc/" + of + "/ns/net");
  };
  put_network("self", "1");
  put_network("7", "1");
  put_network("8", "2");
  std::filesystem::create_directories(path + "/proc/8/net");
  std::ofstream(path + "/proc/8/net/tcp")
      << kHead << "   0: 0100007F:0C38 00000000:0000 0A 0:0 0:0 0 0 0 5 1 0 100 0\n";
  const auto here = HostPort::parse("127.0.0.1:3128").value();
  CHECK_FALSE(listens_in_network_of(7, here, path));
  CHECK(listens_in_network_of(8, here, path) == true);
  CHECK(listens_in_network_of(8, HostPort::parse("localhost:3128").value(), path) == true);
  CHECK(listens_in_network_of(8, HostPort::parse("127.0.0.1:3129").value(), path) == false);
  CHECK_FALSE(listens_in_network_of(9, here, path));
}

TEST_CASE("an address is served by who listens there, or everywhere") {
  RunningCulvert one;
  one.listens = {HostPort::parse("127.0.0.1:3128").value(), HostPort::parse("0.0.0.0:80").value()};
  const auto served = [&](const char* address) {
    return is_served({one}, HostPort::parse(address).value());
  };
  CHECK(served("127.0.0.1:3128"));
  CHECK(served("localhost:3128"));
  CHECK(served("172.17.0.1:80"));
  CHECK_FALSE(served("172.17.0.1:3128"));
  CHECK_FALSE(served("127.0.0.1:3129"));
}

}  // namespace
}  // namespace culvert
