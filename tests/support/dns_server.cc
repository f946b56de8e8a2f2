#include "support/dns_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "support/catch.h"

namespace culvert::test {
namespace {

constexpr int kFormatError = 1;
constexpr int kNoName = 3;
constexpr int kCname = 5;

std::string number(unsigned value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xffU)};
}

unsigned number_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at]) << 8U |
                               static_cast<unsigned char>(bytes[at + 1]));
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// As RFC 1035 section 3.1 writes it.
std::string encoded(std::string_view name) {
  std::string bytes;
  for (const std::string_view label : split(name, '.')) {
    bytes += static_cast<char>(label.size());
    bytes += label;
  }
  return bytes + '\0';
}

/// A record of the name that is asked for.
std::string record(int type, std::string_view data) {
  return "\xc0\x0c" + number(static_cast<unsigned>(type)) + number(1) + number(0) + number(5) +
         number(static_cast<unsigned>(data.size())) + std::string(data);
}

bool bind_to(const Fd& fd, std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  return bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

DnsServer::DnsServer() {
  // The port that TCP got may be taken for UDP.
  for (int attempt = 0; attempt < 20; ++attempt) {
    listening_ = listen_on_loopback(port_);
    udp_ = Fd(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    fcntl(listening_.get(), F_SETFL, O_NONBLOCK);
    if (bind_to(udp_, port_)) return;
  }
  FAIL("no port for a DNS server");
}

std::string DnsServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void DnsServer::add(const std::string& name, const std::vector<std::string>& addresses) {
  zone_[name] = addresses;
}

void DnsServer::lose(const std::string& name, int type, int count) {
  losing_[{name, type}] = count;
}

int DnsServer::asked(const std::string& name, int type) const {
  const auto found = asked_.find({name, type});
  return found == asked_.end() ? 0 : found->second;
}

void DnsServer::serve() {
  std::array<char, 2'048> buffer{};
  for (;;) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* const raw = reinterpret_cast<sockaddr*>(&from);
    const ssize_t count = recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, raw, &size);
    if (count < 0) break;
    const std::string reply = answer({buffer.data(), static_cast<std::size_t>(count)}, false);
    if (!reply.empty()) sendto(udp_.get(), reply.data(), reply.size(), 0, raw, size);
  }
  serve_tcp();
}

void DnsServer::serve_tcp() {
  for (;;) {
    const int fd = accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) break;
    connections_.emplace_back(fd);
  }
  for (const Fd& connection : connections_) {
    // On loopback a small message comes in one piece.
    std::string bytes = receive_now(connection).bytes;
    while (bytes.size() > 2 && bytes.size() >= 2 + number_at(bytes, 0)) {
      const std::size_t size = number_at(bytes, 0);
      ++tcp_questions_;
      const std::string reply = answer(std::string_view(bytes).substr(2, size), true);
      if (!reply.empty()) {
        send_all(connection, number(static_cast<unsigned>(reply.size())) + reply);
      }
      bytes.erase(0, 2 + size);
    }
  }
}

std::string DnsServer::answer(std::string_view question, bool tcp) {
  std::string name;
  std::size_t at = 12;
  while (at < question.size() && question[at] != 0) {
    const auto length = static_cast<std::size_t>(question[at]);
    if (!name.empty()) name += '.';
    name += to_lower(question.substr(at + 1, length));
    at += 1 + length;
  }
  const auto type = static_cast<int>(number_at(question, at + 1));
  ++asked_[{name, type}];
  if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
  if (int& left = losing_[{name, type}]; left > 0) {
    --left;
    return {};
  }

  if (tcp && losing_over_tcp_ > 0) {
    --losing_over_tcp_;
    return {};
  }

  const auto alias = aliases_.find(name);
  const auto known = zone_.find(name);
  const auto code = codes_.find(name);
  unsigned flags = 0x8180U;
  const bool extended = number_at(question, 10) > 0;
  if (plain_only_ && extended) {
    return std::string(question.substr(0, 2)) + number(flags | kFormatError) + number(1) +
           number(0) + number(0) + number(0) + std::string(question.substr(12, at + 5 - 12));
  }
  if (code != codes_.end()) {
    flags |= static_cast<unsigned>(code->second);
  } else if (known == zone_.end() && alias == aliases_.end()) {
    flags |= kNoName;
  }
  unsigned count = 0;
  std::string records;
  const bool has_room = tcp || !truncating_;
  if (!has_room) flags |= 0x0200U;
  if (alias != aliases_.end() && has_room) {
    ++count;
    records += record(kCname, encoded(alias->second));
  }
  if (known != zone_.end() && has_room && code == codes_.end()) {
    for (const std::string& text : known->second) {
      const IpAddress address = *IpAddress::parse(text);
      if (type != (address.is_v4() ? kA : kAaaa)) continue;
      ++count;
      records += record(type, {reinterpret_cast<const char*>(address.bytes()), address.size()});
    }
  }
  return std::string(question.substr(0, 2)) + number(flags) + number(1) + number(count) +
         number(0) + number(0) + std::string(question.substr(12, at + 5 - 12)) + records;
}

OwnNames::OwnNames(const std::string& server) : saved_(options()) {
  options() = ResolverOptions{};
  options().files = {folder_.path("resolv.conf"), folder_.path("nsswitch.conf"),
                     folder_.path("hosts"), folder_.path("gai.conf")};
  options().dns.resolv_conf = options().files.resolv_conf;
  options().dns.servers = server;
  // Without it, the domain of this machine's name would be searched.
  write_resolv_conf("search .\n");
}

OwnNames::~OwnNames() { options() = saved_; }

void OwnNames::write(const std::string& file, std::string_view text) {
  // Another file each time, as editors and network managers write it.
  const std::string path = folder_.path(file);
  std::ofstream(path + ".new", std::ios::binary) << text;
  std::filesystem::rename(path + ".new", path);
}

}  // namespace culvert::test
