#include "net/name_files.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/host_port.h"
#include "base/text.h"

namespace culvert {
namespace {

constexpr unsigned kMostDots = 15;  // resolv.conf(5)
constexpr std::string_view kBlank = " \t\r\f\v";

std::string_view without_final_dot(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  return name;
}

/// Takes the next word off the front of `text`; empty at the end.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlank));
  text.remove_prefix(word.size());
  return word;
}

/// Calls `take` with the first word of each line and with the rest of it.  Comments are left out.
template <typename Take>
void for_each_line(std::string_view text, std::string_view comment, Take take) {
  for (std::string_view line : split(text, '\n')) {
    line = line.substr(0, line.find_first_of(comment));
    const std::string_view keyword = next_word(line);
    if (!keyword.empty()) take(keyword, line);
  }
}

std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
    names.push_back(to_lower(without_final_dot(word)));
  }
  return names;
}

void take_options(std::string_view text, unsigned& ndots) {
  constexpr std::string_view kNdots = "ndots:";
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
    if (!word.starts_with(kNdots)) continue;
    unsigned value = 0;
    const std::string_view digits = word.substr(kNdots.size());
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    // Far too many is as good as the most.
    if (code == std::errc::result_out_of_range) value = kMostDots;
    if (end != digits.data()) ndots = std::min(value, kMostDots);
  }
}

}  // namespace

ResolvConf ResolvConf::parse(std::string_view text, std::string_view host_name) {
  ResolvConf out;
  bool listed = false;
  bool other_server = false;
  for_each_line(text, "#;", [&](std::string_view keyword, std::string_view rest) {
    if (keyword == "search" || keyword == "domain") {
      out.search = names_in(rest);  // of several lines the last counts
      if (keyword == "domain" && out.search.size() > 1) out.search.resize(1);
      listed = true;
    } else if (keyword == "options") {
      take_options(rest, out.ndots);
    } else if (keyword == "nameserver") {
      const std::string_view server = next_word(rest);
      const bool stub = server == "127.0.0.53" || server == "127.0.0.54";
      (stub ? out.local_stub : other_server) = true;
    }
  });
  out.local_stub = out.local_stub && !other_server;
  if (const std::size_t dot = host_name.find('.'); !listed && dot != std::string_view::npos) {
    out.search = names_in(host_name.substr(dot + 1));
  }
  return out;
}

void ResolvConf::apply_environment(const char* local_domain, const char* options) {
  if (local_domain != nullptr) search = names_in(local_domain);
  if (options != nullptr) take_options(options, ndots);
}

std::vector<std::string> ResolvConf::candidates(std::string_view name) const {
  const std::string bare(without_final_dot(name));
  std::vector<std::string> out;
  if (bare.size() != name.size()) return {bare};
  const auto dots = std::count(bare.begin(), bare.end(), '.');
  const bool first = dots >= static_cast<std::ptrdiff_t>(ndots);
  if (first) out.push_back(bare);
  for (const std::string& domain : search) {
    // "search ." is the name itself.
    std::string longer = bare;
    if (!domain.empty()) longer.append(".").append(domain);
    if (longer.size() > kMostNameBytes) continue;
    if (std::find(out.begin(), out.end(), longer) == out.end()) out.push_back(std::move(longer));
  }
  if (std::find(out.begin(), out.end(), bare) == out.end()) out.push_back(bare);
  return out;
}

namespace {

struct Service {
  std::string name;
  std::string action;  // what stands in brackets behind it
};

std::vector<Service> services_in(std::string_view text) {
  std::vector<Service> out;
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    if (text.starts_with('[')) {
      const std::size_t end = std::min(text.find(']'), text.size());
      if (!out.empty()) out.back().action = to_lower(text.substr(1, end - 1));
      text.remove_prefix(std::min(end + 1, text.size()));
      continue;
    }
    const std::string_view word = text.substr(0, text.find_first_of(" \t\r\f\v["));
    if (!word.empty()) out.push_back({to_lower(word), {}});
    text.remove_prefix(word.size());
  }
  return out;
}

