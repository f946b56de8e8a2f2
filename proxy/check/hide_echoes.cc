#include "check/hide_echoes.h"

#include <string>

#include "base/redact.h"
#include "base/text.h"

namespace culvert {
namespace {

constexpr std::size_t kTellingRun = 8;

/// How many characters of `text` from `at` on stand in `secret`; 0: too few to tell anything.
std::size_t echoed_at(std::string_view text, std::size_t at, std::string_view secret) {
  std::size_t length = kTellingRun;
  if (text.size() - at < length || secret.find(text.substr(at, length)) == secret.npos) return 0;
  while (at + length < text.size() && secret.find(text.substr(at, length + 1)) != secret.npos) {
    ++length;
  }
  return length;
}

void hide(std::string& text, std::string_view secret) {
  const std::string small = to_lower(text);
  std::string kept;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = echoed_at(small, i, secret);
    if (length == 0) {
      kept += text[i++];
      continue;
    }
    kept += kHidden;
    i += length;
  }
  text = std::move(kept);
}

}  // namespace

void hide_echoes(std::vector<CheckStep>& steps, std::size_t first, std::string_view secret) {
  const std::string small = to_lower(secret);
  if (small.size() < kTellingRun) return;
  for (std::size_t i = first; i < steps.size(); ++i) {
    for (std::string* text : {&steps[i].detail, &steps[i].cause, &steps[i].fix}) {
      hide(*text, small);
    }
  }
}

}  // namespace culvert
