#include "codec/shown_head.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

namespace {

const std::optional<Credentials> kNobody;

std::string shown(std::string_view head) { return shown_request(head); }

}  // namespace

TEST_CASE("a request is shown without what may be a secret") {
  CHECK(shown("GET http://bob:hush@gcr.io/v2/?token=hush#hush HTTP/1.1\r\n"
              "Host: gcr.io\r\n"
              "Authorization: Bearer hush\r\n"
              "PROXY-AUTHORIZATION: Basic hush\r\n"
              "Cookie: a=hush\r\n"
              "X-Vault-Token: hush\r\n"
              "Range: bytes=10-\r\n\r\n") ==
        "GET http://***@gcr.io/v2/?... HTTP/1.1\n"
        "Host: gcr.io\n"
        "Authorization: (not shown)\n"
        "PROXY-AUTHORIZATION: (not shown)\n"
        "Cookie: (not shown)\n"
        "X-Vault-Token: (not shown)\n"
        "Range: bytes=10-");
  CHECK(shown("CONNECT gcr.io:443 HTTP/1.0\r\n\r\n") == "CONNECT gcr.io:443 HTTP/1.0");
  CHECK(shown("GET /v2/a@b/?q HTTP/1.1\r\nHost: h\r\n\r\nbody") ==
        "GET /v2/a@b/?... HTTP/1.1\nHost: h");
}

TEST_CASE("a response is shown without what may be a secret") {
  CHECK(shown_response("HTTP/1.1 307 Temporary Redirect\r\n"
                       "Location: https://blobs.example/sha256/ab?X-Amz-Signature=hush\r\n"
                       "Set-Cookie: hush\r\n"
                       "WWW-Authenticate: Bearer realm=\"hush\"\r\n"
                       "Proxy-Authenticate: Negotiate\r\n"
                       "Content-Length: 0\r\n\r\n",
                       kNobody) ==
        "HTTP/1.1 307 Temporary Redirect\n"
        "Location: https://blobs.example/sha256/ab?...\n"
        "Set-Cookie: (not shown)\n"
        "WWW-Authenticate: Bearer ...\n"
        "Proxy-Authenticate: Negotiate\n"
        "Content-Length: 0");
  CHECK(shown_response("HTTP/1.1 200\r\n\r\n", kNobody) == "HTTP/1.1 200");
}

TEST_CASE("a line in which a proxy repeats its password is not shown") {
  const std::optional<Credentials> ours = Credentials{"bob", Secret("open sesame")};
  CHECK(shown_response("HTTP/1.1 403 bob:open sesame is wrong\r\n"
                       "Server: Ym9iOm9wZW4gc2VzYW1l\r\nVia: 1.1 p\r\n\r\n",
                       ours) == "***\n***\nVia: 1.1 p");
}

TEST_CASE("what is no sound head is shown by its length") {
  CHECK(shown("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io") == "(41 bytes)");
  CHECK(shown("GET / HTTP/1.1\r\nbad name: x\r\n\r\n") == "(31 bytes)");
  CHECK(shown_response("SSH-2.0-OpenSSH_9\r\n\r\n", kNobody) == "(21 bytes)");
}

TEST_CASE("what is shown of a head is bounded, and printable") {
  std::string head = "GET /" + std::string(300, 'a') + " HTTP/1.1\r\nUser-Agent: \xc3\xa9\r\n";
  for (int i = 0; i < 60; ++i) head += "X-Field: 1\r\n";
  const std::string text = shown(head + "\r\n");
  CHECK(text.size() < 40 * 60 + 300);
  CHECK_THAT(text, Contains("aaa...\n") && Contains("\nUser-Agent: ??\n"));
  CHECK(text.substr(text.size() - 4) == "\n...");
}
