#include "admin/page_text.h"

#include <string>

#include <openssl/evp.h>

#include "support/catch.h"

using namespace culvert;

namespace {

/// What stands between the only `<tag...>` and `</tag>` of the page.
std::string_view element(std::string_view tag) {
  std::string_view page = status_page();
  auto begin = page.find("<" + std::string(tag));
  REQUIRE(begin != std::string_view::npos);
  CHECK(page.find("<" + std::string(tag), begin + 1) == std::string_view::npos);
  begin = page.find('>', begin) + 1;
  auto end = page.find("</" + std::string(tag) + ">", begin);
  REQUIRE(end != std::string_view::npos);
  return page.substr(begin, end - begin);
}

/// As a Content-Security-Policy names it.
std::string hash(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  REQUIRE(EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr) == 1);
  unsigned char base64[2 * EVP_MAX_MD_SIZE];
  int size = EVP_EncodeBlock(base64, digest, static_cast<int>(length));
  std::string result = "'sha256-";
  result.append(base64, base64 + size);
  return result + "'";
}

bool page_has(std::string_view text) { return status_page().find(text) != std::string_view::npos; }

}  // namespace

TEST_CASE("the policy of the status page lets its own style and script through, and no other") {
  CHECK(status_page_policy() == "default-src 'none'; script-src " + hash(element("script")) +
                                    "; style-src " + hash(element("style")) +
                                    "; connect-src 'self'; img-src data:; base-uri 'none'; "
                                    "form-action 'none'; frame-ancestors 'none'; "
                                    "require-trusted-types-for 'script'; trusted-types 'none'");
}

TEST_CASE("the status page is one whole document, without anything that its policy would stop") {
  CHECK(status_page().substr(0, 15) == "<!doctype html>");
  CHECK(status_page().substr(status_page().size() - 8) == "</html>\n");
  CHECK_FALSE(page_has("@style@"));
  CHECK_FALSE(page_has("@script@"));
  CHECK_FALSE(page_has(" style="));
  CHECK_FALSE(page_has("innerHTML"));
  CHECK_FALSE(page_has("src="));
  CHECK_FALSE(page_has("https://"));
  CHECK_FALSE(page_has("url("));
}

TEST_CASE("the status page is small") { CHECK(status_page().size() < 70000); }
