#include "setup/unit_targets.h"

#include <algorithm>
#include <string>

#include "setup/apply.h"
#include "setup/own_text.h"
#include "temporary_root.h"

using namespace culvert;
using Catch::Matchers::Contains;

namespace {

bool has_note(const Plan& plan, const std::string& part) {
  return std::any_of(plan.notes.begin(), plan.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("docker gets a drop-in with the three variables") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  facts.proxy_url = "http://127.0.0.1:9";
  facts.no_proxy = "50%.example";
  const Plan plan = plan_docker(facts);
  REQUIRE(plan.files.size() == 1);
  CHECK(plan.files[0].path == "/etc/systemd/system/docker.service.d/zz-culvert.conf");
  CHECK_THAT(*plan.files[0].with,
             Catch::Matchers::EndsWith("\n[Service]\n"
                                       "Environment=\"HTTP_PROXY=http://127.0.0.1:9\"\n"
                                       "Environment=\"HTTPS_PROXY=http://127.0.0.1:9\"\n"
                                       "Environment=\"NO_PROXY=50%%.example\"\n"));
  CHECK(plan.then_run ==
        std::vector<std::string>{"systemctl daemon-reload && systemctl restart docker"});
  CHECK(plan.notes.empty());
}

TEST_CASE("units have the names that their packages give them") {
  const TemporaryRoot root;
  const auto path = [&](Plan (*plan)(const SetupFacts&)) {
    return plan(root.facts()).files.front().path;
  };
  CHECK(path(plan_docker_rootless) ==
        "/root/.config/systemd/user/docker.service.d/zz-culvert.conf");
  CHECK(path(plan_containerd) == "/etc/systemd/system/containerd.service.d/zz-culvert.conf");
  CHECK(path(plan_crio) == "/etc/systemd/system/crio.service.d/zz-culvert.conf");
  CHECK(path(plan_buildkit) == "/etc/systemd/system/buildkit.service.d/zz-culvert.conf");
  CHECK(path(plan_registry) == "/etc/systemd/system/docker-registry.service.d/zz-culvert.conf");
  CHECK(plan_docker_rootless(root.facts()).files.front().in_home);
}

TEST_CASE("what wins over the drop-in is told") {
  const std::string folder = "/etc/systemd/system/docker.service.d/";
  const std::string line = "[Service]\nEnvironment=HTTPS_PROXY=http://x:1\n";
  const auto rivals = [](const TemporaryRoot& root) {
    const Plan plan = plan_docker(root.facts());
    CHECK(plan.notes.size() == plan.rivals.size());
    return plan.rivals;
  };
  const TemporaryRoot root;
  root.write(folder + "http-proxy.conf", line);
  root.write(folder + "zz-other.conf", "[Service]\n#Environment=HTTPS_PROXY=http://x:1\n");
  CHECK(rivals(root).empty());
  root.write("/usr/lib/systemd/system/docker.service.d/zzz.conf", line);
  CHECK(rivals(root) ==
        std::vector<std::string>{"/usr/lib/systemd/system/docker.service.d/zzz.conf sets a proxy, "
                                 "too, and wins, as its name is later: remove it"});
  const std::string for_all = "/etc/systemd/system/service.d/zzzz.conf";
  root.write(for_all, line);
  CHECK(rivals(root).front().starts_with(for_all + " sets a proxy, too, and wins, as its name is"));
  root.write(for_all, "");
  root.write(folder + "zzz.conf", "[Service]\nUnsetEnvironment=HTTP_PROXY\n");
  CHECK(rivals(root) == std::vector<std::string>{folder + "zzz.conf takes HTTP_PROXY away with "
                                                          "UnsetEnvironment=: take it out there"});
  root.write(folder + "zzz.conf", "[Service]\nEnvironment=\n");
  CHECK(rivals(root) == std::vector<std::string>{folder + "zzz.conf takes all variables back with "
                                                          "an empty Environment=: remove it"});
  root.write(folder + "zzz.conf", "[Service]\n");
  root.write(folder + "a.conf", "[Service]\nEnvironment=\n");
  CHECK(rivals(root).empty());
}

TEST_CASE("a file of variables wins over the drop-in, where the unit reads it") {
  const TemporaryRoot root;
  root.write("/etc/default/docker", "HTTPS_PROXY=http://x:1\n");
  CHECK(plan_docker(root.facts()).rivals.size() == 1);
  root.write("/lib/systemd/system/docker.service", "[Service]\nExecStart=/bin/true\n");
  CHECK(plan_docker(root.facts()).rivals.empty());
  root.write("/lib/systemd/system/docker.service",
             "[Service]\nEnvironmentFile=-/etc/default/docker\n");
  CHECK(has_note(plan_docker(root.facts()), "/etc/default/docker sets a proxy, too, and wins"));
}

TEST_CASE("the drop-in of an earlier version is taken over, and goes with the new one") {
  const TemporaryRoot root;
  const std::string folder = "/etc/systemd/system/docker.service.d/";
  const auto nothing = root.everything();
  const FileEdit earlier = own_file(root.facts(), "docker", folder + "culvert-proxy.conf", "x\n");
  REQUIRE(earlier.our_folders == 4);
  root.write(earlier.path, *earlier.with);
  const auto carry_out = [&](SetupWay way) {
    const std::vector<Plan> plans{plan_docker(root.facts())};
    return apply(root.facts(), plans, way);
  };
  CHECK(carry_out(SetupWay::uninstall).problems.empty());
  CHECK(root.everything() == nothing);

  root.write(earlier.path, *earlier.with);
  CHECK(carry_out(SetupWay::install).problems.empty());
  CHECK_FALSE(root.read(earlier.path));
  CHECK(root.read(folder + "zz-culvert.conf"));
  CHECK(carry_out(SetupWay::uninstall).problems.empty());
  CHECK(root.everything() == nothing);

  root.write(earlier.path, *earlier.with + "changed by hand\n");
  CHECK(carry_out(SetupWay::install).problems.empty());
  CHECK(carry_out(SetupWay::uninstall).problems.size() == 1);
  CHECK(root.read(earlier.path));
  CHECK_FALSE(root.read(folder + "zz-culvert.conf"));
}

TEST_CASE("a daemon.json that does not parse is a problem, one with another proxy a note") {
  const TemporaryRoot root;
  const std::string path = "/etc/docker/daemon.json";
  for (const char* broken : {"{", "{\"a\": 1,}", "[]", "{} x", "// c\n{}"}) {
    CAPTURE(broken);
    root.write(path, broken);
    const Plan plan = plan_docker(root.facts());
    REQUIRE(plan.problems.size() == 1);
    CHECK_THAT(plan.problems[0], Contains(path + " is left alone, as it does not parse"));
  }
  root.write(path, "{\"proxies\": {\"https-proxy\": \"http://x:1\"}}");
  CHECK(has_note(plan_docker(root.facts()), "wins since Engine 23.0"));
  root.write(path, "{\"proxies\": {\"https-proxy\": \"http://127.0.0.1:3128\"}}");
  CHECK(plan_docker(root.facts()).notes.empty());
  root.write(path, "{\"proxies\": {\"no-proxy\": \"a.example\"}}");
  REQUIRE(plan_docker(root.facts()).rivals.size() == 1);
  CHECK_THAT(plan_docker(root.facts()).rivals.front(),
             Contains(path) && Contains("take no-proxy out of it"));
  root.write(path, "{\"proxies\": {\"no-proxy\": \"localhost,127.0.0.1,::1\"}}");
  CHECK(plan_docker(root.facts()).notes.empty());
  root.write(path, "{\"debug\": true}");
  CHECK(plan_docker(root.facts()).notes.empty());
}

TEST_CASE("inside a cluster nothing goes through the proxy") {
  const TemporaryRoot root;
  for (const auto plan : {plan_containerd, plan_crio, plan_k3s}) {
    CHECK_THAT(*plan(root.facts()).files.front().with,
               Contains("NO_PROXY=") && Contains("localhost,127.0.0.1,::1,.svc,.cluster.local,"));
    CHECK(has_note(plan(root.facts()), "--no-proxy"));
  }
}

TEST_CASE("k3s has an environment file for its server and one for its agent") {
  const TemporaryRoot root;
  const std::string units = "/etc/systemd/system/";
  const auto paths = [&] {
    std::string found;
    for (const FileEdit& edit : plan_k3s(root.facts()).files) found += edit.path + "\n";
    return found;
  };
  CHECK(paths() == units + "k3s.service.env\n");
  CHECK(plan_k3s(root.facts()).files.front().mode == 0600);
  root.write(units + "k3s-agent.service", "");
  CHECK(paths() == units + "k3s-agent.service.env\n");
  root.write(units + "k3s.service", "");
  CHECK(paths() == units + "k3s.service.env\n" + units + "k3s-agent.service.env\n");
}

TEST_CASE("k3s' file goes though its unit is gone") {
  const TemporaryRoot root;
  const std::string units = "/etc/systemd/system/";
  root.write(units + "k3s-agent.service", "");
  const FileEdit agent = plan_k3s(root.facts()).files.front();
  root.write(agent.path, *agent.with);
  std::filesystem::remove(root.path() + units + "k3s-agent.service");
  const Plan plan = plan_k3s(root.facts());
  REQUIRE(plan.files.size() == 2);
  CHECK(plan.files[1].path == agent.path);
  CHECK(plan.files[1].with == std::nullopt);
}

TEST_CASE("limits and networks of a client's own are told") {
  const TemporaryRoot root;
  SetupFacts facts = root.facts();
  CHECK(has_note(plan_crio(facts), "pull_progress_timeout = \"0s\""));
  CHECK(has_note(plan_docker_rootless(facts), "10.0.2.2"));
  CHECK(has_note(plan_buildkit(facts),
                 "--driver-opt network=host "
                 "--driver-opt '\"env.HTTP_PROXY=http://127.0.0.1:3128\"'"));
  facts.proxy_url = "http://10.0.2.2:3128";
  CHECK_FALSE(has_note(plan_docker_rootless(facts), "10.0.2.2"));
  CHECK_FALSE(has_note(plan_buildkit(facts), "network=host"));
}

TEST_CASE("a registry is started again until it reaches its upstream, and after culvert") {
  const TemporaryRoot root;
  const std::string folder = "/etc/systemd/system/docker-registry.service.d/";
  const std::string restarts = "Restart=on-failure\nRestartSec=5\n";
  const std::string after = "\n[Unit]\nAfter=culvert.service\nStartLimitIntervalSec=0\n";
  root.write(
      "/usr/lib/systemd/system/docker-registry.service",
      "[Service]\nExecStart=/usr/bin/docker-registry serve /etc/docker/registry/config.yml\n");
  const auto text = [&] { return *plan_registry(root.facts()).files[0].with; };
  const std::string ours = text();
  CHECK_THAT(ours, Catch::Matchers::EndsWith(restarts + after));
  root.write(folder + "zz-culvert.conf", ours);
  CHECK(text() == ours);
  // Whoever has said how is left alone.
  root.write(folder + "own.conf", "[Service]\nRestart=always\n");
  CHECK_THAT(text(), Catch::Matchers::EndsWith(after) && !Contains("Restart="));
}

TEST_CASE("what Debian's registry lacks to be a cache is told") {
  const TemporaryRoot root;
  const std::string path = "/etc/docker/registry/config.yml";
  root.write(path, "version: 0.1\nhttp:\n  addr: :5000\nauth:\n  htpasswd:\n    realm: x\n");
  const Plan debian = plan_registry(root.facts());
  CHECK(has_note(debian, "a cache needs `proxy: {remoteurl: https://gcr.io}` in " + path +
                             ", and no `auth:` there"));
  CHECK(has_note(debian, "starts docker-registry on :5000 as soon as it is installed"));
  root.write(path, "version: 0.1\n");
  CHECK_FALSE(has_note(plan_registry(root.facts()), "auth:"));
  for (const char* proxy :
       {"proxy: {remoteurl: https://gcr.io}\n", "proxy:\n  remoteurl: https://gcr.io\n"}) {
    root.write(path, proxy);
    CHECK(plan_registry(root.facts()).notes.empty());
  }
}
