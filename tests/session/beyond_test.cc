// The steps of a check beyond the proxy: what each world makes of them.
#include "check/beyond.h"

#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "check/beyond_advice.h"
#include "check/manifest.h"
#include "check/registry_advice.h"
#include "support/catch.h"
#include "support/check_way.h"

using namespace culvert;
using namespace culvert::test;

namespace {

using Lines = std::vector<std::string>;

const std::string kLayer = "sha256:" + std::string(64, 'b');
const std::string kManifest =
    R"({"config":{"digest":"sha256:cf"},"layers":[{"digest":")" + kLayer + R"(","size":1000000}]})";
const std::string kToken = "hush-hush-hush-hush";

std::string date_field(long offset = 0) {
  const std::time_t time = std::time(nullptr) + offset;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[40];
  std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  return text;
}

std::string challenge() {
  return http_answer("401 Unauthorized", R"({"errors":[{"code":"UNAUTHORIZED"}]})",
                     "WWW-Authenticate: Bearer realm=\"https://auth.example/token?a=b\",service="
                     "\"reg.example\"\r\n" +
                         date_field());
}

/// A registry whose blobs are on another host, and its token service.
struct RegistryWorld {
  RegistryWorld() {
    way.serve("reg.example:443", [this](const std::string& request) {
      if (request.starts_with("GET /v2/ ")) return v2;
      if (request.find("Authorization: Bearer " + kToken) == request.npos) return challenge();
      if (request.starts_with("GET /v2/a/b/manifests/1 ")) return manifest;
      if (request.starts_with("GET /v2/a/b/blobs/" + kLayer)) return blob;
      return http_answer("404 Not Found");
    });
    way.serve("auth.example:443", [this](const std::string&) { return token; });
    way.serve("cdn.example:443", [this](const std::string&) { return content; });
  }

  TargetReport check(const std::string& target = "reg.example/a/b:1") {
    TargetReport report{.target = target, .steps = {}};
    walk_beyond(way, CheckTarget::parse(target).value(), report, folder.path("."));
    for (const CheckStep& step : report.steps) {
      UNSCOPED_INFO(step.name << " " << step.subject << " | " << step.detail << " | " << step.cause
                              << " | " << step.fix);
      for (const std::string& text : {step.subject, step.detail, step.cause, step.fix}) {
        CHECK(text.find("hush") == text.npos);
        CHECK(text.find('\n') == text.npos);
      }
      CHECK(step.ok == step.cause.empty());
      CHECK(step.ok == step.fix.empty());
    }
    CHECK(way.all_closed());
    CHECK_FALSE(way.loop().busy());
    return report;
  }

  /// The only step that fails.
  CheckStep failure(const std::string& target = "reg.example/a/b:1") {
    CheckStep failed;
    for (const CheckStep& step : check(target).steps) {
      if (!step.ok && failed.ok) failed = step;
    }
    CHECK_FALSE(failed.ok);
    return failed;
  }

  TrustedAuthority trusted;
  TempDir folder;
  ScriptedWay way;
  std::string v2 = challenge();
  std::string token = http_answer("200 OK", R"({"token":")" + kToken + R"("})");
  std::string manifest = http_answer("200 OK", kManifest);
  std::string blob = http_answer("307 Temporary Redirect", {},
                                 "Location: https://cdn.example/x?signature=hush\r\n");
  std::string content = http_answer("206 Partial Content", std::string(1024, 'x'));
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("an image: from the handshake to the first bytes of a layer, each host by its route") {
  RegistryWorld world;
  const TargetReport report = world.check();
  CHECK(shown_steps(report) == Lines{"tls reg.example:443 ok", "http reg.example:443 ok",
                                     "registry reg.example:443 ok", "token auth.example:443 ok",
                                     "manifest reg.example:443 ok", "blob reg.example:443 ok",
                                     "blob cdn.example:443 ok", "clock reg.example:443 ok"});
  CHECK(has(report.steps[0].detail, "reg.example, until "));
  CHECK(has(report.steps[3].detail, "through socks5://127.0.0.1:1080"));
  CHECK(has(report.steps[4].detail, "1 layer, 1.0 MB"));
  CHECK(has(report.steps[5].detail, "307 Temporary Redirect to cdn.example:443"));
  REQUIRE(world.way.requests.size() == 5);
  CHECK(has(world.way.requests[1],
            "GET /token?a=b&service=reg.example&scope=repository%3Aa%2Fb%3Apull HTTP/1.1"));
  // The token is the registry's alone.
  CHECK_FALSE(has(world.way.requests[4], "Authorization"));
  CHECK(has(world.way.requests[4], "Range: bytes=0-1023"));
}

TEST_CASE("an image of a list, and an open registry") {
  RegistryWorld world;
  world.way.serve("reg.example:443", [&](const std::string& request) {
    if (request.starts_with("GET /v2/ ")) return http_answer("200 OK", "{}");
    if (has(request, "/manifests/sha256:")) return world.manifest;
    if (has(request, "/manifests/")) {
      return http_answer("200 OK", R"({"manifests":[{"digest":"sha256:abc"}]})");
    }
    return world.content;
  });
  CHECK(shown_steps(world.check()) ==
        Lines{"tls reg.example:443 ok", "http reg.example:443 ok", "registry reg.example:443 ok",
              "manifest reg.example:443 ok", "manifest reg.example:443 ok",
              "blob reg.example:443 ok"});
}

TEST_CASE("a registry without a token service, or none at all") {
  RegistryWorld world;
  world.v2 = http_answer("401 Unauthorized");
  CheckStep step = world.failure();
  CHECK(step.name == "registry");
  CHECK(has(step.cause, "401 without naming a token service"));
  world.v2 = http_answer("404 Not Found");
  step = world.failure();
  CHECK(step.name == "registry");
  CHECK(has(step.cause, "it is no registry"));
  world.v2 = http_answer("200 OK", "<html>sign in</html>", "Content-Type: text/html\r\n");
  step = world.failure();
  CHECK(step.name == "registry");
  CHECK(has(step.cause, "captive portal"));
  world.v2 = http_answer("503 Service Unavailable");
  step = world.failure();
  CHECK(step.name == "http");
  CHECK(has(step.cause, "503 Service Unavailable"));
  world.v2 = http_answer("511 Network Authentication Required");
  CHECK(world.failure().name == "http");
}

TEST_CASE("a token service that cannot be reached by its route") {
  RegistryWorld world;
  auto& host = world.way.serve("auth.example:443", nullptr);
  host.refused = "refused the target";
  host.upstream = &world.way.direct();
  CheckStep step = world.failure();
  CHECK(step.name == "token");
  CHECK(step.subject == "auth.example:443");
  CHECK(step.cause == "refused the target");
  CHECK(step.fix.starts_with("--route 'auth.example:443=tunnel'"));
  host.upstream = nullptr;
  CHECK(world.failure().fix == "fix of the way");
}

TEST_CASE("a token that is refused, or none") {
  RegistryWorld world;
  world.token = http_answer("401 Unauthorized", R"({"details":"denied"})");
  CheckStep step = world.failure();
  CHECK(step.name == "token");
  CHECK(has(step.fix, "docker login reg.example"));
  world.token = http_answer("200 OK", "{}");
  CHECK(has(world.failure().cause, "sent no token"));
  world.token = http_answer("200 OK", R"({"token":"a\r\nb"})");
  CHECK(has(world.failure().cause, "sent no token"));
  world.token = http_answer("200 OK", "<html>", "Content-Type: text/html\r\n");
  CHECK(has(world.failure().cause, "web page"));
}

TEST_CASE("an image that is not there, or not for everybody") {
  RegistryWorld world;
  world.manifest = http_answer(
      "404 Not Found", R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})");
  CheckStep step = world.failure();
  CHECK(step.name == "manifest");
  CHECK(has(step.cause, "has no image a/b:1 (MANIFEST_UNKNOWN: manifest unknown)"));
  CHECK_FALSE(has(step.cause, "pull-through"));
  CHECK(has(world.failure("reg.example/pause:3").fix, "reg.example/library/pause:3"));
  world.manifest = http_answer("403 Forbidden", R"({"errors":[{"code":")" + kToken + R"("}]})");
  step = world.failure();
  CHECK(has(step.cause, "private"));
  CHECK(has(step.cause, "***"));
  CHECK(has(step.fix, "does not read docker's"));
}

TEST_CASE("a registry that limits requests says when to come back") {
  RegistryWorld world;
  world.manifest = http_answer("429 Too Many Requests", {}, "Retry-After: 60\r\n");
  const CheckStep step = world.failure();
  CHECK(step.name == "manifest");
  CHECK(has(step.cause, "retry after 60 s"));
  CHECK(has(step.fix, "docker login"));
  world.token = world.manifest;
  CHECK(world.failure().name == "token");
  world.v2 = world.manifest;
  CHECK(world.failure().name == "registry");
}

TEST_CASE("too many requests: one logs in to the registry, whichever of its hosts says so") {
  RegistryWorld world;
  const std::string answer = http_answer("429 Too Many Requests");
  world.token = answer;
  CheckStep step = world.failure();
  CHECK(has(step.cause, "auth.example limits"));
  CHECK(step.fix.starts_with("docker login reg.example "));
  world.token = http_answer("200 OK", R"({"token":")" + kToken + R"("})");
  world.content = answer;
  step = world.failure();
  CHECK(step.name == "blob");
  CHECK(has(step.cause, "cdn.example limits"));
  CHECK(step.fix.starts_with("docker login reg.example "));
}

TEST_CASE("an image that has none for this machine") {
  RegistryWorld world;
  world.manifest = http_answer("200 OK", R"({"manifests":[
      {"digest":"sha256:aa","platform":{"os":"linux","architecture":"s390x"}},
      {"digest":"sha256:bb","platform":{"os":"unknown","architecture":"unknown"}}]})");
  CheckStep step = world.failure();
  CHECK(step.name == "manifest");
  CHECK(has(step.cause, "no matching manifest for linux/" + std::string(own_architecture())));
  CHECK(has(step.cause, "it has linux/s390x"));
  CHECK(step.fix.starts_with("docker pull --platform linux/s390x reg.example/a/b:1 "));
  world.manifest = http_answer(
      "200 OK",
      R"({"manifests":[{"digest":"sha256:aa","platform":{"os":"windows","architecture":"amd64"}}]})");
  step = world.failure();
  CHECK(step.fix.starts_with("skopeo list-tags docker://reg.example/a/b "));
}

