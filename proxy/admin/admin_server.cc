#include "admin/admin_server.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace culvert {
namespace {

constexpr std::uint32_t kReadable = 1;  // EPOLLIN

}  // namespace

AdminServer::AdminServer(Server& server, std::unique_ptr<RuntimeSocket> socket)
    : server_(server),
      socket_(std::move(socket)),
      sockets_(server.take_of_admin()),
      started_(server.loop().clock_time()) {
  server.set_watcher(*this);
}

AdminServer::~AdminServer() { end(); }

void AdminServer::begin() {
  if (!sockets_.empty()) return start_thread();
  if (!socket_) return;
  watches_ = server_.loop().watch(socket_->fd(), *this, kReadable) == 0;
}

void AdminServer::on_poll(std::uint32_t) { start_thread(); }

void AdminServer::stop_watching() {
  if (std::exchange(watches_, false)) server_.loop().unwatch(socket_->fd(), *this);
}

void AdminServer::start_thread() {
  stop_watching();
  loop_.emplace();
  desk_.emplace(*loop_, server_, started_);
  for (ListenSocket& socket : sockets_) {
    const std::size_t door = socket.index();
    if (!handed_over_) desk_->open(std::move(socket), door);
  }
  sockets_.clear();
  // The listener closes what it listens on, and the socket's file goes with its owner.
  const int fd = socket_ ? fcntl(socket_->fd(), F_DUPFD_CLOEXEC, 0) : -1;
  if (auto socket = ListenSocket::passed(fd); fd >= 0 && socket) {
    desk_->open(std::move(*socket), std::nullopt);
  }
  desk_->begin(server_.shared_ruleset());
  thread_ = Thread::start([this] { loop_->run(); });
  if (thread_) return;
  server_.log().write(Log::Level::warning,
                      concat({"no thread for the admin interface: ",
                              std::generic_category().message(errno), " - it is not served"}));
  desk_.reset();
  loop_.reset();
}

void AdminServer::on_adopted(const std::shared_ptr<const Ruleset>& ruleset) {
  if (thread_) loop_->post([this, ruleset] { desk_->adopt(ruleset); });
}

/// Whoever looks on while it drains still can.
void AdminServer::on_draining(bool handed_over) {
  if (!handed_over) return;
  handed_over_ = true;
  if (thread_) {
    loop_->post([this] { desk_->hand_over(); });
  } else {
    for (ListenSocket& socket : sockets_) socket.leave_file();
    sockets_.clear();
  }
}

void AdminServer::end() {
  stop_watching();
  if (thread_) {
    loop_->post([this] {
      desk_->end();
      loop_->defer([this] { loop_->stop(); });
    });
    thread_->join();
    thread_.reset();
  }
  desk_.reset();
  loop_.reset();
}

}  // namespace culvert
