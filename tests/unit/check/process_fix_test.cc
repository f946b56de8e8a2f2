#include "check/process_fix.h"

#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

constexpr std::string_view kDefault = "http://127.0.0.1:3128";

ProxyMistake set(const std::string& variable, const std::string& right) {
  return {variable, "", right, false, {}};
}

std::string fix_of(const std::string& name, const ProcessOrigin& origin,
                   const std::vector<ProxyMistake>& mistakes = {
                       set("https_proxy", std::string(kDefault))}) {
  return process_fix({7, name}, origin, mistakes, kDefault);
}

ProcessOrigin unit(const std::string& name, bool is_main = true) { return {name, false, is_main}; }

const std::string kReload = "systemctl daemon-reload && systemctl restart ";

}  // namespace

TEST_CASE("what setup knows is mended by it") {
  CHECK(fix_of("dockerd", {}) == "culvert setup docker --install && " + kReload + "docker");
  CHECK(fix_of("dockerd", unit("docker")) == fix_of("dockerd", {}));
  CHECK(fix_of("containerd", unit("containerd")) ==
        "culvert setup containerd --install && " + kReload + "containerd");
  CHECK(fix_of("containerd", unit("k3s-agent", false)) ==
        "culvert setup k3s --install && " + kReload + "k3s-agent");
  CHECK(fix_of("k3s-server", {}) == "culvert setup k3s --install && " + kReload + "k3s");
  CHECK(fix_of("crio", {}) == "culvert setup crio --install && " + kReload + "crio");
  CHECK(fix_of("docker-registry", {}) ==
        "culvert setup registry --install && " + kReload + "docker-registry");
  CHECK(fix_of("podman", {}) == "culvert setup podman --install  # and start it again");
  CHECK(fix_of("podman", unit("podman")) ==
        "culvert setup podman --install && " + kReload + "podman");
  CHECK(fix_of("dockerd", {"docker", true, true}) ==
        "culvert setup docker-rootless --install && systemctl --user daemon-reload && "
        "systemctl --user restart docker");
}

TEST_CASE("setup is told what it would not write of itself") {
  CHECK(fix_of("dockerd", {}, {set("HTTPS_PROXY", "http://proxy.example:8080")}) ==
        "culvert setup docker --listen proxy.example:8080 --install && " + kReload + "docker");
  CHECK(fix_of("containerd", {}, {set("NO_PROXY", "localhost,*.a")}) ==
        "culvert setup containerd --no-proxy 'localhost,*.a' --install && " + kReload +
            "containerd");
  CHECK(fix_of("dockerd", {}, {set("no_proxy", "'a',b")}) ==
        fix_of("dockerd", {}, {set("no_proxy", "")}));
  CHECK(fix_of("dockerd", {}, {set("no_proxy", "")}) ==
        "culvert setup docker --no-proxy localhost,127.0.0.1 --install && " + kReload + "docker");
}

TEST_CASE("what setup does not write becomes a drop-in of the unit") {
  CHECK(fix_of("kubelet", unit("kubelet")) ==
        "mkdir -p /etc/systemd/system/kubelet.service.d && printf '%s\\n' '[Service]' "
        "'Environment=\"https_proxy=http://127.0.0.1:3128\"' > "
        "/etc/systemd/system/kubelet.service.d/zzz-culvert.conf && " +
            kReload + "kubelet");
  CHECK(fix_of("dockerd", unit("snap.docker.dockerd"))
            .find("/etc/systemd/system/snap.docker.dockerd.service.d/") != std::string::npos);
  const std::string own = fix_of("app", {"app", true, true}, {set("A", "50%\"\\'"), set("B", "")});
  CHECK(own.find("mkdir -p ~/.config/systemd/user/app.service.d && ") == 0);
  CHECK(own.find(R"('Environment="A=50%%\"\\'\''"' UnsetEnvironment=B > ~)") != std::string::npos);
  CHECK(own.find("systemctl --user restart app") != std::string::npos);
  // With a password, which setup does not take.
  std::vector<ProxyMistake> mistakes = {set("HTTPS_PROXY", "http://USER:PASSWORD@h:1")};
  mistakes[0].hint = "a hint";
  const std::string line = fix_of("dockerd", unit("docker"), mistakes);
  CHECK(line.find("docker.service.d/zzz-culvert.conf") != std::string::npos);
  CHECK(line.ends_with("restart docker  # a hint"));
}

TEST_CASE("the drop-in is read after that of setup") {
  const std::string line = fix_of("kubelet", unit("kubelet"));
  const std::size_t begin = line.find("/zz") + 1;
  const std::string name = line.substr(begin, line.find(' ', begin) - begin);
  CHECK(name > "zz-culvert.conf");  // systemd goes by their bytes
}

TEST_CASE("setup writes no unit of the system for one of a user") {
  const std::string line = fix_of("containerd", {"containerd", true, true});
  CHECK(line.find("culvert setup") == std::string::npos);
  CHECK(line.find("~/.config/systemd/user/containerd.service.d/") != std::string::npos);
  CHECK(line.find("systemctl --user restart containerd") != std::string::npos);
  CHECK(fix_of("podman", {"podman", true, true}).find("culvert setup podman --install") == 0);
}

TEST_CASE("what daemon.json sets is told in a comment, and the rest mended") {
  const std::vector<std::string> of_file = {"NO_PROXY", "no_proxy", "HTTPS_PROXY"};
  const auto fix = [&](const std::vector<ProxyMistake>& mistakes) {
    return process_fix({7, "dockerd"}, unit("docker"), mistakes, kDefault, of_file);
  };
  const std::string list =
      "# in \"proxies\" of /etc/docker/daemon.json: \"no-proxy\": \"\\u0024(x)\\n\"";
  CHECK(fix({set("NO_PROXY", "$(x)\n")}) == list + "; then: systemctl restart docker");
  CHECK(fix({set("NO_PROXY", "$(x)\n"), set("HTTPS_PROXY", "")}) ==
        list + ", no \"https-proxy\"; then: systemctl restart docker");
  CHECK(fix({set("NO_PROXY", "$(x)\n"), set("HTTP_PROXY", std::string(kDefault))}) ==
        "culvert setup docker --install && " + kReload + "docker  " + list +
            "; then: systemctl restart docker");
}

TEST_CASE("other processes are started again") {
  const std::string line = "export https_proxy=http://127.0.0.1:3128  # and start ";
  CHECK(fix_of("curl", {}) == line + "curl again from this shell");
  CHECK(fix_of("\x1b[2J", {}) == line + "?[2J again from this shell");
  CHECK(fix_of("", {}) == line + "it again from this shell");
  // Started by what the unit has started.
  CHECK(fix_of("curl", unit("ci-runner", false)) == line + "curl again from this shell");
  std::vector<ProxyMistake> mistakes = {set("HTTPS_PROXY", "http://USER:PASSWORD@h:1")};
  mistakes[0].hint = "a hint";
  CHECK(fix_of("curl", {}, mistakes) ==
        "export HTTPS_PROXY=http://USER:PASSWORD@h:1  # a hint; and start curl again from this "
        "shell");
}
