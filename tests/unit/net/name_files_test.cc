#include "net/name_files.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using Names = std::vector<std::string>;
using Route = NameServices::Route;

TEST_CASE("resolv.conf gives the search list and its options") {
  struct Row {
    const char* text;
    Names search;
    unsigned ndots;
  };
  const Row rows[] = {
      {"", {"corp.example"}, 1},
      {"nameserver 192.0.2.1\n", {"corp.example"}, 1},
      {"search a.test B.test.\n", {"a.test", "b.test"}, 1},
      {"search a.test\nsearch b.test\n", {"b.test"}, 1},
      {"domain a.test x\n", {"a.test"}, 1},
      {"search a.test\ndomain b.test", {"b.test"}, 1},
      {"search\n", {}, 1},
      {"search .\n", {""}, 1},
      {"\tsearch\ta.test # b.test\n; search c.test\n", {"a.test"}, 1},
      {"options timeout:1 ndots:5 rotate\n", {"corp.example"}, 5},
      {"options ndots:0\n", {"corp.example"}, 0},
      {"options ndots:99\noptions ndots:x\n", {"corp.example"}, 15},
      {"options ndots:99999999999\n", {"corp.example"}, 15},
      {"options ndots\noptions ndots:\nndots:3\n", {"corp.example"}, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const ResolvConf conf = ResolvConf::parse(row.text, "box.corp.example");
    CHECK(conf.search == row.search);
    CHECK(conf.ndots == row.ndots);
  }
  CHECK(ResolvConf::parse("", "box").search.empty());
}

TEST_CASE("systemd-resolved is known by its address, if there is no other server") {
  CHECK(ResolvConf::parse("nameserver 127.0.0.53\n", "").local_stub);
  CHECK(ResolvConf::parse("nameserver 127.0.0.54\nnameserver 127.0.0.53\n", "").local_stub);
  CHECK_FALSE(ResolvConf::parse("nameserver 127.0.0.53\nnameserver 192.0.2.1\n", "").local_stub);
  CHECK_FALSE(ResolvConf::parse("nameserver 192.0.2.1\n", "").local_stub);
  CHECK_FALSE(ResolvConf::parse("", "").local_stub);
}

TEST_CASE("the environment replaces what resolv.conf says") {
  ResolvConf conf = ResolvConf::parse("search a.test\noptions ndots:2\n", "");
  conf.apply_environment(nullptr, nullptr);
  CHECK(conf.search == Names{"a.test"});
  CHECK(conf.ndots == 2);
  conf.apply_environment("b.test c.test", "debug ndots:3");
  CHECK(conf.search == Names{"b.test", "c.test"});
  CHECK(conf.ndots == 3);
}

TEST_CASE("names are tried as glibc does") {
  const auto tried = [](const char* resolv_conf, const std::string& name) {
    return ResolvConf::parse(resolv_conf, "").candidates(name);
  };
  CHECK(tried("", "proxy") == Names{"proxy"});
  CHECK(tried("search a.test b.test", "proxy") == Names{"proxy.a.test", "proxy.b.test", "proxy"});
  CHECK(tried("search a.test", "gcr.io") == Names{"gcr.io", "gcr.io.a.test"});
  CHECK(tried("search a.test\noptions ndots:5", "gcr.io") == Names{"gcr.io.a.test", "gcr.io"});
  CHECK(tried("search a.test\noptions ndots:2", "a.b.c") == Names{"a.b.c", "a.b.c.a.test"});
  CHECK(tried("search a.test\noptions ndots:0", "proxy") == Names{"proxy", "proxy.a.test"});
  CHECK(tried("search a.test\noptions ndots:5", "gcr.io.") == Names{"gcr.io"});
  CHECK(tried("search a.test", "proxy.") == Names{"proxy"});
  CHECK(tried("search .", "proxy") == Names{"proxy"});
  CHECK(tried("search . a.test", "proxy") == Names{"proxy", "proxy.a.test"});
  // What would be too long for DNS is left out.
  const std::string longest(250, 'a');
  CHECK(tried("search a.test", longest) == Names{longest});
}

TEST_CASE("nsswitch.conf says whom to ask") {
  struct Row {
    const char* text;
    const char* name;
    bool stub;
    Route route;
  };
  const Row rows[] = {
      // No line is as glibc has it: files, dns.
      {"", "gcr.io", false, Route::own},
      {"passwd: ldap\n# hosts: nis\n", "gcr.io", false, Route::own},
      {"hosts: files dns", "gcr.io", false, Route::own},
      {"hosts:files dns", "gcr.io", false, Route::own},
      {"hosts:\tfiles dns\n", "proxy", false, Route::own},
      // mDNS knows .local, and nothing else.
      {"hosts: files mdns4_minimal [NOTFOUND=return] dns", "gcr.io", false, Route::own},
      {"hosts: files mdns4_minimal [NOTFOUND=return] dns", "box.local", false, Route::libc},
      {"hosts: files mdns4_minimal [NOTFOUND=return] dns", "box.local.", false, Route::libc},
      {"hosts: files mdns4_minimal [NOTFOUND=return] dns", "BOX.Local", false, Route::libc},
      {"hosts: files dns", "box.local", false, Route::own},
      {"hosts: files dns", ".local", false, Route::own},
      // Machines of this one have short names.
      {"hosts: files myhostname dns", "gcr.io", false, Route::own},
      {"hosts: files myhostname dns", "box", false, Route::libc},
      {"hosts: files dns mymachines", "_gateway", false, Route::libc},
      {"hosts: files dns myhostname", "me.corp.example", false, Route::libc},
      {"hosts: files dns", "me.corp.example", false, Route::own},
      // systemd-resolved is asked by DNS where DNS leads to it.
      {"hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", "gcr.io", true,
       Route::own},
      {"hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", "gcr.io", false,
       Route::libc},
      {"hosts: resolve files dns", "box", true, Route::libc},
      {"hosts: resolve files dns", "box.local", true, Route::libc},
      // Others may know what DNS does not.
      {"hosts: files libvirt_guest dns", "gcr.io", false, Route::own_then_libc},
      {"hosts: files libvirt_guest dns", "guest", false, Route::libc},
      {"hosts: files dns [!UNAVAIL=return] nis", "gcr.io", false, Route::own},
      {"hosts: files dns [NOTFOUND=return]nis", "gcr.io", false, Route::own},
      {"hosts: files dns [SUCCESS=return] nis", "gcr.io", false, Route::own_then_libc},
      // Another order than ours.
      {"hosts: dns files", "gcr.io", false, Route::libc},
      {"hosts: files", "gcr.io", false, Route::libc},
      {"hosts: dns", "gcr.io", false, Route::libc},
      {"hosts: files [NOTFOUND=return] dns", "gcr.io", false, Route::libc},
      {"hosts: files[SUCCESS=merge] dns", "gcr.io", false, Route::libc},
      {"hosts: [ files", "gcr.io", false, Route::own},
      {"hosts: nis [", "gcr.io", false, Route::libc},
      {"hosts:", "gcr.io", false, Route::own},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text, row.name, row.stub);
    const NameServices services = NameServices::parse(row.text);
    CHECK(services.route(row.name, "me.corp.example", row.stub) == row.route);
  }
}