TEST_CASE("a blob that comes short or not at all") {
  RegistryWorld world;
  for (const std::size_t size : {0U, 1U, 1023U}) {
    world.content = http_answer("206 Partial Content", std::string(size, 'x'));
    const CheckStep step = world.failure();
    CHECK(step.name == "blob");
    CHECK(step.subject == "cdn.example:443");
    CHECK(has(step.cause, "where 1024 are due"));
  }
  world.content = http_answer("200 OK", std::string(5000, 'x'));
  CHECK(world.check().ok());
  world.manifest =
      http_answer("200 OK", R"({"layers":[{"digest":")" + kLayer + R"(","size":10}]})");
  world.content = http_answer("206 Partial Content", std::string(10, 'x'));
  CHECK(world.check().ok());
}

TEST_CASE("blobs that are blocked while the registry works") {
  RegistryWorld world;
  auto& cdn = world.way.serve("cdn.example:443", nullptr);
  cdn.denied = true;
  cdn.refused = "--route *=deny denies it";
  CheckStep step = world.failure();
  CHECK(step.name == "blob");
  CHECK(step.subject == "cdn.example:443");
  CHECK(step.cause == "--route *=deny denies it");
  CHECK(step.fix.starts_with("--route 'cdn.example:443=tunnel'"));
  cdn.denied = false;
  cdn.refused.clear();
  cdn.dead = true;
  cdn.context = nullptr;
  step = world.failure();
  CHECK(step.name == "blob");
  CHECK(has(step.cause, "says yes before it has connected"));
  world.way.serve("cdn.example:443",
                  [](const std::string&) { return http_answer("403 Forbidden", "<Error/>"); });
  CHECK(has(world.failure().cause, "cdn.example answered 403 Forbidden"));
  world.blob = http_answer("302 Found", {}, "Location: /v2/a/b/blobs/" + kLayer + "\r\n");
  CHECK(has(world.failure().cause, "again and again"));
  world.blob = http_answer("302 Found");
  world.way.turns = 200;
  CHECK_FALSE(world.check().ok());
}

