#include "support/socket_tunnel.h"

#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <utility>

#include "support/turns.h"

namespace culvert::test {
namespace {

constexpr std::size_t kPeriod = 1'000'003;  // a prime

std::unique_ptr<TcpStream> stream_of(Loop& loop, Fd& near) {
  return std::make_unique<TcpStream>(loop, near.release(), TcpStream::State::connected);
}

}  // namespace

std::size_t TunnelHouse::free_pipes() {
  take_all_pipes();
  const std::size_t count = taken_.size();
  give_pipes_back();
  return count;
}

void TunnelHouse::take_all_pipes() {
  for (Pipe pipe = pipes.borrow(); pipe.open(); pipe = pipes.borrow()) {
    taken_.push_back(std::move(pipe));
  }
}

void TunnelHouse::give_pipes_back() {
  for (Pipe& pipe : taken_) pipes.give_back(std::move(pipe));
  taken_.clear();
}

SocketTunnel::SocketTunnel(TunnelHouse& house, SocketPair client_pair, SocketPair upstream_pair,
                           RelaySettings settings)
    : client(std::move(client_pair.far)),
      upstream(std::move(upstream_pair.far)),
      house_(house),
      client_stream_(stream_of(house.loop, client_pair.near)),
      upstream_stream_(stream_of(house.loop, upstream_pair.near)) {
  relay = std::make_unique<Relay>(house.loop, *client_stream_, *upstream_stream_, house.resources,
                                  settings,
                                  Callback<void(RelayNews)>::to<&SocketTunnel::on_news>(this));
  relay->start();
}

void SocketTunnel::on_news(RelayNews news) {
  if (news != RelayNews::end) return;
  done = true;
  end = relay->end();
  bytes_up = relay->bytes_up();
  bytes_down = relay->bytes_down();
  destroy();
}

void SocketTunnel::destroy() {
  relay.reset();
  client_stream_.reset();
  upstream_stream_.reset();
}

bool SocketTunnel::run() {
  return turn_until(
      house_.loop, [this] { return done; }, std::chrono::seconds(30));
}

Pattern::Pattern(unsigned seed) {
  std::minstd_rand random(seed);
  bytes_.resize(kPeriod + kMost);
  std::generate_n(bytes_.begin(), kPeriod, [&] { return static_cast<char>(random()); });
  std::copy_n(bytes_.begin(), kMost, bytes_.begin() + kPeriod);
}

std::string_view Pattern::at(std::uint64_t at, std::size_t size) const {
  return std::string_view(bytes_).substr(at % kPeriod, std::min(size, kMost));
}

Endpoint::Endpoint(const Fd& fd, const Pattern& sends, const Pattern& receives, std::uint64_t size,
                   bool stalls)
    : fd_(fd.get()), size_(size), stalls_(stalls) {
  writer_ = std::thread([this, &sends] { write(sends); });
  reader_ = std::thread([this, &receives] { read(receives); });
}

void Endpoint::join() {
  writer_.join();
  reader_.join();
}

void Endpoint::write(const Pattern& pattern) {
  std::minstd_rand random(7);
  while (sent_ < size_) {
    const std::size_t size = std::min<std::uint64_t>(size_ - sent_, 1 + random() % 200'000);
    const std::string_view bytes = pattern.at(sent_, size);
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    sent_ += static_cast<std::uint64_t>(count);
  }
  shutdown(fd_, SHUT_WR);
}

void Endpoint::read(const Pattern& pattern) {
  std::minstd_rand random(11);
  std::string buffer(Pattern::kMost, '\0');
  for (;;) {
    const std::size_t room = stalls_ ? 1 + random() % buffer.size() : buffer.size();
    const ssize_t count = recv(fd_, buffer.data(), room, 0);
    if (count <= 0) {
      ended_ = count == 0;
      return;
    }
    const auto size = static_cast<std::size_t>(count);
    if (std::string_view(buffer.data(), size) != pattern.at(received_, size)) wrong_ = true;
    received_ += size;
    if (stalls_ && random() % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace culvert::test