TEST_CASE("a hosts file gives all addresses of a name") {
  const auto found = [](const char* text, const char* name) {
    std::string all;
    for (const IpAddress& address : addresses_in_hosts(text, name))
      all += address.to_string() + " ";
    return all;
  };
  const char* const text =
      "# 192.0.2.9 proxy\n"
      "127.0.0.1\tlocalhost\n"
      "::1 localhost ip6-localhost\n"
      "192.0.2.1 proxy.corp proxy # 192.0.2.8 other\n"
      "2001:db8::1 proxy\n"
      "192.0.2.1 proxy\n"
      "192.0.2.2 myproxy proxy2 proxy.\n"
      "::ffff:192.0.2.3 mapped\n"
      "fe80::1%eth0 zoned\n"
      "nonsense proxy\n"
      "192.0.2.7 last.proxy";
  CHECK(found(text, "localhost") == "127.0.0.1 ::1 ");
  CHECK(found(text, "proxy") == "192.0.2.1 2001:db8::1 192.0.2.2 ");
  CHECK(found(text, "PROXY.corp.") == "192.0.2.1 ");
  CHECK(found(text, "last.proxy") == "192.0.2.7 ");
  CHECK(found(text, "mapped") == "192.0.2.3 ");
  CHECK(found(text, "zoned").empty());
  CHECK(found(text, "other").empty());
  CHECK(found(text, "192.0.2.1").empty());
  CHECK(found(text, "").empty());
  CHECK(found("", "proxy").empty());
}

TEST_CASE("gai.conf may prefer IPv4") {
  CHECK(prefers_ipv4("precedence ::ffff:0:0/96  100\n"));
  CHECK(prefers_ipv4("label ::1/128 0\nprecedence ::FFFF:0:0/96 100 # all of it\n"));
  CHECK_FALSE(prefers_ipv4("#precedence ::ffff:0:0/96  100\n"));
  CHECK_FALSE(prefers_ipv4("precedence ::ffff:0:0/96 10\nprecedence ::/0 40\n"));
  CHECK_FALSE(prefers_ipv4("precedence ::ffff:0:0/96 100\nprecedence ::/0 200\n"));
  CHECK_FALSE(prefers_ipv4("precedence ::ffff:0:0/96\nprecedence\n"));
  CHECK_FALSE(prefers_ipv4(""));
}

TEST_CASE("localhost and the names below it are this machine") {
  for (const char* const name : {"localhost", "LocalHost.", "a.localhost", "a.b.localhost."}) {
    CHECK(is_localhost(name));
  }
  for (const char* const name : {"", "notlocalhost", "localhost.example", "ocalhost", "."}) {
    CHECK_FALSE(is_localhost(name));
  }
}
