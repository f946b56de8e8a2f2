#include "check/image_reference.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

ImageReference parsed(const std::string& text) {
  auto image = ImageReference::parse(text);
  CAPTURE(text);
  if (!image) FAIL(image.error().text);
  return *image;
}

std::string refused(const std::string& text) {
  const auto image = ImageReference::parse(text);
  return image ? "taken as " + image->to_string() : image.error().text;
}

}  // namespace

TEST_CASE("what one gives to docker pull names a registry, a repository and a version") {
  struct Row {
    std::string text, registry, repository, version;
  };
  const auto row = GENERATE(
      Row{"nginx", "registry-1.docker.io:443", "library/nginx", "latest"},
      Row{"nginx:1.25", "registry-1.docker.io:443", "library/nginx", "1.25"},
      Row{"bitnami/redis", "registry-1.docker.io:443", "bitnami/redis", "latest"},
      Row{"docker.io/nginx", "registry-1.docker.io:443", "library/nginx", "latest"},
      Row{"index.docker.io/library/nginx:1", "registry-1.docker.io:443", "library/nginx", "1"},
      Row{"gcr.io/google_containers/pause:3.1", "gcr.io:443", "google_containers/pause", "3.1"},
      Row{"GCR.io/pause", "gcr.io:443", "pause", "latest"},
      Row{"Cache/pause", "cache:443", "pause", "latest"},
      Row{"localhost/x", "localhost:443", "x", "latest"},
      Row{"localhost:5000/x", "localhost:5000", "x", "latest"},
      Row{"cache:5000/a/b", "cache:5000", "a/b", "latest"},
      Row{"192.0.2.1:5000/a/b_c/d--e:v1", "192.0.2.1:5000", "a/b_c/d--e", "v1"},
      Row{"[2001:db8::1]:5000/a", "[2001:db8::1]:5000", "a", "latest"});
  CAPTURE(row.text);
  const ImageReference image = parsed(row.text);
  CHECK(image.registry.to_string() == row.registry);
  CHECK(image.repository == row.repository);
  CHECK(image.version() == row.version);
}

TEST_CASE("a digest counts, whatever the tag is") {
  CHECK(parsed("HOST:5000/a/b@" + kDigest).version() == kDigest);
  CHECK(parsed("HOST:5000/a/b@" + kDigest).tag.empty());
  const ImageReference both = parsed("nginx:1.25@" + kDigest);
  CHECK(both.version() == kDigest);
  CHECK(both.to_string() == "docker.io/library/nginx:1.25@" + kDigest);
}

TEST_CASE("what is no image is refused, and the mistake named") {
  CHECK(refused("") == "the image's name is missing");
  CHECK(refused("gcr.io/") == "the image's name is missing");
  CHECK(refused("gcr.io/Pause") == "an image's name is in lower case: pause");
  CHECK(refused("a..b") == "no image has such a name: a..b");
  CHECK(refused("a//b") == "a part of the image's name is empty: a '/' is too many");
  CHECK(refused("a/") == "a part of the image's name is empty: a '/' is too many");
  for (const char* const algorithm : {"sha256:", "sha512:"}) {
    CHECK(refused("nginx@" + (algorithm + std::string(63, 'a'))) ==
          "what follows the '@' is no digest, as in name@sha256:<64 digits>");
  }
  CHECK(refused("-a") == "no image has such a name: -a");
  CHECK(refused("nginx:") == "what follows the ':' is no tag");
  CHECK(refused("nginx:a b") == "what follows the ':' is no tag");
  CHECK(refused("nginx@sha256:12") ==
        "what follows the '@' is no digest, as in name@sha256:<64 digits>");
  CHECK(refused("HOST:99999/x").find("port") != std::string::npos);
  CHECK(refused(std::string(300, 'a')) == "the image's name is too long");
  CHECK(refused("user:secret@gcr.io/x").find("secret") == std::string::npos);
}
