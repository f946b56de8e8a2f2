#include "server/entrance.h"

#include <unistd.h>

#include <utility>

#include "net/tcp_stream.h"
#include "policy/load_balancers.h"
#include "server/worker.h"
#include "session/balanced_client.h"
#include "session/http_client.h"

namespace culvert {
namespace {

// So many more than --max-connections are accepted, to get a 503.
constexpr std::size_t kMostRefusals = 256;

/// A connection that is handed to another worker.  If it never arrives, it is closed.
struct Dealt {
  Dealt(int descriptor, const std::optional<HostPort>& from) : fd(descriptor), peer(from) {}
  ~Dealt() {
    if (fd >= 0) ::close(fd);
  }
  Dealt(const Dealt&) = delete;
  Dealt& operator=(const Dealt&) = delete;

  int fd;
  std::optional<HostPort> peer;
};

}  // namespace

Entrance::Entrance(Worker& worker, std::size_t listener) : worker_(worker), index_(listener) {}

Entrance::~Entrance() = default;

void Entrance::open(ListenSocket socket, std::vector<Entrance*> dealt_to) {
  socket_ = std::move(socket);
  dealt_to_ = std::move(dealt_to);
  listener_ = std::make_unique<Listener>(worker_.loop(), *socket_,
                                         Listener::Accepted::to<&Entrance::on_accepted>(this),
                                         Listener::Starved::to<&Entrance::on_starved>(this));
  listener_->limit_rate(Listener::NextAccept::to<&Worker::next_accept>(&worker_));
  listener_->refuse_if(Listener::AskHopeless::to<&Worker::ask_hopeless>(&worker_),
                       worker_.shared().spare);
}

void Entrance::take_over() {
  if (socket_) socket_->own_file();
}

std::chrono::milliseconds Entrance::pressed_for() const {
  return listener_ ? listener_->pressed_for() : std::chrono::milliseconds(0);
}

void Entrance::resume() {
  if (listener_) listener_->resume();
}

void Entrance::close() {
  if (!listener_) return;
  if (!socket_->outlives_us()) listener_->accept_all();
  listener_.reset();
  socket_.reset();
}

void Entrance::hand_over() {
  if (!listener_) return;
  socket_->leave_file();
  socket_->set_outlives_us();
  close();
}

void Entrance::on_starved(int error) { worker_.on_starved(error); }

void Entrance::on_accepted(int fd, const std::optional<HostPort>& peer) {
  const Shortage& shortage = listener_->shortage();
  if (shortage.refuses) worker_.on_refusing();
  Entrance& next = next_in_turn();
  if (&next == this) return admit(fd, peer, shortage);
  deal_to(next, fd, peer);
}

/// Once this worker drains, the others may be gone before a connection reaches them.
Entrance& Entrance::next_in_turn() {
  if (dealt_to_.empty() || worker_.draining()) return *this;
  turn_ = (turn_ + 1) % dealt_to_.size();
  return *dealt_to_[turn_];
}

void Entrance::deal_to(Entrance& other, int fd, const std::optional<HostPort>& peer) {
  auto dealt = std::make_shared<Dealt>(fd, peer);
  other.worker_.loop().post([&other, shortage = listener_->shortage(), dealt = std::move(dealt)] {
    other.admit(std::exchange(dealt->fd, -1), dealt->peer, shortage);
  });
}

void Entrance::admit(int fd, const std::optional<HostPort>& peer, const Shortage& shortage) {
  std::atomic<std::size_t>& connections = worker_.shared().connections;
  SessionContext& context = worker_.context();
  const std::size_t before = connections.fetch_add(1, std::memory_order_relaxed);
  const std::size_t most = context.config.max_connections;
  auto limits = limits_for(peer);
  if (before >= most) context.met(Limit::connections);
  if (before >= most + kMostRefusals || (limits && !limits->is_worth_an_answer())) {
    if (before < most) context.met(Limit::client_connections);
    connections.fetch_sub(1, std::memory_order_relaxed);
    ::close(fd);
    return;
  }
  const ListenerTerms& listener = context.listeners[index_];
  const auto admission = worker_.draining() ? Admission::draining
                         : before >= most   ? Admission::full
                         : shortage.refuses ? Admission::crowded
                                            : Admission::serve;
  auto client = std::make_unique<TcpStream>(worker_.loop(), fd, TcpStream::State::connected);
  if (const int error = client->watch_error()) {
    connections.fetch_sub(1, std::memory_order_relaxed);
    return worker_.on_starved(error);
  }
  std::unique_ptr<ClientProtocol> protocol =
      std::make_unique<HttpClient>(context, *client, listener);
  if (listener.config.proxy_protocol) {
    protocol = std::make_unique<BalancedClient>(context, *client, peer, std::move(protocol));
  }
  worker_.begin_session(std::move(client), std::move(protocol), peer, admission, std::move(limits),
                        shortage.queued_for);
}

/// nullptr if there are none.  Of a load balancer, the client is not known before its PROXY header
/// is read.
std::unique_ptr<ClientLimits> Entrance::limits_for(const std::optional<HostPort>& peer) {
  const SessionContext& context = worker_.context();
  if (context.client_limits == nullptr) return nullptr;
  const bool is_known = peer && !(context.listeners[index_].config.proxy_protocol &&
                                  is_load_balancer(context.config.load_balancers, peer->ip));
  return worker_.limits_for(is_known ? peer->ip : std::nullopt,
                            context.config.max_connections_per_client);
}

}  // namespace culvert
