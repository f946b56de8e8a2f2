#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/host_port.h"
#include "dial/dial.h"
#include "net/stream.h"
#include "policy/gate.h"
#include "session/client_limits.h"
#include "session/client_protocol.h"
#include "session/context.h"
#include "session/kept_refusal.h"
#include "session/password_checks.h"
#include "session/relay.h"
#include "session/session_facts.h"
#include "session/session_record.h"

namespace culvert {

class TraceOrder;

/// One client connection, from accept to last byte: the order of events.  A ClientProtocol reads
/// requests, the Gate admits them, a TunnelOpening connects, and a Relay moves the bytes.  The
/// methods stand in the order in which a CONNECT passes them; a plain request is handled by an
/// Exchange, and then the next one is read.
class Session final : private StreamEvents, private ClientEvents {
 public:
  /// `protocol` reads from `client`.  `peer` is nullopt for a unix socket.  `finished` is called
  /// once, as the last thing the session does; the receiver destroys it when no frame of it is on
  /// the stack.
  Session(SessionContext& context, std::uint64_t id, std::unique_ptr<Stream> client,
          std::unique_ptr<ClientProtocol> protocol, const std::optional<HostPort>& peer,
          Admission admission, Callback<void(Session&)> finished);
  ~Session();

  /// The limits of clients apply to it; to be called before start(), or later if they have only
  /// now come into force.
  void limit(std::unique_ptr<ClientLimits> limits);
  bool is_limited() const { return limited_; }
  const std::optional<IpAddress>& client_ip() const { return record_.client_ip; }
  void start();
  /// Serves no further request.  `serves_awaited`: but for the first one of a connection, and one
  /// that has begun to arrive.
  void begin_drain(bool serves_awaited = false);
  /// Ends the session as soon as its client allows: as abort(), but a client that is to get an EOF
  /// (RelayEnd::client_gets_eof) gets it, for which it must take what was written before.
  void cut(std::string_view why);
  /// Another configuration is in force.  Unless a request has begun, or what precedes one, it goes
  /// on under that one; or ends, if its client has to connect anew for that.
  void follow_reload();
  /// No whole request is there that it has to answer.
  bool awaits_request() const { return state_ == State::head; }
  /// It awaits one, which will be served.
  bool may_serve() const;
  /// Its client has had its time to ask, except for what it sends after an answer.
  void note_wait_in_queue() { had_time_ = true; }
  /// Another client may have its descriptor: it was refused for want of descriptors, or it awaits a
  /// request, or was answered by us, and began before `asked_before`, or see
  /// note_wait_in_queue().
  bool can_be_spared(Loop::Clock::time_point asked_before) const;
  /// What its client may take beyond the time of others, as it waits for answers before it asks.
  std::chrono::milliseconds time_for_turns() const;
  /// Of such a session: what its client has sent was looked at, and the answer of one that was
  /// refused is sent.
  bool is_settled() const;
  /// Ends such a session now.
  void give_way();
  /// Ends the session now: a request without a response gets an error response, a truncated
  /// transfer ends in a reset.
  void abort(std::string_view why) { abort(why, Errc::proxy_draining, "shutting down"); }
  /// Ends it now, as abort() does.
  [[gnu::cold]] void end_by_admin();
  /// Nobody is there any more who could read an answer.  A tunnel ends once all that its client has
  /// sent is passed on, which may need another call later; anything else is aborted.
  void end_without_client();

  /// What a request that it has now, or has begun to read, goes by.
  const SessionContext& context() const { return *context_; }
  std::uint64_t id() const { return record_.id; }
  std::string client_text() const { return record_.client_text(); }
  /// When its connection, or its present request began.
  Loop::Clock::time_point started() const { return record_.started; }
  /// What is known of it at this moment, also while it is running.
  const SessionRecord& record();
  /// It has a request, the answer of which is not decided yet.
  bool is_in_request() const;
  /// Of one that is: without a `stall`.
  [[gnu::cold]] SessionFacts facts() const;

