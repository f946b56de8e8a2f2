#include "setup/variables.h"

#include "temporary_root.h"

using namespace culvert;

TEST_CASE("--no-proxy is taken as it is, and else it depends on the neighbours") {
  SetupFacts facts;
  CHECK(no_proxy_for(facts, Neighbours::host) == "localhost,127.0.0.1,::1");
  CHECK(no_proxy_for(facts, Neighbours::cluster) ==
        "localhost,127.0.0.1,::1,.svc,.cluster.local,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16");
  facts.no_proxy = "a.example";
  CHECK(no_proxy_for(facts, Neighbours::cluster) == "a.example");
}

TEST_CASE("a drop-in is a file of our own in the unit's folder") {
  const TemporaryRoot root;
  const FileEdit edit = drop_in(root.facts(), "docker", "/etc/x.service.d", Neighbours::host);
  CHECK(edit.path == "/etc/x.service.d/zz-culvert.conf");
  CHECK_FALSE(edit.without);
}
