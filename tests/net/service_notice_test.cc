#include "net/service_notice.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr pid_t kOwn = 4711;

/// A socket as systemd has it, at a path or, with '@', an abstract name.
class Manager {
 public:
  explicit Manager(std::string name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }
  std::string receive() {
    std::array<char, 512> buffer;
    const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  Fd fd_;
};

}  // namespace

TEST_CASE("a notice is one datagram, to a path or an abstract socket") {
  const TempDir dir;
  const std::string abstract = "@culvert-test-" + std::to_string(getpid());
  for (const std::string& name : {dir.path("notify"), abstract}) {
    const std::size_t before = open_files();
    Manager manager(name);
    {
      ServiceNotice notice({name, {}, {}}, kOwn);
      REQUIRE(notice.wanted());
      CHECK(notice.problem().empty());
      CHECK(notice.send("READY=1\nSTATUS=fine") == ServiceNotice::Sent::yes);
      const ServiceNotice moved = std::move(notice);
      CHECK(moved.send("STOPPING=1") == ServiceNotice::Sent::yes);
    }
    CHECK(manager.receive() == "READY=1\nSTATUS=fine");
    CHECK(manager.receive() == "STOPPING=1");
    CHECK(manager.receive() == "nothing");
    CHECK(open_files() == before + 1);
  }
}

TEST_CASE("a manager that does not read makes nobody wait") {
  const TempDir dir;
  Manager manager(dir.path("notify"));
  const ServiceNotice notice({dir.path("notify"), {}, {}}, kOwn);
  int sent = 0;
  while (sent < 100'000 && notice.send("STATUS=x") == ServiceNotice::Sent::yes) ++sent;
  CHECK(notice.send("STATUS=x") == ServiceNotice::Sent::later);
  manager.receive();
  CHECK(notice.send("STATUS=x") == ServiceNotice::Sent::yes);
}

TEST_CASE("nobody is told at an address that is not there, or is none of ours") {
  const TempDir dir;
  const ServiceNotice gone({dir.path("nothing"), {}, {}}, kOwn);
  CHECK(gone.wanted());
  CHECK(gone.send("READY=1") == ServiceNotice::Sent::never);
  CHECK_FALSE(ServiceNotice().wanted());
  CHECK_FALSE(ServiceNotice({}, kOwn).wanted());
  const ServiceNotice vsock({"vsock:2:1234", "1000000", {}}, kOwn);
  CHECK_FALSE(vsock.wanted());
  CHECK_FALSE(vsock.watchdog());
  CHECK_THAT(vsock.problem(), Contains("NOTIFY_SOCKET=vsock:2:1234") && Contains("vsock address"));
  CHECK_THAT(ServiceNotice({"notify", {}, {}}, kOwn).problem(), Contains("neither a path"));
  CHECK_THAT(ServiceNotice({std::string("@"), {}, {}}, kOwn).problem(), Contains("too short"));
  CHECK_THAT(ServiceNotice({"/" + std::string(120, 'x'), {}, {}}, kOwn).problem(),
             Contains("too long"));
}

TEST_CASE("the watchdog counts if it is for this process") {
  const auto watchdog = [](std::optional<std::string> usec, std::optional<std::string> pid) {
    return ServiceNotice({"/run/notify", std::move(usec), std::move(pid)}, kOwn).watchdog();
  };
  CHECK(watchdog("30000000", "4711") == 30s);
  CHECK(watchdog("1500", {}) == 1500us);
  CHECK_FALSE(watchdog("30000000", "1"));
  CHECK_FALSE(watchdog({}, "4711"));
  CHECK_FALSE(watchdog("0", {}));
  CHECK_FALSE(watchdog("soon", {}));
  CHECK_FALSE(watchdog("18446744073709551615", {}));
}

TEST_CASE("children do not get the variables") {
  setenv("NOTIFY_SOCKET", "/run/notify", 1);
  setenv("WATCHDOG_USEC", "2000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  const ServiceNotice notice = ServiceNotice::of_environment();
  CHECK(notice.wanted());
  CHECK(notice.watchdog() == 2s);
  ServiceNotice::clean_environment();
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    CHECK(std::getenv(name) == nullptr);
  }
  CHECK_FALSE(ServiceNotice::of_environment().wanted());
}
