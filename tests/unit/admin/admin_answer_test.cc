#include "admin/admin_answer.h"

#include "base/json.h"
#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

TEST_CASE("an error is JSON for programs, and a line for people") {
  const AdminAnswer json = admin_error(404, "there is no \"it\"", true);
  CHECK(json.status == 404);
  CHECK(json.type == kJsonType);
  const auto read = Json::parse(json.body);
  REQUIRE(read);
  CHECK(read->names() == std::vector<std::string>{"error"});
  CHECK(read->at("error").text() == "there is no \"it\"");
  CHECK_THAT(json.body, EndsWith("}\n"));

  const AdminAnswer text = admin_error(403, "there is <b>no</b> \"it\"", false);
  CHECK(text.status == 403);
  CHECK(text.type == kTextType);
  CHECK(text.body == "there is <b>no</b> \"it\"\n");
}

TEST_CASE("an answer's head") {
  const std::string head = admin_head({.type = kJsonType, .body = "{}\n"}, true);
  CHECK_THAT(head, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  CHECK_THAT(head, EndsWith("\r\n\r\n"));
  CHECK(head.find("\r\n\r\n") == head.size() - 4);
  CHECK_THAT(head, Contains("\r\nContent-Type: application/json\r\n"));
  CHECK_THAT(head, Contains("\r\nContent-Length: 3\r\n"));
  CHECK_THAT(head, !Contains("Connection:"));
  CHECK_THAT(admin_head({.type = kJsonType}, false), Contains("\r\nConnection: close\r\n"));
  CHECK_THAT(
      admin_head({.status = 503, .type = kTextType}, false),
      StartsWith("HTTP/1.1 503 Service Unavailable\r\n") && Contains("\r\nContent-Length: 0\r\n"));
}

TEST_CASE("an answer without a content has no length, and one without a type none") {
  const std::string head = admin_head({.status = 204}, true);
  CHECK_THAT(head, StartsWith("HTTP/1.1 204 No Content\r\n"));
  CHECK_THAT(head, !Contains("\r\nContent-Length:") && !Contains("\r\nContent-Type:"));
}

TEST_CASE("a status that is not used is called an error") {
  CHECK_THAT(admin_head({.status = 599}, true), StartsWith("HTTP/1.1 599 Error\r\n"));
}

TEST_CASE("nothing is stored, framed, sniffed or read by another page") {
  for (const std::string& head :
       {admin_head({.type = kHtmlType}, true), admin_head({.status = 204}, false),
        admin_head(admin_error(404, "no", true), true), admin_stream_head(kEventType)}) {
    CAPTURE(head);
    CHECK_THAT(head, Contains("\r\nCache-Control: no-store\r\n"));
    CHECK_THAT(head, Contains("\r\nX-Content-Type-Options: nosniff\r\n"));
    CHECK_THAT(head, Contains("\r\nX-Frame-Options: DENY\r\n"));
    CHECK_THAT(head, Contains("\r\nReferrer-Policy: no-referrer\r\n"));
    CHECK_THAT(head, Contains("\r\nCross-Origin-Resource-Policy: same-origin\r\n"));
    CHECK_THAT(head, Contains("\r\nCross-Origin-Opener-Policy: same-origin\r\n"));
    CHECK_THAT(head, Contains("\r\nContent-Security-Policy: default-src 'none'; frame-ancestors "
                              "'none'\r\n"));
    CHECK_THAT(head, !Contains("Access-Control-"));
  }
}

TEST_CASE("a page has its own policy in place of ours") {
  const std::string head = admin_head(
      {.type = kHtmlType, .fields = "Content-Security-Policy: script-src 'sha256-x'\r\n"}, true);
  CHECK_THAT(head, Contains("\r\nContent-Security-Policy: script-src 'sha256-x'\r\n"));
  CHECK_THAT(head, !Contains("default-src 'none'"));
  CHECK(head.find("Content-Security-Policy") == head.rfind("Content-Security-Policy"));
  CHECK_THAT(admin_head({.status = 405, .fields = "Allow: POST\r\n"}, true),
             StartsWith("HTTP/1.1 405 Method Not Allowed\r\n") && Contains("\r\nAllow: POST\r\n") &&
                 Contains("default-src 'none'"));
}

TEST_CASE("a stream ends with its connection") {
  const std::string head = admin_stream_head(kEventType);
  CHECK_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(head, Contains("\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"));
  CHECK_THAT(head, !Contains("Content-Length"));
}
