// Certificates that are not accepted, and what is said about them.
#include "net/certificate_text.h"

#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <openssl/x509.h>

#include "base/text.h"
#include "support/catch.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

/// What a client says to a server with that certificate.
std::string text_for(const TlsAuthority::Files& files, const TlsClientContext& context,
                     const std::string& name = "proxy.example") {
  Loop loop;
  Peer wire(loop);
  TlsSessionSlot slot;
  TlsServer server(wire, make_server_context(files));
  TlsClient client(loop, wire.stream(), context, slot, name);
  REQUIRE(client.shake_hands());
  CHECK_FALSE(client.ready());
  CHECK(client.error().code == Errc::tls_certificate_error);
  CHECK(client.error().side == Side::upstream);
  CHECK(slot.get() == nullptr);
  return client.error().text;
}

std::string text_for(const TlsAuthority::Certificate& certificate,
                     const std::string& name = "proxy.example") {
  return text_for(authority().issue(certificate), *trusting_context(), name);
}

/// The system's store, as OpenSSL finds it, for one test.
class SystemStore {
 public:
  SystemStore(const std::string& file, const std::string& directory) {
    setenv("SSL_CERT_FILE", file.c_str(), 1);
    setenv("SSL_CERT_DIR", directory.c_str(), 1);
  }
  ~SystemStore() {
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
  }
  SystemStore(const SystemStore&) = delete;
  SystemStore& operator=(const SystemStore&) = delete;
};

}  // namespace

TEST_CASE("a certificate for other names is answered with these") {
  CHECK(text_for({.common_name = "x", .names = {"other.example"}}) ==
        "has no certificate for proxy.example, but for other.example - name the right one with "
        "?sni=");
  CHECK(text_for({.common_name = "x", .names = {"proxy.example", "192.0.2.7", "2001:db8::7"}},
                 "192.0.2.1") ==
        "has no certificate for 192.0.2.1, but for proxy.example, 192.0.2.7, 2001:db8::7 - name "
        "the right one with ?sni=");
  CHECK_THAT(text_for({.common_name = "only.example", .names = {}}),
             Contains(", but for only.example - "));
}

TEST_CASE("names in a certificate are bounded and cleaned") {
  std::vector<std::string> many;
  for (int i = 0; i < 50; ++i) many.push_back("name-" + std::to_string(i) + ".corp.example");
  CHECK_THAT(text_for({.common_name = "x", .names = many}),
             Contains(", but for name-0.corp.example, name-1.corp.example, name-2.corp.example "
                      "and 47 more - "));
  CHECK_THAT(text_for({.common_name = "x", .names = {std::string(60, 'n')}}),
             Contains(", but for " + std::string(37, 'n') + "... - "));
  const TlsAuthority stranger("Corp\r\n\x1b[31m");
  CHECK_THAT(text_for(stranger.issue("proxy.example"), *trusting_context()),
             Contains("not in ?ca=, 'Corp???[31m'"));
}

TEST_CASE("an unknown CA is named, and what would make it known") {
  const TlsAuthority corp("Corp Proxy CA");
  const auto files = corp.issue("proxy.example");
  CHECK(text_for(files, *trusting_context()) ==
        "has a certificate from a CA that is not in ?ca=, 'Corp Proxy CA'");
  const SystemStore store(authority().file(), "/nonexistent");
  CHECK(text_for(files, *TlsClientContext::make({}).value()) ==
        "has a certificate from an unknown CA, 'Corp Proxy CA' - name that CA's file with ?ca=");
}

TEST_CASE("a certificate that is its own CA") {
  const TlsAuthority corp("proxy.example");
  const SystemStore store(authority().file(), "/nonexistent");
  const auto context = TlsClientContext::make({}).value();
  CHECK(text_for(corp.own_files(), *context) ==
        "has a self-signed certificate, 'proxy.example' - to trust it, name its file with ?ca=");
}

TEST_CASE("a machine without CA certificates is told that") {
  TempDir dir;
  const TlsAuthority corp("Corp Proxy CA");
  const auto files = corp.issue("proxy.example");
  const SystemStore store("/nonexistent", "/nonexistent:" + dir.path(""));
  CHECK(text_for(files, *TlsClientContext::make({}).value()) ==
        "cannot be trusted: this machine has no CA certificates - install ca-certificates, or name "
        "the file of CA 'Corp Proxy CA' with ?ca=");
  SECTION("a file that is no hashed one is none") {
    std::ofstream(dir.path("README")) << "nothing";
    CHECK(TlsClientContext::make({}).value()->trust() == TlsTrust::nobody);
  }
  SECTION("a hashed one is read when it is needed") {
    std::ofstream(dir.path("0123abcd.0")) << "a certificate";
    CHECK(TlsClientContext::make({}).value()->trust() == TlsTrust::system);
  }
  CHECK(trusting_context()->trust() == TlsTrust::named);
}

