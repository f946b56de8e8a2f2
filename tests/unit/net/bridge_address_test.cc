#include "net/bridge_address.h"

#include "support/catch.h"

namespace culvert {
namespace {

std::string chosen(const std::vector<std::pair<std::string, std::string>>& addresses) {
  std::vector<InterfaceAddress> list;
  for (const auto& [name, text] : addresses) list.push_back({name, *IpAddress::parse(text)});
  const auto found = choose_bridge(list);
  return found ? found->interface + " " + found->address.to_string() : "none";
}

TEST_CASE("containers reach this machine at docker0, else at another bridge") {
  CHECK(chosen({{"lo", "127.0.0.1"}, {"eth0", "192.0.2.1"}}) == "none");
  CHECK(chosen({{"br-4711", "172.18.0.1"}, {"docker0", "172.17.0.1"}}) == "docker0 172.17.0.1");
  CHECK(chosen({{"docker0", "fe80::1"}, {"docker0", "10.200.0.1"}}) == "docker0 10.200.0.1");
  CHECK(chosen({{"br-4711", "172.18.0.1"}}) == "br-4711 172.18.0.1");
  CHECK(chosen({{"cni0", "10.42.0.1"}, {"podman0", "10.88.0.1"}}) == "podman0 10.88.0.1");
  CHECK(chosen({{"br0", "192.0.2.1"}, {"docker_gwbridge", "172.19.0.1"}}) == "none");
}

TEST_CASE("the interfaces of this machine have names") {
  for (const InterfaceAddress& entry : interface_addresses()) CHECK_FALSE(entry.interface.empty());
}

}  // namespace
}  // namespace culvert
