#include "options/build_status.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

using Lines = std::vector<std::string>;
using Flags = std::vector<std::pair<std::string, std::string>>;

Settings settings(const Flags& flags) {
  Settings out;
  for (const auto& [flag, value] : flags) out.add(flag, {value, "--" + flag});
  return out;
}

StatusOptions built(const Flags& flags) {
  Lines problems;
  StatusOptions options = build_status(settings(flags), {}, problems);
  CHECK(problems == Lines{});
  return options;
}

Lines problems_with(const Flags& flags, const Flags& proxy = {}) {
  Lines problems;
  build_status(settings(flags), settings(proxy), problems);
  return problems;
}

AdminPlace place(const std::string& text) { return *built({{"admin", text}}).admin; }

}  // namespace

TEST_CASE("the options of status") {
  const StatusOptions options = built({{"pid", "4242"},
                                       {"once", ""},
                                       {"json", ""},
                                       {"interval", "500ms"},
                                       {"filter", "Gcr"},
                                       {"sort", "bytes"}});
  CHECK(options.pid == 4242);
  CHECK(options.once);
  CHECK(options.json);
  CHECK(options.interval == std::chrono::milliseconds(500));
  CHECK(options.filter == "Gcr");
  CHECK(options.sort == "-bytes");
  CHECK(built({{"sort", "-age"}}).sort == "age");
  CHECK(built({{"sort", "target"}}).sort == "target");
  CHECK(built({{"sort", "-id"}}).sort == "-id");
  const StatusOptions defaults = built({});
  CHECK_FALSE(defaults.admin);
  CHECK_FALSE(defaults.pid);
  CHECK_FALSE(defaults.watch_failures);
  CHECK(defaults.interval == std::chrono::seconds(1));
  CHECK(defaults.sort == "-rate");
  CHECK(built({{"watch-failures", ""}}).watch_failures);
  CHECK(built({{"trace", "17"}}).trace == "17");
  CHECK(built({{"trace", "gcr.io,.gcr.io"}}).sessions == 10);
  CHECK(built({{"trace", "gcr.io"}, {"sessions", "3"}}).sessions == 3);
}

TEST_CASE("places of an admin interface") {
  CHECK(place("127.0.0.1:9090").shown() == "http://127.0.0.1:9090");
  CHECK(place("[::1]:9090").shown() == "http://[::1]:9090");
  CHECK(place("unix:/run/x.sock").path == "/run/x.sock");
  CHECK(place("unix:/run/x.sock").shown() == "unix:/run/x.sock");
  CHECK(place("http://localhost/").host.port == 80);
  const AdminPlace secure = place("HTTPS://bob:h%75sh%3a@proxy.example");
  CHECK(secure.tls);
  CHECK(secure.host.to_string() == "proxy.example:443");
  CHECK(secure.authorization.reveal() == "Basic Ym9iOmh1c2g6");
  CHECK(secure.shown() == "https://proxy.example:443");
}

TEST_CASE("mistakes in the options of status, all at once") {
  CHECK(problems_with({{"admin", "ftp://bob:hush@h"},
                       {"pid", "0"},
                       {"interval", "1ms"},
                       {"sort", "-rat"},
                       {"once", "maybe"}}) ==
        Lines{"--admin ftp://***@h: needs ADDR:PORT, unix:PATH, http:// or https://",
              "--pid 0: not between 1 and 2147483647", "--once maybe: either true or false",
              "--interval 1ms: not between 100ms and 1h",
              "--sort -rat: no such key (did you mean rate?)",
              "--pid: has no meaning beside --admin"});
  CHECK(problems_with({{"sort", "colour"}}) ==
        Lines{"--sort colour: no such key; there are id, age, rate, bytes, quiet, target, client, "
              "upstream, state"});
  CHECK(problems_with({{"admin", "unix:x"}}) ==
        Lines{"--admin unix:x: unix: needs an absolute path"});
  CHECK(problems_with({{"admin", "http://h/status"}}) ==
        Lines{"--admin http://h/***: takes no path"});
  CHECK(problems_with({{"admin", "localhost"}}).size() == 1);
  CHECK(problems_with({{"pid", "1"}, {"admin", "a:1"}, {"once", ""}, {"watch-failures", ""}}) ==
        Lines{"--pid: has no meaning beside --admin",
              "--watch-failures: has no meaning beside --once"});
  CHECK(problems_with({{"trace", "17"}, {"sessions", "2"}, {"once", ""}}) ==
        Lines{"--sessions: has no meaning beside --trace ID",
              "--trace: has no meaning beside --once"});
  CHECK(problems_with({{"trace", "17"}, {"filter", "gcr"}, {"watch-failures", ""}}) ==
        Lines{"--watch-failures: has no meaning beside --trace",
              "--filter: has no meaning beside --trace"});
  CHECK(problems_with({{"sessions", "0"}}) == Lines{"--sessions 0: not between 1 and 10000",
                                                    "--sessions: has no meaning without --trace"});
  CHECK(problems_with({{"trace", "gcr.io:x"}}).size() == 1);
  CHECK(problems_with({}, {{"upstream", "direct"}}) ==
        Lines{"--upstream: an option of the proxy, status takes none"});
}
