#include "setup/service_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.h"
#include "config/config.h"
#include "setup/root.h"

namespace culvert {
namespace {

/// Those of an upstream or listener that name a file.
constexpr auto kFileOptions =
    std::to_array<std::string_view>({"password-file", "ca", "cert", "key", "client-ca"});
constexpr std::string_view kLogs = "/var/log/culvert/";

std::string last_part(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

bool has_mode(const std::string& path, mode_t mode) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && (info.st_mode & mode) == mode;
}

std::string as_credential_name(std::string_view path) {
  std::string name = last_part(path);
  for (char& c : name) {
    const bool plain = is_letter_or_digit(c) || c == '.' || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  return name;
}

}  // namespace

bool is_hidden_from_service(std::string_view path) {
  constexpr auto kHiddenFolders =
      std::to_array<std::string_view>({"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"});
  return std::any_of(kHiddenFolders.begin(), kHiddenFolders.end(),
                     [&](std::string_view folder) { return path.starts_with(folder); });
}

std::string as_query_value(std::string_view path) {
  return percent_encode(path, [](char c) {
    return c > ' ' && c != '\x7f' &&
           std::string_view("%&?#+\"\\,").find(c) == std::string_view::npos;
  });
}

/// "[NAME=]URL?option=value&..."
std::string with_files(std::string_view option, const std::string& value, const MapFile& map) {
  if (option == "auth-file") return map("--auth-file ", value);
  const std::size_t query = value.find('?');
  if ((option != "upstream" && option != "listen" && option != "admin") ||
      query == std::string::npos)
    return value;
  std::string changed = value.substr(0, query);
  char separator = '?';
  for (const std::string_view part : split(std::string_view(value).substr(query + 1), '&')) {
    changed += separator;
    separator = '&';
    const std::size_t equals = part.find('=');
    const std::string name = to_lower(trim_space(part.substr(0, equals)));
    const bool file =
        std::find(kFileOptions.begin(), kFileOptions.end(), name) != kFileOptions.end();
    const auto path = file && equals != part.npos
                          ? percent_decode(trim_space(part.substr(equals + 1)))
                          : std::nullopt;
    const std::string mapped =
        path ? map(concat({"--", option, " ...", name, "="}), *path) : std::string();
    changed +=
        !path || mapped == *path ? std::string(part) : concat({name, "=", as_query_value(mapped)});
  }
  return changed;
}

std::string ServiceFiles::usable(std::string_view option, const std::string& value) {
  if (option == "listen" || option == "admin") return usable_listen(option, value);
  if (option == "auth-file") return usable_auth_file(value);
  if (option == "access-log") look_at_log(value);
  return with_files(option, value, [this](std::string_view given_as, const std::string& path) {
    return usable_file(given_as, path);
  });
}

/// A certificate and its key come from one time, so that a reload does not find a new certificate
/// beside the key that systemd handed over at the start.
std::string ServiceFiles::usable_listen(std::string_view option, const std::string& value) {
  bool all_readable = true;
  with_files(option, value, [&](std::string_view, const std::string& path) {
    all_readable = all_readable && can_read(path);
    return path;
  });
  return with_files(option, value, [&](std::string_view given_as, const std::string& path) {
    std::string usable = usable_file(given_as, path);
    const bool alone = !all_readable && usable == path && path.starts_with('/');
    return alone && !path.starts_with(kCredentials) ? std::string(kCredentials) + credential(path)
                                                    : usable;
  });
}

std::string ServiceFiles::usable_auth_file(const std::string& path) {
  std::string usable = usable_file("--auth-file ", path);
  if (usable != path) {
    notes_.push_back(path +
                     " is handed over by systemd when the service starts: restart it after a "
                     "change");
  }
  return usable;
}

std::string ServiceFiles::usable_file(std::string_view given_as, const std::string& path) {
  if (!path.starts_with('/')) {
    problems_.push_back(
        concat({given_as, path, ": the service starts in /; write the whole path of the file"}));
    return path;
  }
  if (path.starts_with(kCredentials)) return path;
  if (!exists(facts_.root, path)) {
    notes_.push_back(path + " is not there yet: without it the service does not start");
  }
  return can_read(path) ? path : std::string(kCredentials) + credential(path);
}

void ServiceFiles::look_at_log(const std::string& path) {
  if (!is_access_log_file(path) || path.starts_with("/dev/")) return;
  if (path.starts_with(kLogs)) {
    logs_ = true;
    return;
  }
  problems_.push_back(concat({"--access-log ", path, ": the service can write below ", kLogs,
                              " alone: --access-log ", kLogs, last_part(path),
                              ", or to the journal, with --access-log journal or without it"}));
}

/// Any user can, through all of its folders.
bool ServiceFiles::can_read(const std::string& path) const {
  const std::string real = below_root(facts_.root, path);
  const std::size_t top = facts_.is_live() ? 0 : facts_.root.size();
  if (real.empty() || real.size() <= top || is_hidden_from_service(path) ||
      is_hidden_from_service(real.substr(top)) || !has_mode(real, S_IROTH)) {
    return false;
  }
  for (std::size_t at = real.rfind('/'); at != std::string::npos && at > top;
       at = real.rfind('/', at - 1)) {
    if (!has_mode(real.substr(0, at), S_IXOTH)) return false;
  }
  return true;
}

std::string ServiceFiles::credential(const std::string& path) {
  std::string name = as_credential_name(path);
  const auto find = [&](const auto& part, const std::string& text) {
    return std::find_if(credentials_.begin(), credentials_.end(),
                        [&](const auto& other) { return other.*part == text; });
  };
  using Credential = std::pair<std::string, std::string>;
  const auto same = find(&Credential::second, path);
  if (same != credentials_.end()) return same->first;
  // "culvert.toml" is the configuration's.
  while (name == "culvert.toml" || find(&Credential::first, name) != credentials_.end()) {
    name.insert(0, "_");
  }
  credentials_.emplace_back(name, path);
  return name;
}

std::string ServiceFiles::unit_lines() const {
  std::string lines;
  for (const auto& [name, path] : credentials_) {
    lines.append("LoadCredential=").append(name).append(":");
    for (const char c : path) lines.append(c == '%' ? 2 : 1, c);
    lines += '\n';
  }
  if (logs_) lines += "LogsDirectory=culvert\n";
  return lines;
}

}  // namespace culvert