  /// When something moved last in its tunnel or exchange; nullopt: it has none.
  std::optional<Loop::Clock::time_point> last_moved() const;
  /// Of one that has a last_moved(): both ways, within the request.
  std::uint64_t bytes_moved() const;
  /// Of one that has a last_moved().
  [[gnu::cold]] StallSigns stall_signs() const;
  /// Of the connection to that side: client, or any other.  Negative if there is none.
  [[gnu::cold]] int descriptor(Side side) const;
  /// UpstreamConfig of what it goes through; nullptr if none is chosen yet.
  [[gnu::cold]] const Upstream* upstream() const;
  /// `order` wants to see its steps from now on.
  [[gnu::cold]] void follow_trace(std::shared_ptr<TraceOrder> order);
  /// Where its steps are told; nullptr: nobody wants to see them.
  Trace* trace() const { return traced_ ? traced() : nullptr; }

  /// The owner's index of this session.
  std::uint32_t slot = 0;
  /// The owner looks at it for a stall.
  bool suspected = false;

 private:
  enum class State : std::uint8_t {
    head,
    gate,
    sign_in,
    opening,
    tunnel,
    exchange,
    kept_refusal,
    answer,
    over
  };
  struct Setup;   // what is needed until a tunnel is established, and for plain requests
  struct SignIn;  // part of it, if clients have to sign in

  void on_ready(Stream& client) override;

  void on_request_begun() override;
  bool on_balanced(const ConnectionEnds& ends) override;
  void on_request(ClientRequest& request) override;
  void on_bad_request(Error error) override;
  void on_client_gone(std::string_view detail) override;
  void on_other_protocol(std::unique_ptr<ClientProtocol> spoken) override;
  void on_tls(const ListenerTerms& listener) override;
  void on_user(std::string_view name) override;
  void on_client_idle(Side closed_by) override;

  [[gnu::cold]] void consider_trace(const ClientRequest& request);
  [[gnu::cold]] Trace* traced() const;
  [[gnu::cold]] void trace_verdict(const Gate::Verdict& verdict) const;
  [[gnu::cold]] void trace_refusal(const Error& error) const;
  [[gnu::cold]] void trace_end() const;
  [[gnu::cold]] void end_trace();

  void start_protocol();
  [[gnu::cold]] void renew();
  void note_unix_peer();
  void note_request_line();
  AddressCheck what_dials_need(const Gate::Verdict& verdict);
  [[gnu::cold]] std::uint64_t client_key() const;
  const ConnectionEnds* ends_for_upstreams();
  std::optional<Error> object_to_request();
  void on_verdict(Gate::Verdict verdict);
  void on_credentials() override;
  void sign_in(Gate::Verdict verdict);
  SignIn& begin_sign_in();
  void check_password(const Credentials& given);
  void on_sign_in_timeout();
  void on_password_verdict(PasswordVerdict verdict);
  void refuse_sign_in(Error error);
  bool may_follow_refusal() const;
  void on_kept_refusal(KeptRefusal::End end);
  void follow(Gate::Verdict& verdict);
  void note_preset_gap();
  void on_opened(DialResult result);
  enum class FirstByte : bool { counted, awaited };
  void begin_tunnel(FirstByte first_byte = FirstByte::awaited);
  ClientLimits& limits();
  void pace_tunnel();
  void on_turn();
  void drop_relay();
  void on_relay_news(RelayNews news);
  [[gnu::noinline]] void on_relay_end();
  void note_loss(Side closed_by);
  void end_in_record(Outcome outcome, Side closed_by, std::string_view detail);

  void begin_exchange(const Gate::Verdict& verdict);
  void on_exchange_done();
  void record_exchange();
  void next_request();

  /// A tunnel has its outcome, and its client is about to get the end of it.
  bool is_ending() const { return record_.outcome.kind != Outcome::Kind::none; }
  void abort(std::string_view why, Errc code, std::string_view cause);
  bool owes_answer() const;
  bool end_with(std::string_view bytes);
  void answer_abort(Errc code, std::string_view why);
  void refuse(Error error);
  void close_with(std::string answer);
  void on_answered(const Result<void>& taken);
  [[gnu::cold]] void note_failure();
  void conclude(Outcome outcome, Side closed_by, std::string_view detail);
  void finish(Outcome outcome, Side closed_by, std::string_view detail);

  State state_ = State::head;
  bool limited_ = false;       // it has limits(), which stand elsewhere as most sessions have none
  bool had_time_ : 1 = false;  // see note_wait_in_queue()
  bool traced_ : 1 = false;    // it has a SessionTrace
  SessionContext* context_;
  std::unique_ptr<Stream> client_;
  std::unique_ptr<Stream> upstream_stream_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Setup> setup_;
  Callback<void(Session&)> finished_;
  SessionRecord record_;
};

}  // namespace culvert
