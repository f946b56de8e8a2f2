#include "wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace bench {
namespace {

std::string encode_two(std::uint64_t first, std::uint64_t second) {
  std::string text(16, '\0');
  std::memcpy(text.data(), &first, 8);
  std::memcpy(text.data() + 8, &second, 8);
  return text;
}

std::uint64_t number_at(std::string_view text, std::size_t at) {
  std::uint64_t number = 0;
  std::memcpy(&number, text.data() + at, 8);
  return number;
}

// The length is a prime number: what is cut or joined at a round number of bytes never fits again.
constexpr std::size_t kPeriod = 1048573;

// One period and a piece more, so that a piece never has to be put together.
const char* pattern_bytes() {
  static const std::unique_ptr<char[]> bytes = [] {
    auto made = std::make_unique<char[]>(kPeriod + Pattern::kPiece);
    std::uint64_t state = 88172645463325252;
    for (std::size_t i = 0; i < kPeriod; ++i) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      made[i] = static_cast<char>(state >> 56);
    }
    std::memcpy(made.get() + kPeriod, made.get(), Pattern::kPiece);
    return made;
  }();
  return bytes.get();
}

}  // namespace

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

void fail(const std::string& why) {
  std::fprintf(stderr, "load: %s\n", why.c_str());
  std::exit(2);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

sockaddr_in to_address(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const auto colon = text.rfind(':');
  if (colon == std::string::npos ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    fail("'" + text + "' is no ADDRESS:PORT");
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  return address;
}

std::string to_text(const sockaddr_in& address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(address.sin_port));
}

sockaddr_in local_address(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  return address;
}

int stream_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(std::string("socket: ") + std::strerror(errno));
  return fd;
}

void set_no_delay(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (fd_ < 0) fail("epoll_create1");
}

Poller::~Poller() { close(fd_); }

void Poller::add(int fd, std::uint32_t events, Watched* who) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = who;
  if (epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

void Poller::change(int fd, std::uint32_t events, Watched* who) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = who;
  if (epoll_ctl(fd_, EPOLL_CTL_MOD, fd, &event) != 0) fail("epoll_ctl");
}

void Poller::remove(int fd) const { epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr); }

void Poller::turn(int timeout_ms) const {
  std::array<epoll_event, 256> events;
  const int count = epoll_wait(fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<Watched*>(event.data.ptr)->on_event(event.events);
  }
}

std::string_view Pattern::at(std::uint64_t seed, std::uint64_t position, std::uint64_t wanted) {
  return {pattern_bytes() + (seed + position) % kPeriod,
          static_cast<std::size_t>(std::min<std::uint64_t>(wanted, kPiece))};
}

bool Pattern::matches(std::uint64_t seed, std::uint64_t position, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = at(seed, position, bytes.size());
    if (bytes.substr(0, piece.size()) != piece) return false;
    bytes.remove_prefix(piece.size());
    position += piece.size();
  }
  return true;
}

std::string Order::encode() const { return encode_two(bytes, seed); }
Order Order::decode(std::string_view text) { return {number_at(text, 0), number_at(text, 8)}; }

std::string Receipt::encode() const { return encode_two(bytes, hash); }
Receipt Receipt::decode(std::string_view text) { return {number_at(text, 0), number_at(text, 8)}; }

void Hash::add(std::string_view bytes) {
  for (const char byte : bytes) {
    value_ ^= static_cast<unsigned char>(byte);
    value_ *= 0x100000001b3;
  }
}

char* scratch() {
  static const auto buffer = std::make_unique<char[]>(kScratch);
  return buffer.get();
}

std::string header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        strncasecmp(line.data(), name.data(), name.size()) != 0)
      continue;
    const std::size_t start = line.find_first_not_of(' ', name.size() + 1);
    return start == std::string_view::npos ? std::string() : std::string(line.substr(start));
  }
  return {};
}

std::optional<std::uint64_t> content_length(std::string_view head) {
  const std::string text = header(head, "content-length");
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{}) return std::nullopt;
  return number;
}

}  // namespace bench
