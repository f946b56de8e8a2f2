#include "admin/admin_connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "base/wiped_text.h"
#include "codec/sign_in.h"
#include "config/open_listener.h"
#include "net/tls_server_context.h"
#include "net/tls_stream.h"
#include "policy/access_policy.h"

namespace culvert {
namespace {

constexpr HeadLimits kAdminLimits{.bytes = 16 * 1024, .target = 4 * 1024, .fields = 100};

/// Who signs in need not be in a list of addresses, as at a proxy listener; that it is open counts
/// for nothing here.
AccessPolicy access_of(const Config& config) {
  return {config.allow_clients, config.users != nullptr && config.allow_clients.empty()};
}

/// They tell no more than yes or no to who may not see the rest: probes cannot sign in, and come
/// from elsewhere than clients do.
bool is_probe(std::string_view path) { return path == "/healthz" || path == "/readyz"; }

}  // namespace

bool AdminDoor::has(std::string_view path) const {
  return listen == nullptr || !listen->metrics_only || path == "/metrics" || is_probe(path);
}

bool AdminDoor::may_act(const Config& config) const {
  return is_unix() || config.admin_actions || is_protected(*listen, config);
}

AdminConnection::AdminConnection(Loop& loop, Owner& owner, AdminDoor door,
                                 std::shared_ptr<const Ruleset> ruleset,
                                 std::unique_ptr<Stream> stream,
                                 const std::optional<HostPort>& peer)
    : loop_(loop),
      owner_(owner),
      door_(door),
      ruleset_(std::move(ruleset)),
      stream_(std::move(stream)),
      peer_(peer),
      deadline_(loop, Callback<void()>::to<&AdminConnection::on_deadline>(this)),
      scanner_(HeadScanner::Kind::request, kAdminLimits) {}

/// It may hold a password.
AdminConnection::~AdminConnection() { wipe_text(received_); }

void AdminConnection::start() {
  const auto self = shared_from_this();
  stream_->set_events(this);
  deadline_.start(kHeadTimeout);
  if (door_.tls != nullptr) {
    begin_handshake();
  } else {
    state_ = State::head;
    read_more();
  }
}

void AdminConnection::begin_handshake() {
  auto tls = TlsStream::server(std::move(stream_), *door_.tls);
  stream_ = std::move(tls);
  stream_->set_events(this);
  advance_handshake();
}

void AdminConnection::advance_handshake() {
  auto& tls = static_cast<TlsStream&>(*stream_);
  const Io io = tls.handshake();
  if (io.status == Io::Status::would_block) return;
  if (io.status != Io::Status::ok) return close();
  certified_ = door_.tls->wants_client_certificate();
  tls.forget_handshake();
  state_ = State::head;
  read_more();
}

void AdminConnection::on_ready(Stream&) {
  const auto self = shared_from_this();
  if (state_ == State::handshake) return advance_handshake();
  if (!output_.empty()) write();
  if (state_ != State::closed) read_more();
}

/// Also while an answer is made, to learn that its client is gone.
void AdminConnection::read_more() {
  std::array<char, 4096> buffer;
  while (state_ != State::closed && received_.size() <= kAdminLimits.bytes && !client_ended_) {
    const Io io = stream_->try_read(buffer);
    if (io.status == Io::Status::would_block) break;
    if (io.status == Io::Status::error) return close();
    if (io.status == Io::Status::eof) {
      client_ended_ = true;
      if (is_idle() || is_stream()) return close();
      break;
    }
    append_wiping(received_, {buffer.data(), io.bytes});
    wipe(std::span<char>(buffer).first(io.bytes));
    if (state_ == State::head) scan();
  }
}

void AdminConnection::scan() {
  const auto end = scanner_.scan(received_);
  if (!end) {
    ends_ = true;
    return answer(admin_error(400, end.error().text, false));
  }
  if (!*end) return;
  const std::string_view whole =
      std::string_view(received_).substr(scanner_.begin(), **end - scanner_.begin());
  deadline_.stop();
  RequestHead head;
  if (auto fine = parse_request_head(whole, kAdminLimits, head); !fine) {
    ends_ = true;
    return answer(admin_error(400, fine.error().text, false));
  }
  take(head);
  // What stands behind it is the next request.
  std::string rest = received_.substr(**end);
  wipe_text(received_);
  received_ = std::move(rest);
  scanner_.reset();
  if (state_ == State::asked) owner_.on_request(*this, request_);
}

/// The state is `asked` if the owner may be.
void AdminConnection::take(const RequestHead& head) {
  // Refusals of a HEAD have no body either.
  if (head.method == "HEAD") request_.method = AdminRequest::Method::head;
  const auto refusal = objection();
  if (refusal && !is_probe(head.target)) return answer(*refusal);
  auto read = read_admin_request(head, names());
  if (auto* const mistake = std::get_if<AdminAnswer>(&read)) return answer(*mistake);
  request_ = std::move(std::get<AdminRequest>(read));
  if (!door_.has(request_.path)) {
    return answer(
        admin_error(404, "only /metrics, /healthz and /readyz are served here", request_.is_api()));
  }
  anonymous_ = refusal.has_value();
  if (!anonymous_ && door_.wants_sign_in(ruleset_->config) && !sign_in(head)) return;
  state_ = State::asked;
}

/// Why the client is not served, but for probes.
std::optional<AdminAnswer> AdminConnection::objection() const {
  if (door_.is_unix()) return std::nullopt;
  const auto address = peer_ ? peer_->ip : std::optional<IpAddress>();
  const auto admitted = access_of(ruleset_->config).admit(address, certified_);
  if (admitted) return std::nullopt;
  AdminAnswer refusal = admin_error(403, admitted.error().text, false);
  refusal.close = true;
  return refusal;
}

/// True: there is no more to be found out.
bool AdminConnection::sign_in(const RequestHead& head) {
  auto given = credentials_of(head, kOriginCredentialsField);
  if (given) {
    check_password(*given);
    return false;
  }
  if (given.error().code == Errc::proxy_auth_required && is_probe(request_.path)) {
    anonymous_ = true;
    return true;
  }
  if (given.error().code == Errc::proxy_auth_required) {
    refuse_sign_in("a user and a password of --auth-file are wanted here", 401);
  } else {
    refuse_sign_in(given.error().text, 400);
  }
  return false;
}

void AdminConnection::check_password(const Credentials& given) {
  state_ = State::sign_in;
  if (!check_) {
    check_ = std::make_unique<PasswordCheck>(
        *ruleset_->password_checks, loop_,
        Callback<void(PasswordVerdict)>::to<&AdminConnection::on_verdict>(this));
  }
  const SignInPace::Client client{.address = peer_ ? peer_->ip : std::optional<IpAddress>()};
  deadline_.start(kHeadTimeout);
  const auto known = check_->ask(*ruleset_->config.users, client, given);
  if (!known) return;
  // As in a later turn: scan() goes on when this returns.
  loop_.defer([self = shared_from_this(), verdict = *known] {
    if (self->state_ == State::sign_in) self->on_verdict(verdict);
  });
}

void AdminConnection::on_verdict(PasswordVerdict verdict) {
  const auto self = shared_from_this();
  deadline_.stop();
  switch (verdict) {
    case PasswordVerdict::right:
      state_ = State::asked;
      return owner_.on_request(*this, request_);
    case PasswordVerdict::wrong:
      return refuse_sign_in("wrong password, or no such user", 401);
    case PasswordVerdict::busy:
      return refuse_sign_in("too many sign-ins failed, or wait to be checked: try again soon", 429);
  }
}

void AdminConnection::refuse_sign_in(std::string_view text, int status) {
  AdminAnswer refusal = admin_error(status, text, request_.is_api());
  if (status == 401) refusal.fields = concat({"WWW-Authenticate: ", kChallenge, "\r\n"});
  answer(refusal);
}

/// As names of other pages lead nowhere where a password or a certificate is asked for, any name
/// will do there.
AdminNames AdminConnection::names() const {
  AdminNames names;
  names.any = door_.is_unix() || door_.wants_sign_in(ruleset_->config) || certified_;
  if (door_.tls != nullptr) names.others = door_.tls->default_certificate().names();
  return names;
}

void AdminConnection::answer(const AdminAnswer& given) {
  if (state_ == State::closed) return;
  ends_ = ends_ || given.close || !request_.kept || client_ended_;
  output_.bytes() += admin_head(given, !ends_);
  if (request_.method != AdminRequest::Method::head && given.status != 204) {
    output_.bytes() += given.body;
  }
  state_ = State::writing;
  write();
}

void AdminConnection::begin_stream(std::string_view type) {
  if (state_ == State::closed) return;
  output_.bytes() += admin_stream_head(type);
  state_ = State::streaming;
  if (request_.method == AdminRequest::Method::head) return finish();
  write();
}

void AdminConnection::send(std::string_view text) {
  if (state_ != State::streaming || ends_) return;
  if (output_.left() + text.size() > kMostWaiting) return close();
  const bool waits = !output_.empty();
  output_.bytes() += text;
  if (!waits) write();
}

void AdminConnection::finish() {
  if (state_ == State::closed) return;
  if (is_idle() && served_) return close();
  ends_ = true;
  if (state_ == State::streaming) write();
}

void AdminConnection::write() {
  const auto self = shared_from_this();
  const std::size_t before = output_.left();
  const Io io = output_.write_to(*stream_);
  if (io.status == Io::Status::would_block) {
    if (output_.left() != before || !deadline_.running()) deadline_.start(kWriteTimeout);
    return;
  }
  deadline_.stop();
  if (io.status != Io::Status::ok) return close();
  if (ends_) return close();
  if (state_ == State::writing) next_request();
}

void AdminConnection::next_request() {
  state_ = State::head;
  served_ = true;
  output_.clear_keeping(4096);
  deadline_.start(received_.empty() ? kIdleTimeout : kHeadTimeout);
  request_ = {};
  if (client_ended_) return close();
  // Not from here: an answer may be the last of many in a row.
  loop_.defer([self = shared_from_this()] {
    if (self->state_ != State::head) return;
    if (!self->received_.empty()) self->scan();
    if (self->state_ == State::head) self->read_more();
  });
}

void AdminConnection::on_deadline() {
  const auto self = shared_from_this();
  if (state_ == State::sign_in) {
    check_->cancel();
    return refuse_sign_in("the password could not be checked in time: try again soon", 429);
  }
  if (state_ == State::head && scanner_.begun()) {
    ends_ = true;
    return answer(admin_error(408, "the request did not arrive in time", false));
  }
  // What it has not taken would stay in the kernel for long.
  if (!output_.empty()) stream_->reset_on_close();
  close();
}

void AdminConnection::close() {
  if (state_ == State::closed) return;
  const auto self = shared_from_this();
  state_ = State::closed;
  deadline_.stop();
  if (check_) check_->cancel();
  // A client's last bytes unread would be a reset, which may overtake the answer.
  std::array<char, 4096> rest;
  for (int i = 0; i < 16 && stream_->try_read(rest).status == Io::Status::ok; ++i) {
  }
  stream_->shutdown_write();
  owner_.on_closed(*this);
}

}  // namespace culvert
