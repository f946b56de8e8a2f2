#include "admin/admin_request.h"

#include "base/text.h"
#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;
using Method = AdminRequest::Method;

namespace {

using Read = std::variant<AdminRequest, AdminAnswer>;

Read read(const std::string& text, const AdminNames& names = {}) {
  RequestHead head;
  CAPTURE(text);
  REQUIRE(parse_request_head(text, {}, head));
  return read_admin_request(head, names);
}

std::string get(std::string_view target, std::string_view fields = "Host: 127.0.0.1:9128\r\n",
                std::string_view method = "GET") {
  return concat({method, " ", target, " HTTP/1.1\r\n", fields, "\r\n"});
}

/// A request that is served.
AdminRequest served(const std::string& text, const AdminNames& names = {}) {
  Read got = read(text, names);
  if (const auto* const refusal = std::get_if<AdminAnswer>(&got)) UNSCOPED_INFO(refusal->body);
  REQUIRE(std::holds_alternative<AdminRequest>(got));
  return std::get<AdminRequest>(std::move(got));
}

/// One that is not.
AdminAnswer refused(const std::string& text, const AdminNames& names = {}) {
  Read got = read(text, names);
  CAPTURE(text);
  REQUIRE(std::holds_alternative<AdminAnswer>(got));
  AdminAnswer answer = std::get<AdminAnswer>(std::move(got));
  CHECK(answer.close);  // a body may follow
  return answer;
}

int status_of(const std::string& text, const AdminNames& names = {}) {
  const Read got = read(text, names);
  const auto* const refusal = std::get_if<AdminAnswer>(&got);
  return refusal == nullptr ? 200 : refusal->status;
}

std::string at_host(std::string_view host) { return get("/", concat({"Host: ", host, "\r\n"})); }

std::string action(std::string_view fields) {
  return get("/api/v1/tunnels/7/end", concat({"Host: localhost:1\r\n", fields}), "POST");
}

const std::string kAction = "X-Culvert-Action: 1\r\n";

}  // namespace

TEST_CASE("a request in its parts") {
  const AdminRequest request = served(get("/api/v1/upstreams/a%2Fb%20c?limit=%31&x",
                                          "Host: LocalHost:9128\r\nAccept: text/plain\r\n"
                                          "accept: */*\r\nLast-Event-ID: 42\r\n"));
  CHECK(request.method == Method::get);
  CHECK(request.path == "/api/v1/upstreams/a/b c");
  CHECK(request.query == "limit=%31&x");
  CHECK(request.host == "localhost");
  CHECK(request.accept == "text/plain, */*");
  CHECK(request.last_event_id == "42");
  CHECK(request.kept);
  CHECK(request.is_api());
  CHECK_FALSE(request.acts());
  CHECK_FALSE(served(get("/")).is_api());
  CHECK(served(get("/?")).query.empty());
  CHECK(served(get("/", "Host: [::1]:9128\r\n")).host == "::1");
}

TEST_CASE("methods") {
  CHECK(served(get("/", "Host: a\r\n", "HEAD")).method == Method::head);
  CHECK(served(action(kAction)).method == Method::post);
  CHECK(served(action(kAction)).acts());
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"}) {
    CAPTURE(method);
    const AdminAnswer answer = refused(get("/", "Host: a\r\n", method));
    CHECK(answer.status == 405);
    CHECK(answer.fields == "Allow: GET, HEAD, POST\r\n");
  }
}

TEST_CASE("a proxy's client that has the wrong port is told so") {
  for (const std::string& text :
       {std::string("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n"),
        get("http://example.com/", "Host: example.com\r\n"),
        get("https://127.0.0.1:9128/", "Host: 127.0.0.1:9128\r\n")}) {
    const AdminAnswer answer = refused(text, {.any = true});
    CHECK(answer.status == 421);
    CHECK(answer.type == kTextType);
    CHECK_THAT(answer.body, Contains("not its proxy port"));
  }
}

TEST_CASE("targets that are no path") {
  CHECK(refused(get("*", "Host: a\r\n")).status == 400);
  CHECK(refused(get("/%")).status == 400);
  CHECK(refused(get("/api/%zz")).status == 400);
  CHECK(served(get("/100%25")).path == "/100%");
  CHECK(served(get("/a?b=http://c/")).query == "b=http://c/");
}

TEST_CASE("errors below /api are JSON, all others text") {
  CHECK(refused(get("/api/v1/status", "Host: evil.example\r\n")).type == kJsonType);
  CHECK(refused(get("/metrics", "Host: evil.example\r\n")).type == kTextType);
}

TEST_CASE("a body is refused, an empty one is none") {
  CHECK(status_of(action(kAction + "Content-Length: 0\r\n")) == 200);
  CHECK(refused(action(kAction + "Content-Length: 1\r\n")).status == 400);
  CHECK(refused(action(kAction + "Transfer-Encoding: chunked\r\n")).status == 400);
  CHECK(refused(get("/", "Host: a\r\nContent-Length: 5\r\n")).status == 400);
}

TEST_CASE("a request has one Host field, unless it is of HTTP/1.0") {
  CHECK(refused(get("/", "")).status == 400);
  CHECK(refused(get("/", "Host: localhost\r\nHost: localhost\r\n")).status == 400);
  CHECK(served("GET / HTTP/1.0\r\n\r\n").host.empty());
  CHECK(refused("GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n").status == 421);
}

