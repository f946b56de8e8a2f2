// A unit of systemd and an environment file, whatever is in them: what is read of them comes from
// them, and words that we quote are read as they were.
#include <cstdint>
#include <string>

#include "base/unit_text.h"
#include "fuzz/fuzz.h"
#include "setup/quote.h"
#include "setup/unit_environment.h"

using namespace culvert;

namespace {

void check_unit(const std::string& text) {
  SetupFacts facts;
  facts.root = "/nonexistent";
  FileEdit edit;
  edit.path = "/etc/systemd/system/x.service.d/a.conf";
  edit.with = "[Service]\n" + text;
  const UnitEnvironment environment = unit_environment(facts, {"x"}, {&edit, 1});
  std::size_t size = 0;
  for (const UnitVariable& variable : environment.variables) {
    FUZZ_CHECK(!variable.name.empty());
    FUZZ_CHECK(environment.find(variable.name) == &variable);
    size += variable.name.size() + variable.value.size();
  }
  FUZZ_CHECK(size <= text.size());
}

void check_words(const std::string& text) {
  const auto words = unit_words(quote_unit_environment("A", text));
  std::string doubled = "A=";
  for (const char c : text) doubled.append(c == '%' ? 2 : 1, c);
  FUZZ_CHECK(words.size() == 1 && words[0] == doubled);
}

}  // namespace

FUZZ_TARGET(unit_files) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_unit(text);
  check_words(text);
  for (const std::string& word : unit_words(text)) FUZZ_CHECK(word.size() <= size);
  for (const std::string& line : read_environment_file(text)) FUZZ_CHECK(line.size() <= size);
  const auto lines = read_environment_file("A=" + quote_environment_file(text));
  FUZZ_CHECK(lines.size() == 1 && lines[0] == "A=" + text);
}
