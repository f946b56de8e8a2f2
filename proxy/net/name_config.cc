#include "net/name_config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/file_text.h"
#include "base/text.h"

namespace culvert {
namespace {

std::string this_host() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

}  // namespace

bool WatchedFile::refresh() {
  struct stat now {};
  Identity found;
  if (stat(path_.c_str(), &now) == 0) {
    found = {now.st_dev, now.st_ino, now.st_size, now.st_ctim.tv_sec, now.st_ctim.tv_nsec};
  }
  if (known_ && found == read_) return false;
  known_ = true;
  read_ = found;
  text_ = file_text(path_);
  return true;
}

void WatchedFile::make_lower_case() { text_ = to_lower(text_); }

NameConfig::NameConfig(const NameConfigFiles& files)
    : resolv_conf_file_(files.resolv_conf),
      nsswitch_file_(files.nsswitch),
      hosts_file_(files.hosts),
      gai_conf_file_(files.gai_conf) {
  refresh();
}

bool NameConfig::refresh() {
  if (nsswitch_file_.refresh()) services_ = NameServices::parse(nsswitch_file_.text());
  if (gai_conf_file_.refresh()) ipv4_first_ = prefers_ipv4(gai_conf_file_.text());
  if (hosts_file_.refresh()) hosts_file_.make_lower_case();
  if (!resolv_conf_file_.refresh()) return false;
  host_name_ = this_host();
  resolv_conf_ = ResolvConf::parse(resolv_conf_file_.text(), host_name_);
  resolv_conf_.apply_environment(std::getenv("LOCALDOMAIN"), std::getenv("RES_OPTIONS"));
  return true;
}

NameServices::Route NameConfig::route(const std::string& name) const {
  return services_.route(name, host_name_, resolv_conf_.local_stub);
}

std::vector<IpAddress> NameConfig::known_here(const std::string& name) const {
  auto listed = addresses_in_hosts(hosts_file_.text(), name);
  if (!listed.empty() || !is_localhost(name)) return listed;
  return {*IpAddress::parse("::1"), *IpAddress::parse("127.0.0.1")};
}

}  // namespace culvert
