#include "setup/json_record.h"

#include "base/text.h"
#include "setup/own_text.h"
#include "setup/root.h"

namespace culvert {
namespace {

constexpr std::string_view kNewFile = "the file is new";

/// "proxies.default.httpProxy = "
std::string line_begin(const JsonAddition& addition, std::string_view member) {
  std::string line;
  for (const std::string_view name : addition.path) line.append(name).append(".");
  return line.append(member).append(" = ");
}

std::string body_of(const JsonAddition& addition, bool new_file) {
  std::string body = "# This was written, and this alone is taken away again:\n";
  if (new_file) body.append(kNewFile).append("\n");
  for (const auto& member : addition.members) {
    body.append(line_begin(addition, member.name)).append(member.value).append("\n");
  }
  return body;
}

}  // namespace

std::string json_record_path(std::string_view path) { return std::string(path) + ".culvert"; }

void read_json_record(const SetupFacts& facts, std::string_view path, JsonAddition& addition) {
  const FileEdit record = own_file(facts, "docker", json_record_path(path), "");
  if (!record.before || record.without) return;
  std::vector<std::string> values(addition.members.size());
  for (const std::string_view line : split(*record.before, '\n')) {
    if (line == kNewFile) addition.recorded_new = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string begin = line_begin(addition, addition.members[i].name);
      if (line.starts_with(begin)) values[i] = line.substr(begin.size());
    }
  }
  addition.recorded = std::move(values);
}

FileEdit json_record(const SetupFacts& facts, std::string_view target, const FileEdit& edit,
                     const JsonAddition& addition) {
  FileEdit record = own_file(facts, target, json_record_path(edit.path),
                             body_of(addition, !edit.without.has_value()));
  record.aside = true;
  record.in_home = edit.in_home;
  return record;
}

}  // namespace culvert