TEST_CASE("what our own --no-proxy takes out is not mended by a route") {
  RegistryWorld world;
  Upstream direct;
  auto& cdn = world.way.serve("cdn.example:443", nullptr);
  cdn.upstream = &direct;
  cdn.dead = true;
  cdn.context = nullptr;
  CHECK(world.failure().fix.starts_with("--route 'cdn.example:443=tunnel'"));
  cdn.rule_fix = "--no-proxy a";
  const CheckStep step = world.failure();
  CHECK(step.name == "blob");
  CHECK(step.fix == "--no-proxy a");
}

TEST_CASE("certificates that are not the registry's: who issued them, and what to do") {
  RegistryWorld world;
  const auto serve = [&](const TlsAuthority::Files& files) {
    world.way.serve("reg.example:443", files, nullptr);
  };
  static const TlsAuthority kMiddlebox("Corp Proxy CA");
  serve(kMiddlebox.issue(TlsAuthority::Certificate{.common_name = "x", .names = {"reg.example"}}));
  CheckStep step = world.failure();
  CHECK(step.name == "tls");
  CHECK(has(step.cause, "'Corp Proxy CA': a middlebox"));
  CHECK(step.fix.starts_with(
      "cp CA.crt /usr/local/share/ca-certificates/ && update-ca-certificates"));
  serve(authority().issue(
      TlsAuthority::Certificate{.common_name = "x", .names = {"portal.example"}}));
  step = world.failure();
  CHECK(has(step.cause, "not for reg.example but for portal.example, issued by "));
  CHECK(has(step.cause, "captive portal"));
  serve(authority().issue(TlsAuthority::Certificate{
      .common_name = "x", .names = {"reg.example"}, .from = -9, .to = -2}));
  CHECK(has(world.failure().cause, "expired on "));
}