/// Is `name` the last one that is asked when it has nothing?
bool ends_search(const std::string& action) {
  return action.find("notfound=return") != std::string::npos ||
         action.find("!unavail=return") != std::string::npos ||
         action.find("!success=return") != std::string::npos;
}

}  // namespace

NameServices NameServices::parse(std::string_view text) {
  std::optional<std::vector<Service>> line;
  for_each_line(text, "#", [&](std::string_view keyword, std::string_view rest) {
    if (iequals(keyword, "hosts:")) line = services_in(rest);
    // "hosts:files" is one word.
    if (keyword.size() > 6 && iequals(keyword.substr(0, 6), "hosts:")) {
      line = services_in(std::string(keyword.substr(6)) + " " + std::string(rest));
    }
  });
  NameServices out;
  if (!line || line->empty()) return out;
  bool files = false;
  bool dns = false;
  out.plain_ = true;
  for (const auto& [name, action] : *line) {
    if (name == "files") {
      files = true;
      if (!action.empty()) out.plain_ = false;
    } else if (name == "dns") {
      dns = true;
      if (!files) out.plain_ = false;
      if (ends_search(action)) break;
    } else if (name == "resolve") {
      out.resolve_ = true;
    } else if (name.starts_with("mdns")) {
      out.mdns_ = true;
    } else if (name == "myhostname" || name == "mymachines") {
      out.of_machine_ = true;
    } else {
      out.others_ = true;
    }
  }
  if (!files || !dns) out.plain_ = false;
  return out;
}

NameServices::Route NameServices::route(std::string_view name, std::string_view host_name,
                                        bool local_stub) const {
  if (!plain_ || (resolve_ && !local_stub)) return Route::libc;
  const std::string_view bare = without_final_dot(name);
  const bool single_label = bare.find('.') == std::string_view::npos;
  if ((single_label || iequals(bare, host_name)) && (of_machine_ || resolve_ || others_)) {
    return Route::libc;
  }
  constexpr std::string_view kDotLocal = ".local";
  const bool local = bare.size() > kDotLocal.size() &&
                     iequals(bare.substr(bare.size() - kDotLocal.size()), kDotLocal);
  if (local && (mdns_ || resolve_ || others_)) return Route::libc;
  return others_ ? Route::own_then_libc : Route::own;
}

std::vector<IpAddress> addresses_in_hosts(std::string_view text, std::string_view name) {
  std::vector<IpAddress> found;
  const std::string wanted = to_lower(without_final_dot(name));
  if (wanted.empty()) return found;
  // Lists of blocked names have a hundred thousand lines, so the name is searched, not each line.
  for (std::size_t at = text.find(wanted); at != std::string_view::npos;) {
    const std::size_t begin = text.rfind('\n', at) + 1;  // npos + 1 is 0
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(begin, end - begin);
    line = line.substr(0, line.find('#'));
    const auto address = IpAddress::parse(next_word(line));
    for (auto word = next_word(line); address && !word.empty(); word = next_word(line)) {
      if (without_final_dot(word) != wanted) continue;
      const IpAddress plain = address->unmapped();
      if (std::find(found.begin(), found.end(), plain) == found.end()) found.push_back(plain);
    }
    at = text.find(wanted, end);
  }
  return found;
}

bool prefers_ipv4(std::string_view gai_conf) {
  std::optional<unsigned> mapped;
  unsigned general = 40;  // what glibc takes for ::/0 where the file has other lines only
  for_each_line(gai_conf, "#", [&](std::string_view keyword, std::string_view rest) {
    if (keyword != "precedence") return;
    const std::string_view block = next_word(rest);
    const auto value = parse_number<unsigned>(next_word(rest));
    if (!value) return;
    if (iequals(block, "::ffff:0:0/96")) mapped = value;
    if (block == "::/0") general = *value;
  });
  return mapped && *mapped > general;
}

bool is_localhost(std::string_view name) {
  constexpr std::string_view kName = "localhost";
  const std::string_view bare = without_final_dot(name);
  if (bare.size() < kName.size() || !iequals(bare.substr(bare.size() - kName.size()), kName)) {
    return false;
  }
  return bare.size() == kName.size() || bare[bare.size() - kName.size() - 1] == '.';
}

}  // namespace culvert
