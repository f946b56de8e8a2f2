// Certificates and keys in files, and what is wrong with them.
#include "net/server_certificate.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "support/catch.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

namespace {

std::string content(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

/// What is wrong with them, joined.
std::string problems_of(const std::string& cert, const std::string& key) {
  std::vector<std::string> problems;
  const auto read = ServerCertificate::read({cert, key}, problems);
  CHECK(read.has_value() == problems.empty());
  std::string text;
  for (const std::string& problem : problems) text += problem + "\n";
  return text;
}

void encrypt_key(const std::string& from, const std::string& to) {
  BIO* in = BIO_new_file(from.c_str(), "r");
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO* out = BIO_new_file(to.c_str(), "w");
  const std::string phrase = "secret phrase";
  PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), phrase.data(),
                                static_cast<int>(phrase.size()), nullptr, nullptr);
  BIO_free(out);
  BIO_free(in);
  EVP_PKEY_free(key);
}

}  // namespace

TEST_CASE("a certificate and its key are read from two files or from one, with a chain behind it") {
  const TlsAuthority::Files files = authority().issue("proxy.example");
  CHECK(problems_of(files.cert, files.key).empty());
  const TempDir dir;
  const std::string both = dir.path("both.pem");
  write(both, content(files.key) + content(files.cert) + content(authority().file()));
  std::vector<std::string> problems;
  const auto read = ServerCertificate::read({both, both}, problems);
  REQUIRE(read);
  CHECK(sk_X509_num(read->chain()) == 1);
  CHECK(read->names() == std::vector<std::string>{"proxy.example"});
}

TEST_CASE("each problem of a pair is named with its file, both at once") {
  const TempDir dir;
  const TlsAuthority::Files one = authority().issue("one.example");
  const TlsAuthority::Files other = authority().issue("other.example");
  CHECK(problems_of("/nonexistent.pem", "/nonexistent.key") ==
        "cannot read /nonexistent.pem: No such file or directory\n"
        "cannot read /nonexistent.key: No such file or directory\n");
  CHECK(problems_of(one.cert, other.key) == "the key in " + other.key +
                                                " does not belong to the first certificate in " +
                                                one.cert + "\n");
  CHECK(problems_of(one.key, one.cert) == one.key + " holds no certificate in PEM form\n" +
                                              one.cert + " holds no private key in PEM form\n");
  CHECK_THAT(problems_of(dir.path(""), one.key), Contains("Is a directory"));
  const std::string damaged = dir.path("damaged.pem");
  write(damaged,
        content(one.cert) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  CHECK(problems_of(damaged, one.key) == "a certificate in " + damaged + " is damaged\n");
}

TEST_CASE("a pipe in place of a certificate or key is a problem, and not waited for") {
  const TempDir dir;
  const std::string pipe = dir.path("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const std::string problem =
      "cannot read " + pipe + ": a pipe, which cannot be read again by a reload\n";
  CHECK(problems_of(pipe, pipe) == problem + problem);
}

TEST_CASE("a key behind a passphrase is a problem, and nobody is asked for it") {
  const TempDir dir;
  const TlsAuthority::Files files = authority().issue("proxy.example");
  const std::string encrypted = dir.path("encrypted.key");
  encrypt_key(files.key, encrypted);
  CHECK_THAT(problems_of(files.cert, encrypted),
             Contains("the key in " + encrypted + " is encrypted") && Contains("openssl pkey"));
}

TEST_CASE("a certificate that is not valid today is a problem with its date") {
  const TlsAuthority::Files old = authority().issue("old.example", true);
  CHECK_THAT(problems_of(old.cert, old.key),
             Contains("the certificate in " + old.cert + " has expired on ") &&
                 Contains("this machine's clock says "));
  const TlsAuthority::Files early =
      authority().issue({.common_name = "a", .names = {"a.example"}, .from = 2, .to = 7});
  CHECK_THAT(problems_of(early.cert, early.key), Contains("is not valid before "));
}

TEST_CASE("the name that clients use is one that the certificate is for") {
  const auto read = [](const std::vector<std::string>& names) {
    const auto files = authority().issue({.common_name = "common.example", .names = names});
    std::vector<std::string> problems;
    return ServerCertificate::read({files.cert, files.key}, problems).value();
  };
  const auto both = read({"*.example", "proxy.example", "10.1.2.3"});
  CHECK(both.name_at("10.1.2.3") == "10.1.2.3");
  CHECK(both.name_at("10.1.2.4") == "proxy.example");
  CHECK(both.names() == std::vector<std::string>{"*.example", "proxy.example"});
  CHECK_FALSE(both.has_no_alternative_name());
  CHECK(read({"10.1.2.3"}).name_at("127.0.0.1").empty());
  const auto old_fashioned = read({});
  CHECK(old_fashioned.has_no_alternative_name());
  CHECK(old_fashioned.names() == std::vector<std::string>{"common.example"});
}
