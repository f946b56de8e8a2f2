// In which order ciphers are offered to a server.
#include "net/tls_ciphers.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "support/catch.h"

using namespace culvert;

namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

Context client() { return {SSL_CTX_new(TLS_client_method()), SSL_CTX_free}; }

std::vector<std::string> offered(const Context& context) {
  std::vector<std::string> names;
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    names.emplace_back(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)));
  }
  return names;
}

bool is_fast(const std::string& name, bool aes) {
  const bool fresh_key = name.starts_with("TLS_") || name.starts_with("ECDHE-");
  const bool fits =
      aes ? name.find("128-GCM") != std::string::npos || name.find("128_GCM") != std::string::npos
          : name.find("CHACHA20") != std::string::npos;
  return fresh_key && fits && name.find("PSK") == std::string::npos;
}

}  // namespace

TEST_CASE("the fast ciphers come first in each version, and all others as they were") {
  const bool aes = GENERATE(true, false);
  CAPTURE(aes);
  const Context context = client();
  const std::vector<std::string> before = offered(context);
  offer_fast_ciphers_first(context.get(), aes);
  const auto kind = [&](const std::string& name) {
    return (name.starts_with("TLS_") ? 0 : 2) + (is_fast(name, aes) ? 0 : 1);
  };
  std::vector<std::string> expected = before;
  std::stable_sort(expected.begin(), expected.end(),
                   [&](const auto& one, const auto& other) { return kind(one) < kind(other); });
  CHECK(offered(context) == expected);
  CHECK(expected[0] == (aes ? "TLS_AES_128_GCM_SHA256" : "TLS_CHACHA20_POLY1305_SHA256"));
  const auto first12 = std::find_if(expected.begin(), expected.end(),
                                    [](const auto& name) { return !name.starts_with("TLS_"); });
  REQUIRE(first12 != expected.end());
  CHECK(*first12 == (aes ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "ECDHE-ECDSA-CHACHA20-POLY1305"));
}

TEST_CASE("ciphers that the machine's settings leave out are not offered") {
  const Context context = client();
  REQUIRE(SSL_CTX_set_cipher_list(
              context.get(), "ECDHE-RSA-AES256-GCM-SHA384:AES128-GCM-SHA256:@SECLEVEL=1") == 1);
  REQUIRE(SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_256_GCM_SHA384") == 1);
  const int level = SSL_CTX_get_security_level(context.get());
  offer_fast_ciphers_first(context.get(), true);
  // The key of the second one is not forgotten: it stays behind.
  CHECK(offered(context) == std::vector<std::string>{"TLS_AES_256_GCM_SHA384",
                                                     "ECDHE-RSA-AES256-GCM-SHA384",
                                                     "AES128-GCM-SHA256"});
  CHECK(SSL_CTX_get_security_level(context.get()) == level);
}

TEST_CASE("without one of the versions the other has its order") {
  const Context context = client();
  REQUIRE(SSL_CTX_set_ciphersuites(context.get(), "") == 1);
  offer_fast_ciphers_first(context.get(), true);
  CHECK(offered(context).front() == "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_CASE("the processor is asked") {
  std::ifstream file("/proc/cpuinfo");
  const std::vector<std::string> words{std::istream_iterator<std::string>(file), {}};
  const auto said = [&](const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  CHECK(has_aes_instructions() == (said("aes") && (said("pclmulqdq") || said("pmull"))));
}