TEST_CASE("a certificate that is out of its time is named with the date and our clock") {
  const std::string expired = text_for({.common_name = "x", .names = {"proxy.example"}, .to = -1});
  CHECK_THAT(expired, StartsWith("has a certificate that expired on 2") &&
                          Contains(" UTC - this machine's clock says 2") && EndsWith(" UTC"));
  const std::string early =
      text_for({.common_name = "x", .names = {"proxy.example"}, .from = 3, .to = 7});
  CHECK_THAT(early, StartsWith("has a certificate that is not valid before 2") &&
                        Contains(" UTC - this machine's clock says 2"));
}

TEST_CASE("of a certificate is told for whom, by whom and until when it is, accepted or not") {
  using Verdict = CertificateFacts::Verdict;
  const auto facts_for = [](const TlsAuthority& issuer, const TlsAuthority::Certificate& wanted) {
    Loop loop;
    Peer wire(loop);
    TlsSessionSlot slot;
    TlsServer server(wire, make_server_context(issuer.issue(wanted)));
    const auto context = trusting_context();
    TlsClient client(loop, wire.stream(), *context, slot);
    REQUIRE(client.shake_hands());
    return client.stream->certificate();
  };
  const std::vector<std::string> names{"proxy.example", "b.example"};
  const CertificateFacts good = facts_for(authority(), {.common_name = "x", .names = names});
  CHECK(good.verdict == Verdict::accepted);
  CHECK(good.names == "proxy.example, b.example");
  CHECK_FALSE(good.issuer.empty());
  CHECK(good.not_before < std::time(nullptr));
  CHECK(good.not_after > std::time(nullptr));

  const CertificateFacts old =
      facts_for(authority(), {.common_name = "x", .names = names, .from = -9, .to = -2});
  CHECK(old.verdict == Verdict::expired);
  CHECK(old.not_after < std::time(nullptr));
  CHECK(facts_for(authority(), {.common_name = "x", .names = names, .from = 2, .to = 9}).verdict ==
        Verdict::not_yet_valid);
  const CertificateFacts other =
      facts_for(authority(), {.common_name = "x", .names = {"portal.example"}});
  CHECK(other.verdict == Verdict::wrong_name);
  CHECK(other.names == "portal.example");
  static const TlsAuthority kMiddlebox("Corp Proxy CA");
  const CertificateFacts unknown = facts_for(kMiddlebox, {.common_name = "x", .names = names});
  CHECK(unknown.verdict == Verdict::unknown_issuer);
  CHECK_THAT(unknown.issuer, Contains("Corp Proxy CA"));
}

// ---- clients

namespace {

using Entries = std::vector<std::pair<const char*, std::string>>;

std::string user_with(const Entries& entries) {
  const std::unique_ptr<X509, void (*)(X509*)> cert(X509_new(), X509_free);
  for (const auto& [kind, value] : entries) {
    REQUIRE(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), kind, V_ASN1_UTF8STRING,
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), -1, 0) == 1);
  }
  return user_of(cert.get());
}

}  // namespace

TEST_CASE("users by certificate have the names that stand there, in any script") {
  CHECK(user_with({{"CN", "alice"}, {"O", "Corp"}}) == "alice");
  CHECK(user_with({{"CN", "CORP\\alice"}}) == "CORP\\alice");
  CHECK(user_with({{"CN", "Zoë"}}) == "Zoë");
  CHECK(user_with({{"CN", "李"}}) != user_with({{"CN", "王"}}));
  CHECK(user_with({{"O", "Überall"}}) == "O=Überall");
  CHECK(user_with({}) == "(a certificate without a subject)");
}

TEST_CASE(
    "users by certificate that differ stay different, however long they are, whatever they hold") {
  const std::string same(300, 'x');
  const std::string umlauts = [] {
    std::string text;
    for (int i = 0; i < 150; ++i) text += "ü";
    return text;
  }();
  const auto [one, other] = GENERATE_COPY(values<std::pair<Entries, Entries>>({
      {{{"CN", "a\n"}}, {{"CN", "a\r"}}},
      {{{"CN", "a\n"}}, {{"CN", "a"}}},
      {{{"O", same + "1"}}, {{"O", same + "2"}}},
      {{{"CN", same + "1"}}, {{"CN", same + "2"}}},
      {{{"CN", umlauts + "1"}}, {{"CN", "x" + umlauts + "2"}}},
  }));
  const std::string first = user_with(one);
  const std::string second = user_with(other);
  CAPTURE(first, second);
  CHECK(first != second);
  for (const std::string& name : {first, second}) {
    CHECK_FALSE(name.empty());
    CHECK(name.size() <= 200);
    for (const char c : name) CHECK((static_cast<unsigned char>(c) >= ' ' && c != '\x7f'));
    // Whole characters: nothing is replaced.
    CHECK(json_escape(name).find("\\ufffd") == std::string::npos);
  }
}
