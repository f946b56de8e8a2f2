#include "options/flag_split.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

using Lines = std::vector<std::string>;

const std::vector<ReadFlag> kKnown = {{"name", "TEXT", true, ReadFlag::Owner::proxy},
                                      {"switch", {}, false, ReadFlag::Owner::proxy}};

FlagSplit split_known(const Lines& words) { return split_flags(words, kKnown); }

}  // namespace

TEST_CASE("a flag's value stands behind it or behind '='") {
  const FlagSplit split = split_known({"--name", "a", "--name=b", "--name=", "--name=c=d"});
  CHECK(split.values.at(0) == Lines{"a", "b", "", "c=d"});
  CHECK(split.values.at(1).empty());
  CHECK(split.rest.empty());
}

TEST_CASE("a switch takes what stands behind '=' only") {
  const FlagSplit split = split_known({"--switch", "word", "--switch=no"});
  CHECK(split.values.at(1) == Lines{"", "no"});
  CHECK(split.rest == Lines{"word"});
}

TEST_CASE("a flag is no value, a negative number and a dash are") {
  CHECK(split_known({"--name", "--switch"}).values.at(0) == Lines{""});
  CHECK(split_known({"--name", "-x"}).rest == Lines{"-x"});
  CHECK(split_known({"--name", "-5", "--name", "-.5", "--name", "-"}).values.at(0) ==
        Lines{"-5", "-.5", "-"});
  CHECK(split_known({"--name"}).values.at(0) == Lines{""});
  CHECK(split_known({"--name", ""}).values.at(0) == Lines{""});
}

TEST_CASE("what is no known flag is left over as it is") {
  const Lines words = {"-name", "--nam", "--names=x", "word", "--=x", "-", "", "-h", "name"};
  CHECK(split_known(words).rest == words);
}
