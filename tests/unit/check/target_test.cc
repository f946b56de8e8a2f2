#include "check/target.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

/// "url https gcr.io:443 /v2/"
std::string read_as(const std::string& text) {
  const auto target = CheckTarget::parse(text);
  if (!target) return "refused: " + target.error().text;
  switch (target->kind) {
    case CheckTarget::Kind::image:
      return "image " + target->image.to_string();
    case CheckTarget::Kind::host:
      return "host " + target->address.to_string();
    case CheckTarget::Kind::url:
      break;
  }
  return (target->tls ? "https " : "http ") + target->address.to_string() + " " + target->path;
}

}  // namespace

TEST_CASE("a target is a URL, an image or a host, as its writer means it") {
  CHECK(read_as("https://gcr.io/v2/?a=b#c") == "https gcr.io:443 /v2/?a=b");
  CHECK(read_as("HTTP://plain.example:8080") == "http plain.example:8080 /");
  CHECK(read_as("docker://gcr.io/a/b") == "image gcr.io/a/b:latest");
  CHECK(read_as("gcr.io/google_containers/pause:3.1") ==
        "image gcr.io/google_containers/pause:3.1");
  CHECK(read_as("nginx") == "image docker.io/library/nginx:latest");
  CHECK(read_as("nginx:latest") == "image docker.io/library/nginx:latest");
  CHECK(read_as("redis:7") == "image docker.io/library/redis:7");
  CHECK(read_as("localhost:5000/x") == "image localhost:5000/x:latest");
  CHECK(read_as("gcr.io") == "host gcr.io:443");
  CHECK(read_as("gcr.io:5000") == "host gcr.io:5000");
  CHECK(read_as("proxy:3128") == "host proxy:3128");
  CHECK(read_as("cache:80") == "host cache:80");
  CHECK(read_as("localhost") == "host localhost:443");
  CHECK(read_as("localhost:5") == "host localhost:5");
  CHECK(read_as("192.0.2.1:22") == "host 192.0.2.1:22");
  CHECK(read_as("[2001:db8::1]:443") == "host [2001:db8::1]:443");
}

TEST_CASE("what is none is refused, and no secret shown") {
  CHECK(read_as("ftp://x") == "refused: neither an http:// nor an https:// URL");
  CHECK(read_as("https://") != "");
  const auto target = CheckTarget::parse("https://user:hush@gcr.io/path?token=hush");
  REQUIRE(target);
  CHECK(target->shown == "https://gcr.io");
  CHECK(read_as("https://user:hush@:x/").find("hush") == std::string::npos);
  CHECK(read_as("gcr.io:70000").find("refused") == 0);
}