TEST_CASE("names that nobody else can have lead here") {
  for (const char* host :
       {"localhost", "LOCALHOST:9128", "127.0.0.1", "127.0.0.1:80", "192.0.2.7:9", "[::1]:9128",
        "[2001:db8::1]", "culvert", "nas:9128", "me.localhost"}) {
    CAPTURE(host);
    CHECK(status_of(at_host(host)) == 200);
  }
}

TEST_CASE("a name that somebody may have rebound to this host is not served") {
  for (const char* host : {"evil.example", "evil.example:9128", "127.0.0.1.evil.example",
                           "localhost.evil.example", "a.local", "xlocalhost.com"}) {
    CAPTURE(host);
    const AdminAnswer answer = refused(at_host(host));
    CHECK(answer.status == 421);
    CHECK_THAT(answer.body, !Contains("evil"));
    CHECK(status_of(at_host(host), {.any = true}) == 200);
  }
  for (const char* host :
       {"a b", "127.1", "user@localhost", "localhost:0", "localhost:99999", "::1", "a,b", "[::1"}) {
    CAPTURE(host);
    CHECK(refused(at_host(host)).status == 400);
  }
}

TEST_CASE("names of the certificate are served") {
  const AdminNames names{.others = {"Proxy.example", "b.example"}};
  CHECK(status_of(at_host("proxy.EXAMPLE:9128"), names) == 200);
  CHECK(status_of(at_host("b.example"), names) == 200);
  CHECK(status_of(at_host("localhost"), names) == 200);
  CHECK(status_of(at_host("c.example"), names) == 421);
  CHECK(status_of(at_host("a.proxy.example"), names) == 421);
}

TEST_CASE("a page of another origin has no access") {
  const auto from = [](std::string_view origin) {
    return get("/api/v1/status", concat({"Host: localhost:9128\r\n", origin}));
  };
  CHECK(status_of(from("Origin: http://localhost:9128\r\n")) == 200);
  CHECK(status_of(from("Origin: https://LOCALHOST:9128\r\n")) == 200);
  CHECK(status_of(from("Origin: \r\n")) == 200);
  for (const char* origin :
       {"Origin: null\r\n", "Origin: http://localhost\r\n", "Origin: http://localhost:9129\r\n",
        "Origin: http://127.0.0.1:9128\r\n", "Origin: https://evil.example\r\n",
        "Origin: http://localhost:9128.evil.example\r\n",
        "Origin: http://localhost:9128\r\nOrigin: http://localhost:9128\r\n"}) {
    CAPTURE(origin);
    CHECK(refused(from(origin)).status == 403);
  }
}

TEST_CASE("what a browser says about who asks") {
  const auto fetch = [](std::string_view target, std::string_view site, std::string_view mode,
                        std::string_view dest, std::string_view method = "GET") {
    return get(target,
               concat({"Host: localhost:1\r\nSec-Fetch-Site: ", site, "\r\nSec-Fetch-Mode: ", mode,
                       "\r\nSec-Fetch-Dest: ", dest, "\r\n", kAction}),
               method);
  };
  CHECK(status_of(fetch("/api/v1/status", "same-origin", "cors", "empty")) == 200);
  CHECK(status_of(fetch("/api/v1/status", "none", "navigate", "document")) == 200);
  CHECK(status_of(fetch("/api/v1/status", "same-site", "cors", "empty")) == 403);
  CHECK(status_of(fetch("/api/v1/status", "cross-site", "no-cors", "script")) == 403);
  CHECK(status_of(fetch("/api/v1/status", "cross-site", "navigate", "document")) == 403);
  // Its reader may follow a link to the page.
  CHECK(status_of(fetch("/", "cross-site", "navigate", "document")) == 200);
  CHECK(status_of(fetch("/", "cross-site", "navigate", "iframe")) == 403);
  CHECK(status_of(fetch("/", "cross-site", "no-cors", "image")) == 403);
  CHECK(status_of(fetch("/", "cross-site", "navigate", "document", "POST")) == 403);
  CHECK(status_of(fetch("/api/v1/tunnels/7/end", "same-origin", "cors", "empty", "POST")) == 200);
}

TEST_CASE("an action takes a field that no page of another origin can send") {
  const AdminAnswer answer = refused(action(""));
  CHECK(answer.status == 403);
  CHECK(answer.type == kJsonType);
  CHECK_THAT(answer.body, Contains("X-Culvert-Action"));
  CHECK(refused(action("X-Culvert-Action:\r\n")).status == 403);
  CHECK(status_of(action("x-culvert-action: 1\r\n")) == 200);
}

TEST_CASE("whether the connection is kept") {
  CHECK(served(get("/")).kept);
  CHECK_FALSE(served(get("/", "Host: a\r\nConnection: close\r\n")).kept);
  CHECK_FALSE(served(get("/", "Host: a\r\nConnection: x, Close\r\n")).kept);
  CHECK_FALSE(served("GET / HTTP/1.0\r\nHost: a\r\n\r\n").kept);
  CHECK_FALSE(served("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n").kept);
}

TEST_CASE("a value of a query") {
  CHECK(query_value("limit=100&sort=-rate", "sort") == "-rate");
  CHECK(query_value("limit=100&sort=-rate", "limit") == "100");
  CHECK(query_value("filter=a%26b+c%2B", "filter") == "a&b c+");
  CHECK(query_value("a=1&a=2", "a") == "1");
  CHECK(query_value("a=b=c", "a") == "b=c");
  CHECK(query_value("a&b=", "a") == "");
  CHECK(query_value("a&b=", "b") == "");
  CHECK_FALSE(query_value("", "a"));
  CHECK_FALSE(query_value("ab=1&xa=2", "a"));
  CHECK(query_value("a=100%&b=1", "a") == "100%");
}
