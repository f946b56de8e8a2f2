#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "admin/admin_answer.h"
#include "admin/admin_request.h"
#include "base/host_port.h"
#include "net/output.h"
#include "net/stream.h"
#include "net/timer.h"
#include "server/ruleset.h"
#include "session/password_checks.h"

namespace culvert {

/// Where the admin interface is reached.
struct AdminDoor {
  /// Of Config::admin; nullptr: the runtime socket, where our own user and root get in alone.
  const ListenConfig* listen = nullptr;
  const TlsServerContext* tls = nullptr;  ///< nullptr: without TLS
  bool is_unix() const {
    return listen == nullptr || listen->kind == ListenConfig::Kind::unix_socket;
  }
  /// What is at `path` may be served here, to who may see it.
  bool has(std::string_view path) const;
  /// Whoever gets in may end tunnels and mark upstreams down.
  bool may_act(const Config& config) const;
  bool wants_sign_in(const Config& config) const { return !is_unix() && config.users; }
};

/// One HTTP/1 connection to the admin interface, which lives until its owner drops it.
class AdminConnection final : private StreamEvents,
                              public std::enable_shared_from_this<AdminConnection> {
 public:
  static constexpr std::chrono::seconds kHeadTimeout{10};
  static constexpr std::chrono::seconds kIdleTimeout{60};
  static constexpr std::chrono::seconds kWriteTimeout{20};  ///< in which something must move
  /// Events that wait for a slow reader; more end the stream.
  static constexpr std::size_t kMostWaiting = 256 * 1024;

  class Owner {
   public:
    /// To be answered by answer() or begin_stream(), now or later.
    virtual void on_request(AdminConnection& connection, const AdminRequest& request) = 0;
    /// It is over; the owner drops it.
    virtual void on_closed(AdminConnection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  /// `door` and `ruleset` are those of its time; what they refer to outlives it.
  AdminConnection(Loop& loop, Owner& owner, AdminDoor door, std::shared_ptr<const Ruleset> ruleset,
                  std::unique_ptr<Stream> stream, const std::optional<HostPort>& peer);
  ~AdminConnection();
  AdminConnection(const AdminConnection&) = delete;
  AdminConnection& operator=(const AdminConnection&) = delete;

  void start();
  void answer(const AdminAnswer& answer);
  /// The answer is a stream of what send() adds.
  void begin_stream(std::string_view type);
  void send(std::string_view text);
  /// Ends a stream once all of it is written, a connection that awaits another request at once, and
  /// any other after its answer.
  void finish();
  void close();

  /// It awaits a request, or never had a whole one.
  bool is_idle() const { return state_ == State::handshake || state_ == State::head; }
  bool is_stream() const { return state_ == State::streaming; }
  bool is_at_runtime_socket() const { return door_.listen == nullptr; }
  bool may_act() const { return door_.may_act(ruleset_->config); }
  /// Nobody has said who asks, or it is none who may ask for more, as for the health of a protected
  /// interface nobody has to.
  bool is_anonymous() const { return anonymous_; }

 private:
  enum class State : std::uint8_t {
    handshake,
    head,
    sign_in,
    asked,  // the owner is to answer
    writing,
    streaming,
    closed
  };

  void on_ready(Stream& stream) override;
  void begin_handshake();
  void advance_handshake();
  void read_more();
  void scan();
  void take(const RequestHead& head);
  bool sign_in(const RequestHead& head);
  void check_password(const Credentials& given);
  void on_verdict(PasswordVerdict verdict);
  void refuse_sign_in(std::string_view text, int status);
  void write();
  void next_request();
  void on_deadline();
  std::optional<AdminAnswer> objection() const;
  AdminNames names() const;

  Loop& loop_;
  Owner& owner_;
  AdminDoor door_;
  std::shared_ptr<const Ruleset> ruleset_;
  std::unique_ptr<Stream> stream_;
  std::optional<HostPort> peer_;
  Timer deadline_;
  State state_ = State::handshake;
  HeadScanner scanner_;
  std::string received_;
  Output output_;
  AdminRequest request_;
  std::unique_ptr<PasswordCheck> check_;
  bool certified_ = false;
  bool anonymous_ = false;
  bool client_ended_ = false;
  bool served_ = false;  // a request
  bool ends_ = false;    // after what is to be written
};

}  // namespace culvert
