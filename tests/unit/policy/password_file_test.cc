#include "policy/password_file.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;
using Lines = std::vector<std::string>;

namespace {

// Of the password "secret", by crypt(3).
const std::string kBcrypt = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
const std::string kSha256 = "$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7";
const std::string kSha512 =
    "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/"
    "O6IND4WQhG.";
const std::string kYescrypt =
    "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$Tg4ZRR7tz/WRlmYbADZh9OJYakPewgSPQqW55EXAJ14";

PasswordFile fine(const std::string& text) {
  Lines problems;
  auto file = PasswordFile::parse(text, problems);
  CHECK(problems == Lines{});
  return file;
}

Lines problems_of(const std::string& text) {
  Lines problems;
  PasswordFile::parse(text, problems);
  return problems;
}

}  // namespace

TEST_CASE("each line of an htpasswd file is a user") {
  const auto file = fine("# our users\n\nbob:" + kBcrypt + "\nalice:" + kSha512 +
                         "\ncarol:" + kSha256 + "\ndave:" + kYescrypt);
  CHECK(file.size() == 4);
  REQUIRE(file.find("alice") != nullptr);
  CHECK(file.find("alice")->hash.reveal() == kSha512);
  CHECK(file.find("bob")->hash.reveal() == kBcrypt);
  CHECK(file.find("dave")->hash.reveal() == kYescrypt);
  CHECK(file.find("Alice") == nullptr);
  CHECK(file.find("") == nullptr);
  CHECK(file.find("alic") == nullptr);
}

TEST_CASE("lines may end in CRLF, and the file may begin with a byte order mark") {
  const auto file = fine(
      "\xef\xbb\xbf"
      "alice:" +
      kBcrypt + "\r\n\r\n# x\r\nbob:" + kSha256 + "\r\n");
  CHECK(file.find("alice")->hash.reveal() == kBcrypt);
  CHECK(file.find("bob")->hash.reveal() == kSha256);
}

TEST_CASE("every bcrypt that is sound") {
  for (const std::string kind : {"a", "b", "y"}) {
    std::string hash = kBcrypt;
    hash[2] = kind[0];
    CHECK(fine("u:" + hash).size() == 1);
  }
}

TEST_CASE("a stand-in is one of the users, the same for the same number") {
  const PasswordFile file = fine("a:" + kSha512 + "\nb:" + kBcrypt);
  CHECK(file.stand_in(0).user == "a");
  CHECK(file.stand_in(1).user == "b");
  CHECK(file.stand_in(~std::uint64_t{0}).user == "b");
}

TEST_CASE("users whose checks take much longer than others' are told apart") {
  std::string costly = kBcrypt;
  costly.replace(4, 2, "12");
  CHECK_FALSE(fine("a:" + kSha512 + "\nb:" + kBcrypt).costs_differ());
  CHECK_FALSE(fine("a:" + costly).costs_differ());
  CHECK(fine("a:" + kSha512 + "\nb:" + costly).costs_differ());
  CHECK(fine("a:" + costly + "\nb:" + kSha512).costs_differ());
}

TEST_CASE("hashes that are easily guessed, or no hashes, are refused by their names") {
  struct Case {
    std::string hash;
    std::string words;
  };
  const std::vector<Case> cases = {
      {"$apr1$abcdefgh$MVVHVvbgBmCQYCVP5wDvM.", "apr1, Apache's MD5, is not taken; make the line"},
      {"$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", "MD5-crypt is not taken"},
      {"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SHA}, SHA-1 without salt, is not taken"},
      {"{SSHA}abc", "{SSHA}"},
      {"{CRYPT}abc", "this kind of hash is not taken"},
      {"$7$CU..../....salt$hash", "scrypt"},
      {"$gy$j9T$salt$hash", "gost-yescrypt"},
      {"$2x$" + kBcrypt.substr(4), "faulty bcrypt"},
      {"$2$" + kBcrypt.substr(4), "outdated bcrypt"},
      {"$argon2id$v=19$x", "argon2"},
      {"$9$unknown", "this kind of hash"},
      {"ab0123456789.", "DES-crypt"},
      {"_J9..rasmBYk8r9AiWNc", "BSDi's DES"},
      {"hunter2", "plain text, or an unknown kind of hash"},
      {"", "there is no hash"},
      {"!", "a disabled account"},
      {"!" + kSha512, "a disabled account"},
      {"*", "a disabled account"},
      {"x", "a disabled account"},
      {kSha512 + ":19000:0:99999", "a second ':'"},
      {kBcrypt + "x", "the bcrypt hash is incomplete"},
      {kBcrypt.substr(0, 59), "the bcrypt hash is incomplete"},
      {"$2b$03" + kBcrypt.substr(6), "the bcrypt hash is incomplete"},
      {"$2b$4$" + kBcrypt.substr(6), "the bcrypt hash is incomplete"},
      {"$2b$+4" + kBcrypt.substr(6), "the bcrypt hash is incomplete"},
      {"$2b$17" + kBcrypt.substr(6), "bcrypt of cost 17 takes too long; 16 is the most"},
      {"$5$rounds=999$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", "SHA-crypt hash"},
      {"$5$rounds=$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", "SHA-crypt hash"},
      {"$5$rounds=2000001$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", "takes too long"},
      {"$5$01234567890123456$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", "SHA-crypt hash"},
      {kSha512.substr(0, 90), "the SHA-crypt hash is incomplete"},
      {"$6$", "the SHA-crypt hash is incomplete"},
      {"$5$", "the SHA-crypt hash is incomplete"},
      {"$2b$", "the bcrypt hash is incomplete"},
      {"$y$", "the yescrypt hash is incomplete"},
      {"$y$j75$$" + kYescrypt.substr(30), "the yescrypt hash is incomplete"},
      {"$y$jFT$" + kYescrypt.substr(7), "more than 64 MiB"},
      {"$y$jzT$" + kYescrypt.substr(7), "more than 64 MiB"},
      {"$y$jLT$" + kYescrypt.substr(7), "more than 64 MiB"},
      {"$y$j9T5$" + kYescrypt.substr(7), "more than 64 MiB"},
  };
  for (const Case& test : cases) {
    CAPTURE(test.hash);
    const Lines problems = problems_of("ok:" + kBcrypt + "\nalice:" + test.hash + "\n");
    REQUIRE(problems.size() == 1);
    CHECK_THAT(problems[0], Catch::Matchers::StartsWith("line 2: user alice: "));
    CHECK_THAT(problems[0], Contains(test.words));
    if (test.hash.size() > 20) CHECK_THAT(problems[0], !Contains(test.hash.substr(8)));
    CHECK_THAT(problems[0], !Contains("hunter2"));
  }
}

TEST_CASE("every problem is told at once, with its line") {
  CHECK(problems_of("alice:" + kBcrypt + "\nno colon: is fine, but\nhunter2\n:" + kBcrypt +
                    "\nalice:" + kSha256 +
                    "\nb\x01"
                    "b:" +
                    kBcrypt + "\nbob:\n") ==
        Lines{"line 2: user no colon: plain text, or an unknown kind of hash, is not taken; make "
              "the line anew with htpasswd -B, or its hash with openssl passwd -6",
              "line 3: there is no ':' between a user and a hash",
              "line 4: the user's name is empty", "line 5: user alice stands in line 1 already",
              "line 6: the user's name has a control character",
              "line 7: user bob: there is no hash"});
  for (const char* const empty : {"", "\n\n", "# nobody\n"}) {
    CHECK(problems_of(empty) == Lines{"there is no user in it"});
  }
}