TEST_CASE("a registry of one's own whose CA docker has") {
  RegistryWorld world;
  static const TlsAuthority kOwn("Own CA");
  const auto files =
      kOwn.issue(TlsAuthority::Certificate{.common_name = "x", .names = {"cache.example"}});
  std::string manifest = http_answer("404 Not Found");
  world.way.serve("cache.example:5000", files, [&](const std::string& request) {
    if (request.starts_with("GET /v2/ ")) return http_answer("200 OK", "{}");
    return manifest;
  });
  CheckStep step = world.failure("cache.example:5000/x");
  CHECK(step.name == "tls");
  CHECK(has(step.fix, "/etc/docker/certs.d/cache.example:5000/ca.crt"));
  REQUIRE(std::system(("mkdir -p " + world.folder.path("certs.d/cache.example:5000")).c_str()) ==
          0);
  std::ofstream(world.folder.path("certs.d/cache.example:5000/ca.crt"))
      << std::ifstream(kOwn.file()).rdbuf();
  step = world.failure("cache.example:5000/x");
  CHECK(step.name == "manifest");
  CHECK(has(step.cause, "pull-through cache"));
  CHECK(has(step.fix, "log"));
  manifest = http_answer("500 Internal Server Error");
  step = world.failure("cache.example:5000/x");
  CHECK(has(step.cause, "cache.example:5000 answered 500"));
  CHECK(step.fix.starts_with("journalctl -u docker-registry  # or docker logs NAME: tells why"));
}

