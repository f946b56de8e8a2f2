#include "setup/listeners.h"

#include <algorithm>
#include <string>
#include <vector>

#include "setup/bridge.h"
#include "support/catch.h"

namespace culvert {
namespace {

using Kind = ListenConfig::Kind;
using Speaks = ListenConfig::Speaks;
using Catch::Matchers::Contains;

GivenListener tcp(const std::string& address, Speaks speaks = Speaks::any) {
  GivenListener given{address, {}};
  given.listen.address = HostPort::parse(address).value();
  given.listen.speaks = speaks;
  return given;
}

GivenListener tls(const std::string& address) { return tcp(address, Speaks::tls_only); }

GivenListener unix_socket() {
  GivenListener given{"unix:/run/c.sock", {}};
  given.listen.kind = Kind::unix_socket;
  given.listen.path = "/run/c.sock";
  return given;
}

std::string url(const std::vector<GivenListener>& listeners) {
  return choose_for_host(listeners).url;
}

TEST_CASE("clients of this machine get a plain listener, on loopback if there is one") {
  CHECK(url({tcp("127.0.0.1:1")}) == "http://127.0.0.1:1");
  CHECK(url({tcp("172.17.0.1:1"), tcp("127.0.0.1:2")}) == "http://127.0.0.1:2");
  CHECK(url({tls("127.0.0.1:1"), tcp("10.0.0.5:2")}) == "http://10.0.0.5:2");
  CHECK(url({unix_socket(), tls("10.0.0.5:1")}) == "https://10.0.0.5:1");
  CHECK(url({tls("10.0.0.5:1"), tls("[::1]:2")}) == "https://[::1]:2");
  CHECK(url({tcp("0.0.0.0:1"), tcp("10.0.0.5:1")}) == "http://127.0.0.1:1");
  CHECK(url({tls("[::]:1")}) == "https://[::1]:1");
  CHECK(url({tcp("127.0.0.1:1", Speaks::http_only)}) == "http://127.0.0.1:1");
  CHECK(url({tls("proxy.lan:3129")}) == "https://proxy.lan:3129");
}

TEST_CASE("which of several it is, and why no other, is said") {
  CHECK(choose_for_host(std::vector{tcp("127.0.0.1:1")}).note.empty());
  const std::vector<GivenListener> listeners = {unix_socket(), tls("10.0.0.5:2"),
                                                tcp("127.0.0.1:1"), tcp("10.0.0.5:3")};
  CHECK(choose_for_host(listeners).note ==
        "of the listeners, clients on this machine get http://127.0.0.1:1, not unix:/run/c.sock (a "
        "proxy variable cannot name a unix socket), https://10.0.0.5:2 (its certificate would have "
        "to be trusted), http://10.0.0.5:3 (one is enough)");
}

TEST_CASE("without one for clients it is said why") {
  GivenListener passed{"systemd", {}};
  passed.listen.kind = Kind::systemd;
  GivenListener locked = tls("10.0.0.5:1");
  locked.listen.client_ca = "/ca";
  GivenListener balanced = tcp("10.0.0.5:2");
  balanced.listen.proxy_protocol = true;
  const std::vector<GivenListener> listeners = {unix_socket(), passed, locked, balanced};
  const ListenerChoice choice = choose_for_host(listeners);
  CHECK(choice.listener == nullptr);
  CHECK(choice.problem ==
        "clients can use none of the listeners: unix:/run/c.sock (a proxy variable cannot name a "
        "unix socket), systemd (its .socket unit knows the address, setup does not), "
        "https://10.0.0.5:1 (it wants a certificate of the client), http://10.0.0.5:2 (it is for a "
        "load balancer); give one more, as in --listen 127.0.0.1:3128");
}

TEST_CASE("listeners that speak TLS alone are told from a mixture") {
  CHECK_FALSE(speak_tls_alone({}));
  CHECK_FALSE(speak_tls_alone(std::vector{unix_socket()}));
  CHECK_FALSE(speak_tls_alone(std::vector{tls("10.0.0.5:1"), tcp("10.0.0.5:2")}));
  CHECK(speak_tls_alone(std::vector{unix_socket(), tls("10.0.0.5:1")}));
}

TEST_CASE("containers get a listener that is not on their own loopback") {
  const auto url_of = [](const std::vector<GivenListener>& listeners, std::string_view bridge) {
    return choose_for_containers(listeners, bridge);
  };
  CHECK(url_of({tcp("127.0.0.1:1")}, "172.17.0.1").empty());
  CHECK(url_of({tcp("127.0.0.1:1"), tcp("172.17.0.1:2")}, "") == "http://172.17.0.1:2");
  CHECK(url_of({tcp("10.0.0.5:1"), tcp("172.17.0.1:2")}, "172.17.0.1") == "http://172.17.0.1:2");
  CHECK(url_of({tls("172.17.0.1:1"), tcp("10.0.0.5:2")}, "172.17.0.1") == "http://10.0.0.5:2");
  CHECK(url_of({tls("0.0.0.0:1")}, "172.17.0.1") == "https://172.17.0.1:1");
  CHECK(url_of({tls("0.0.0.0:1")}, "").empty());
  CHECK(url_of({unix_socket()}, "172.17.0.1").empty());
}

std::string tls_notes(const SetupFacts& facts, std::string target) {
  Plan plan;
  plan.target = std::move(target);
  note_tls(facts, plan);
  std::string notes;
  for (const std::string& note : plan.notes) notes += note + "\n";
  return notes;
}

TEST_CASE("what speaks TLS with culvert has to trust its CA") {
  SetupFacts facts;
  facts.untrusted_ca = "'Our CA'";
  CHECK(tls_notes(facts, "docker").empty());
  facts.proxy_url = "https://10.0.0.5:3129";
  CHECK_THAT(tls_notes(facts, "docker"),
             Contains("at https://10.0.0.5:3129, so the CA that issued it, 'Our CA', must be") &&
                 Contains("update-ca-certificates"));
  CHECK_THAT(tls_notes(facts, "npm"), Contains("npm config set cafile"));
  CHECK_THAT(tls_notes(facts, "docker-client"), Contains("in the images, too"));
  facts.untrusted_ca = "";
  CHECK_THAT(tls_notes(facts, "git"), Contains("the CA that issued it must be"));
  facts.untrusted_ca.reset();
  CHECK(tls_notes(facts, "docker").empty());
  CHECK_THAT(tls_notes(facts, "shell"), Contains("wget and Python's urllib speak no TLS"));
  facts.container_url = "http://172.17.0.1:1";
  facts.untrusted_ca = "";
  CHECK(tls_notes(facts, "docker-client").empty());
  CHECK(tls_notes(facts, "podman").empty());
}

TEST_CASE("a sign-in that is not written tells how to write it") {
  SetupFacts facts;
  facts.proxy_url = "https://proxy.lan:3129";
  CHECK_THAT(sign_in_problem(facts), Contains("https://USER:PASSWORD@proxy.lan:3129"));
}

}  // namespace
}  // namespace culvert