TEST_CASE("what a culvert saw fail while a cache was asked is the cause, if there is something") {
  const std::string again = "culvert check cache:5000/x";
  SeenFailures seen{.who = "the culvert of process 42"};
  CheckStep step = cache_step(seen, true, again);
  CHECK(step.ok);
  CHECK(step.subject == "the culvert of process 42");
  CHECK(step.detail ==
        "if this is a cache, its way is not what fails: no request failed there meanwhile");
  seen.down = {{"tunnel", "it hangs", "culvert check --upstream socks5://h:1"}};
  CHECK(cache_step(seen, false, again).ok);
  step = cache_step(seen, true, again);
  CHECK(step.cause == "if this is a cache, it waits for upstream tunnel, which is down: it hangs");
  CHECK(step.fix == "culvert check --upstream socks5://h:1");
  seen.failures = {{"gcr.io:443", "it was refused", "culvert check gcr.io"}, {"b:1", "x", "y"}};
  step = cache_step(seen, true, again);
  CHECK_FALSE(step.ok);
  CHECK(step.cause == "meanwhile a request for gcr.io:443 failed there: it was refused");
  CHECK(step.fix == "culvert check gcr.io");
  seen.failures.front().cause = "refused (for gcr.io:443)";
  CHECK(cache_step(seen, true, again).cause ==
        "meanwhile a request failed there: refused (for gcr.io:443)");
  step = cache_step({.who = "it", .may_not_be_asked = true}, true, again);
  CHECK(has(step.cause, "it is another user's"));
  CHECK(step.fix == "sudo culvert check cache:5000/x");
  step = cache_step({.who = "it", .is_silent = true}, true, again);
  CHECK(has(step.cause, "it does not answer"));
  CHECK(step.fix.starts_with("culvert status --once"));
}

TEST_CASE("a registry that wants a certificate of ours, which docker may have") {
  RegistryWorld world;
  static const TlsAuthority kOwn("Own CA");
  auto& host = world.way.serve("cache.example:5000", [&](const std::string& request) {
    if (request.starts_with("GET /v2/ ")) return http_answer("200 OK", "{}");
    return has(request, "/manifests/") ? world.manifest : world.content;
  });
  const std::string name = "cache.example";
  host.context = make_server_context(authority().issue({.common_name = name, .names = {name}}),
                                     {.client_ca = kOwn.file()});
  CheckStep step = world.failure("cache.example:5000/a/b");
  CHECK(has(step.cause, "wants a certificate of the client"));
  CHECK(has(step.fix, "client.key /etc/docker/certs.d/cache.example:5000/"));
  CHECK(world.failure("https://cache.example:5000/").fix.starts_with("curl -v --cert "));
  const auto files = kOwn.issue("client");
  const std::string folder = world.folder.path("certs.d/cache.example:5000");
  REQUIRE(std::system(("mkdir -p " + folder + " && cp " + files.cert + " " + folder +
                       "/client.cert && cp " + files.key + " " + folder + "/client.key")
                          .c_str()) == 0);
  CHECK(world.check("cache.example:5000/a/b").ok());
}

TEST_CASE("a registry without TLS, which docker has to be told of") {
  RegistryWorld world;
  world.way.serve_plainly("cache.example:5000", [&](const std::string& request) {
    if (request.starts_with("GET /v2/ ")) return http_answer("200 OK", "{}");
    if (has(request, "/manifests/")) return world.manifest;
    if (has(request, "/blobs/")) return world.content;
    return http_answer("400 Bad Request");
  });
  const CheckStep step = world.failure("cache.example:5000/a/b");
  CHECK(step.name == "tls");
  CHECK(has(step.fix, R"("insecure-registries": ["cache.example:5000"])"));
  std::ofstream(world.folder.path("daemon.json"))
      << R"({"insecure-registries":["cache.example:5000"]})";
  const TargetReport report = world.check("cache.example:5000/a/b");
  CHECK(report.ok());
  CHECK(shown_steps(report)[1] == "http cache.example:5000 ok");
}

TEST_CASE("of a registry that docker is told not to check any certificate will do") {
  RegistryWorld world;
  static const TlsAuthority kOwn("Own CA");
  const auto files =
      kOwn.issue(TlsAuthority::Certificate{.common_name = "x", .names = {"other.example"}});
  world.way.serve("cache.example:5000", files, [&](const std::string& request) {
    if (request.starts_with("GET /v2/ ")) return http_answer("200 OK", "{}");
    return has(request, "/manifests/") ? world.manifest : world.content;
  });
  CHECK(world.failure("cache.example:5000/a/b").name == "tls");
  std::ofstream(world.folder.path("daemon.json"))
      << R"({"insecure-registries":["cache.example:5000"]})";
  const TargetReport report = world.check("cache.example:5000/a/b");
  CHECK(report.ok());
  CHECK(has(report.steps[0].detail, "not checked"));
  CHECK_FALSE(world.check("https://cache.example:5000/").ok());

  // It may end the connection when it reads our hello, too.
  auto& plain = world.way.serve_plainly("cache.example:5000", nullptr);
  plain.dead = true;
  CHECK(shown_steps(world.check("cache.example:5000/a/b")) ==
        Lines{"tls cache.example:5000 ok", "http cache.example:5000 failed"});
}

TEST_CASE("a token service that only the registry's own machine can reach") {
  RegistryWorld world;
  world.v2 = http_answer("401 Unauthorized", {},
                         "WWW-Authenticate: Bearer realm=\"http://localhost:8081/token\"\r\n");
  const CheckStep step = world.failure();
  CHECK(step.name == "registry");
  CHECK(has(step.cause, "names localhost:8081 as its token service"));
}

TEST_CASE("blobs whose host gives no parts, or its own reason") {
  RegistryWorld world;
  world.way.serve("cdn.example:443", [&](const std::string& request) {
    return has(request, "Range: ") ? http_answer("416 Range Not Satisfiable") : world.content;
  });
  world.content = http_answer("200 OK", std::string(2000, 'x'));
  CHECK(world.check().ok());
  world.content = http_answer("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>");
  CheckStep step = world.failure();
  CHECK(has(step.cause, "403 Forbidden (AccessDenied) for a blob"));
  CHECK(step.fix == "curl -v -x socks5h://127.0.0.1:1080 https://cdn.example/");
  world.blob = http_answer("403 Forbidden");
  CHECK(has(world.failure().cause, "whose manifest was given"));
  world.blob = http_answer("404 Not Found");
  CHECK(has(world.failure().fix, "has to be pushed again"));
}

TEST_CASE("a host that speaks neither TLS nor HTTP") {
  RegistryWorld world;
  world.way.serve_plainly("reg.example:443",
                          [](const std::string&) { return "SSH-2.0-OpenSSH_9.2\r\n"; });
  CHECK(world.failure().cause == "reg.example answers in SSH, not in TLS");
}

TEST_CASE("what is no manifest says why") {
  RegistryWorld world;
  world.manifest = http_answer("200 OK", R"({"errors":[{"code":"DENIED","message":"no"}]})");
  CHECK(has(world.failure().cause, "something else than a manifest (DENIED: no)"));
  world.manifest = http_answer("200 OK", "\x1f\x8b", "Content-Encoding: gzip\r\n");
  CHECK(has(world.failure().cause, "not asked for, gzip"));
  world.manifest = http_answer("200 OK");
  CHECK(has(world.failure().cause, "an empty answer"));
  world.manifest = http_answer("200 OK", std::string(5 << 20, ' '));
  CHECK(has(world.failure().cause, "more than a manifest can have"));
  world.manifest = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}";
  CHECK(has(world.failure().cause, "sent a malformed answer: there is more than one"));
}

TEST_CASE("of AWS one gets a password first") {
  CHECK(login_command("docker.io") == "docker login");
  CHECK(login_command("ghcr.io") == "docker login ghcr.io");
  CHECK(login_command("1.dkr.ecr.eu-west-1.amazonaws.com") ==
        "aws ecr get-login-password --region eu-west-1 | docker login --username AWS "
        "--password-stdin 1.dkr.ecr.eu-west-1.amazonaws.com");
}

TEST_CASE("a wrong clock is told from a certificate that is too old") {
  RegistryWorld world;
  world.way.serve("reg.example:443",
                  authority().issue(TlsAuthority::Certificate{
                      .common_name = "x", .names = {"reg.example"}, .from = 2, .to = 9}),
                  nullptr);
  CHECK(has(world.failure().fix, "timedatectl"));
  world.way.serve_plainly("reg.example:80", [&](const std::string&) {
    return http_answer("301 Moved", {}, date_field(3 * 86'400));
  });
  const TargetReport report = world.check();
  CHECK(shown_steps(report) == Lines{"tls reg.example:443 failed", "clock reg.example:80 failed"});
  CHECK(has(report.steps[0].cause, "clock is "));
  CHECK(has(report.steps[1].cause, " behind that of reg.example:80"));
  CHECK(has(report.steps[1].fix, "timedatectl set-ntp true"));

  // A plain answer whose time the certificate does not fit either tells nothing about it.
  world.way.serve_plainly("reg.example:80", [&](const std::string&) {
    return http_answer("301 Moved", {}, date_field(300 * 86'400));
  });
  CHECK(has(world.check().steps[0].cause, "not valid before"));

  RegistryWorld other;
  other.v2 = http_answer("401 Unauthorized", {}, "WWW-Authenticate: Basic\r\n" + date_field(-900));
  CHECK(shown_steps(other.check()).back() == "clock reg.example:443 failed");
}

TEST_CASE("one server's wrong clock is not ours") {
  RegistryWorld world;
  const auto challenged = [&](long offset) {
    std::string answer = challenge();
    const std::string right = date_field();
    return answer.replace(answer.find("Date: "), right.size(), date_field(offset));
  };
  // With room for a second that passes.
  world.v2 = challenged(7'800);
  CHECK(shown_steps(world.check()).back() == "clock reg.example:443 failed");
  world.token = http_answer("200 OK", R"({"token":")" + kToken + R"("})", date_field());
  TargetReport report = world.check();
  CHECK(shown_steps(report).back() == "clock auth.example:443 ok");
  CHECK(has(report.steps.back().detail, "that of reg.example:443 is wrong, by 2 hours"));
  world.token = http_answer("200 OK", R"({"token":")" + kToken + R"("})");
  world.v2 = challenged(900 * 86'400L);
  report = world.check();
  CHECK(report.ok());
  CHECK(has(report.steps.back().detail, "its own clock is wrong"));
}

TEST_CASE("a 407 to a plain request is about the login, as one to a CONNECT") {
  RegistryWorld world;
  std::string answer = http_answer("407 Proxy Authentication Required", {},
                                   "Proxy-Authenticate: Basic realm=\"x\"\r\n");
  world.way.serve_plainly("web.example:80", [&](const std::string&) { return answer; });
  UpstreamConfig& proxy = world.way.tunnel().config;
  proxy.kind = UpstreamConfig::Kind::http;
  proxy.label = "http://proxy.example:3128";
  proxy.name = "tunnel";
  proxy.address = HostPort::parse("proxy.example:3128").value();
  CheckStep step = world.failure("http://web.example/");
  CHECK(step.name == "http");
  CHECK(has(step.cause, "wants a user and password"));
  CHECK(has(step.fix, "--upstream tunnel=http://USER:PASSWORD@proxy.example:3128"));
  proxy.credentials = Credentials{"me", Secret("hush")};
  CHECK(has(world.failure("http://web.example/").cause, "user or password is wrong"));
  answer = http_answer("407 Proxy Authentication Required", {}, "Proxy-Authenticate: NTLM\r\n");
  CHECK(world.failure("http://web.example/").fix.starts_with("cntlm -f "));
  answer = http_answer("407 Proxy Authentication Required", {},
                       "Proxy-Authenticate: Digest nonce=\"a\"\r\n");
  step = world.failure("http://web.example/");
  CHECK(has(step.cause, "it takes only Digest, and we have Basic"));
  CHECK(step.fix.starts_with("px --proxy=proxy.example:3128 "));
}

TEST_CASE("a proxy's refusal of a plain request is told as that of a CONNECT") {
  RegistryWorld world;
  std::string answer;
  world.way.serve_plainly("web.example:80", [&](const std::string&) { return answer; });
  world.way.tunnel().config.kind = UpstreamConfig::Kind::http;
  answer = http_answer("503 Service Unavailable", {}, "X-Squid-Error: ERR_DNS_FAIL 0\r\n");
  CheckStep step = world.failure("http://web.example/");
  CHECK(has(step.cause, "the name does not resolve"));
  CHECK(step.fix.starts_with("getent hosts web.example "));
  answer = http_answer("403 Forbidden", {}, "Server: squid/5.7\r\n");
  CHECK(world.failure("http://web.example/").fix.starts_with("--route 'web.example=OTHER'"));
  answer = http_answer("403 Forbidden");
  CHECK(world.check("http://web.example/").steps.back().detail ==
        "403 Forbidden, by web.example, or socks5://127.0.0.1:1080 for it");
  answer = http_answer("503 culvert: target web.example:80 refused the connection");
  CHECK(has(world.failure("http://web.example/").cause, "refused the connection"));
  answer = http_answer("503 Service Unavailable");
  CHECK(has(world.failure("http://web.example/").fix, "trouble is at that end"));
}

TEST_CASE("a target that is the proxy itself") {
  RegistryWorld world;
  world.way.serve_plainly("proxy.example:3128",
                          [](const std::string&) { return http_answer("508 Loop Detected"); });
  const CheckStep step = world.failure("http://proxy.example:3128/");
  CHECK(has(step.cause, "is that proxy itself"));
  CHECK(step.fix.starts_with("culvert check --upstream http://proxy.example:3128 "));
}

TEST_CASE("a URL: handshake and status line") {
  RegistryWorld world;
  CHECK(shown_steps(world.check("https://reg.example/v2/")) ==
        Lines{"tls reg.example:443 ok", "http reg.example:443 ok"});
  CHECK(shown_steps(world.check("reg.example")) ==
        Lines{"tls reg.example:443 ok", "http reg.example:443 ok"});
  CHECK(world.check("reg.example:5000").steps.empty());
  world.way.serve_plainly("reg.example:8443",
                          [](const std::string&) { return http_answer("400 Bad Request"); });
  CHECK(world.failure("https://reg.example:8443/x").fix ==
        "culvert check --upstream tunnel=socks5://127.0.0.1:1080 http://reg.example:8443/");
}

TEST_CASE("a plain URL: a portal, a proxy that forbids it, an answer of 5xx") {
  RegistryWorld world;
  std::string answer = http_answer("200 OK", "<html>");
  world.way.serve_plainly("web.example:80", [&](const std::string&) { return answer; });
  CHECK(shown_steps(world.check("http://web.example/x")) == Lines{"http web.example:80 ok"});
  answer = http_answer("302 Found", {}, "Location: http://portal.hotel.example/login?hush\r\n");
  CHECK(has(world.failure("http://web.example/").cause, "portal.hotel.example"));
  answer = http_answer("302 Found", {}, "Location: https://web.example/login\r\n");
  CHECK(world.check("http://web.example/").ok());
  answer = http_answer("403 Forbidden", {}, "X-Squid-Error: ERR_ACCESS_DENIED 0\r\n");
  world.way.tunnel().config.kind = UpstreamConfig::Kind::http;
  CHECK(has(world.failure("http://web.example/").cause, "its rules forbid"));
  answer = http_answer("403 Forbidden");
  CHECK(world.check("http://web.example/").ok());
  answer = http_answer("502 Bad Gateway");
  CHECK(world.failure("http://web.example/").name == "http");
}

TEST_CASE("a host that is silent ends with the time of the check, and says so") {
  RegistryWorld world;
  world.way.serve_plainly("reg.example:443", nullptr).silent = true;
  world.way.turns = 3;
  const CheckStep step = world.failure();
  CHECK(step.name == "tls");
  CHECK(step.cause == "no answer within 9.0 s");
  CHECK(step.fix == "culvert check --timeout 18s --upstream tunnel=socks5://127.0.0.1:1080 TARGET");
}
