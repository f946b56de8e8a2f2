#include "crowd.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "wire.h"

namespace bench {
namespace {

/// What one tunnel is for.
enum class Use { echo, half_close, early_data, download, upload, get };
constexpr std::array kChecked = {Use::echo, Use::half_close, Use::early_data, Use::download,
                                 Use::upload};
constexpr std::array kCheckedNames = {"echo", "half_close", "early_data", "download", "upload"};

class Tunnel;

/// What all tunnels have in common.
class Crowd {
 public:
  explicit Crowd(const Plan& plan) : plan_(plan) {}

  const Plan& plan() const { return plan_; }
  Poller& poller() { return poller_; }

  void note_latency(std::uint64_t since) {
    latencies_.push_back(now_ns() - since);
    note_progress();
  }
  void note_progress() { progress_ = now_ns(); }
  void note_bytes(std::uint64_t count) { bytes_ += count; }
  void note_reconnect() { ++reconnects_; }
  void note_ready() { ++ready_; }

  /// A tunnel has ended as planned.
  void note_done(Use use) {
    ++done_;
    ++checks_[use].first;
    note_progress();
  }
  void note_failure(Use use, const std::string& why) {
    ++failed_;
    ++failures_[why];
    ++checks_[use].second;
    note_progress();
  }

  /// Whether there is one more tunnel to be opened, or one more request to be sent; takes it.
  bool take_turn() {
    if (turns_ >= plan_.count) return false;
    ++turns_;
    return true;
  }
  std::uint64_t next_number() { return number_++; }

  /// The tunnel's next message is due when the pause is over.
  void rest(Tunnel& tunnel) { resting_.emplace_back(now_ns() + plan_.pause * 1'000'000, &tunnel); }
  /// Its first message: they begin one after the other, within one pause, so as not to come all at
  /// once.
  void rest_first(Tunnel& tunnel) {
    const std::uint64_t pause = plan_.pause * 1'000'000;
    resting_.emplace_back(now_ns() + pause * resting_.size() / plan_.tunnels, &tunnel);
  }
  /// Waits for what happens next, and lets happen what is due.
  void turn();

  bool working() const { return working_; }
  void start_work() {
    working_ = true;
    born_ = started_ = progress_ = now_ns();
  }
  void note_opened() { ++open_; }
  void note_closed() { --open_; }
  std::uint64_t open() const { return open_; }
  std::uint64_t settled() const { return done_ + failed_; }
  void fail_run(const std::string& why) {
    ++failed_;
    ++failures_[why];
  }
  std::uint64_t ready() const { return ready_; }
  std::uint64_t failed() const { return failed_; }
  /// Nothing has happened for long, or time is up.
  bool stuck() const {
    constexpr std::uint64_t kPatience = 10'000'000'000;
    const std::uint64_t now = now_ns();
    return now - progress_ > kPatience || now - born_ > plan_.seconds * 1'000'000'000ULL;
  }

  void print();

 private:
  double percentile_us(double share) const {
    if (latencies_.empty()) return 0;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(latencies_.size() - 1));
    return static_cast<double>(latencies_[at]) / 1000;
  }

  Plan plan_;
  Poller poller_;
  // In order, as all rest equally long.
  std::deque<std::pair<std::uint64_t, Tunnel*>> resting_;
  bool working_ = false;
  std::uint64_t born_ = now_ns();
  std::uint64_t started_ = born_;
  std::uint64_t progress_ = born_;
  std::uint64_t turns_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t open_ = 0;
  std::uint64_t ready_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t reconnects_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<std::uint64_t> latencies_;
  std::map<std::string, std::uint64_t> failures_;
  std::map<Use, std::pair<std::uint64_t, std::uint64_t>> checks_;
};

std::string in_json(const std::string& text) {
  std::string plain;
  for (const char byte : text.substr(0, 160))
    if (byte >= ' ' && byte < 127 && byte != '"' && byte != '\\') plain += byte;
  return '"' + plain + '"';
}

unsigned long long wide(std::uint64_t number) { return number; }

void Crowd::print() {
  const double seconds = static_cast<double>(now_ns() - started_) / 1e9;
  std::sort(latencies_.begin(), latencies_.end());
  std::printf(
      "{\"done\": %llu, \"failed\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"reconnects\": "
      "%llu, \"answers\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f",
      wide(done_), wide(failed_), wide(bytes_), seconds, wide(reconnects_), latencies_.size(),
      percentile_us(0.5), percentile_us(0.99), percentile_us(1));
  if (plan_.work == Work::check) {
    std::printf(", \"checks\": {");
    for (std::size_t i = 0; i < kChecked.size(); ++i)
      std::printf("%s\"%s\": [%llu, %llu]", i > 0 ? ", " : "", kCheckedNames[i],
                  wide(checks_[kChecked[i]].first), wide(checks_[kChecked[i]].second));
    std::printf("}");
  }
  std::printf(", \"failures\": {");
  const char* comma = "";
  for (const auto& [why, count] : failures_) {
    std::printf("%s%s: %llu", comma, in_json(why).c_str(), wide(count));
    comma = ", ";
  }
  std::printf("}}\n");
  std::fflush(stdout);
}

/// One tunnel, and the ones that take its place.
class Tunnel final : public Watched {
 public:
  Tunnel(Crowd& crowd, Use use, std::uint64_t bytes) : crowd_(crowd), use_(use), bytes_(bytes) {}
  ~Tunnel() override { close_socket(); }
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  void open();
  /// From ready to work.
  void begin();
  void send_message();
  void end() { over(std::nullopt); }
  bool ready() const { return state_ == State::ready; }
  bool working() const { return state_ == State::working; }
  bool closed() const { return state_ == State::closed; }

  void on_event(std::uint32_t events) override;

 private:
  enum class State { closed, connecting, greeting, asking, ready, working };

  const Plan& plan() const { return crowd_.plan(); }
  bool messages() const { return use_ == Use::echo && plan().work != Work::check; }
  /// Whether each byte is looked at. Bulk is only counted.
  bool looks() const { return seed_ != 0 || use_ == Use::get || messages(); }

  void choose_check();
  void bind_to_source(std::uint64_t number) const;
  void connected();
  void ask();
  void read_answer();
  std::optional<std::size_t> answer_end();
  void become_ready();
  void send_request();
  void transmit();
  void receive();
  void hear(std::string_view bytes);
  void hear_head();
  void hear_receipt(std::string_view bytes);
  void heard(std::uint64_t count);
  void all_heard();
  void heard_end();
  void broken(const char* doing);
  bool was_kept() const;
  void reconnect();
  void over(const std::optional<std::string>& failure);
  void close_socket();
  void watch(std::uint32_t events);
  std::string target() const;

  Crowd& crowd_;
  Use use_;
  std::uint64_t bytes_;
  State state_ = State::closed;
  int fd_ = -1;
  std::uint32_t events_ = 0;
  std::uint64_t since_ = 0;

  std::string out_;
  std::uint64_t seed_ = 0;
  std::uint64_t to_send_ = 0;
  std::uint64_t sent_at_ = 0;
  Hash sent_hash_;
  bool finished_writing_ = false;

  std::string in_;
  std::uint64_t to_hear_ = 0;
  std::uint64_t heard_at_ = 0;
  std::uint64_t messages_ = 0;
  bool in_body_ = false;
  bool last_on_connection_ = false;
  bool fresh_connection_ = true;
  // A request has been taken, and the connection it was for is gone.
  bool owes_request_ = false;
};

std::string Tunnel::target() const {
  switch (use_) {
    case Use::download:
      return plan().source;
    case Use::upload:
      return plan().sink;
    case Use::get:
      return plan().origin;
    default:
      return plan().echo;
  }
}

// Sizes around those that matter to a relay: none but a few bytes, a segment, more than its
// buffers.
void Tunnel::choose_check() {
  const std::uint64_t number = crowd_.next_number();
  use_ = kChecked[number % kChecked.size()];
  seed_ = 1 + number * 7919;
  const std::uint64_t round = number / kChecked.size();
  const std::uint64_t any = seed_ * 0x9e3779b97f4a7c15 >> 33;
  const std::array<std::uint64_t, 4> limits = {64, 8192, plan().bytes, plan().bytes};
  bytes_ = 1 + any % limits[round % limits.size()];
  if (use_ == Use::early_data) bytes_ = 1 + any % 4000;
}

void Tunnel::open() {
  if (plan().work == Work::check) choose_check();
  state_ = State::connecting;
  in_.clear();
  out_.clear();
  to_send_ = to_hear_ = sent_at_ = heard_at_ = messages_ = 0;
  sent_hash_ = Hash();
  finished_writing_ = in_body_ = last_on_connection_ = false;
  fresh_connection_ = true;
  since_ = now_ns();
  fd_ = stream_socket();
  crowd_.note_opened();
  set_no_delay(fd_);
  if (plan().sources > 1) bind_to_source(crowd_.next_number());
  const auto* proxy = reinterpret_cast<const sockaddr*>(&plan().proxy);
  const bool refused = connect(fd_, proxy, sizeof plan().proxy) != 0 && errno != EINPROGRESS;
  events_ = EPOLLOUT;
  crowd_.poller().add(fd_, events_, this);
  // Not told at once: over() would open the next one, and so on for as long as all are refused.
  if (refused) fail(std::string("connect: ") + std::strerror(errno));
}

void Tunnel::bind_to_source(std::uint64_t number) const {
  const int one = 1;
  setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f000002U + static_cast<std::uint32_t>(number % plan().sources));
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
    fail(std::string("bind: ") + std::strerror(errno));
}

void Tunnel::on_event(std::uint32_t events) {
  switch (state_) {
    case State::closed:
      return;
    case State::connecting:
      return connected();
    case State::greeting:
    case State::asking:
      if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) return read_answer();
      return transmit();
    case State::ready:
      return over("closed while nothing moved");
    case State::working:
      if ((events & EPOLLOUT) != 0) transmit();
      // What was sent may have ended this tunnel and begun another, which has heard nothing yet.
      if (state_ == State::working && (events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0)
        receive();
  }
}

void Tunnel::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return over(std::string("connect: ") + std::strerror(error));
  if (use_ == Use::get) return become_ready();
  if (!plan().socks) return ask();
  state_ = State::greeting;
  out_ = {5, 1, 0};
  transmit();
}

/// "127.0.0.1:80" as SOCKS5 has it (RFC 1928 section 4), behind the command CONNECT.
std::string socks_request(const std::string& target) {
  const sockaddr_in address = to_address(target);
  std::string request = {5, 1, 0, 1};
  request.append(reinterpret_cast<const char*>(&address.sin_addr), 4);
  request.append(reinterpret_cast<const char*>(&address.sin_port), 2);
  return request;
}

void Tunnel::ask() {
  state_ = State::asking;
  const std::string to = target();
  out_ =
      plan().socks ? socks_request(to) : "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\n";
  if (use_ == Use::early_data) {
    // Together with the request, as some clients do who cannot wait.
    out_ += Pattern::at(seed_, 0, bytes_);
    sent_at_ = bytes_;
    to_hear_ = bytes_;
  }
  transmit();
}

void Tunnel::read_answer() {
  const ssize_t count = recv(fd_, scratch(), kScratch, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count < 0) return over(std::string("before the answer: ") + std::strerror(errno));
  if (count == 0) return over("closed before the answer");
  in_.append(scratch(), static_cast<std::size_t>(count));
  if (state_ == State::greeting) {
    if (in_.size() < 2) return;
    if (in_ != std::string{5, 0}) return over("no SOCKS5 without a password");
    in_.clear();
    return ask();
  }
  const std::optional<std::size_t> end = answer_end();
  if (!end) return;
  const std::string rest = in_.substr(*end);
  in_.clear();
  become_ready();
  if (rest.empty()) return;
  if (state_ != State::working) return over("bytes that nobody asked for");
  hear(rest);
}

// Where the answer ends; nothing if it is not whole, or is a refusal, which ends the tunnel.
std::optional<std::size_t> Tunnel::answer_end() {
  if (plan().socks) {
    constexpr std::size_t kReply = 10;  // with an IPv4 address
    if (in_.size() < kReply) return std::nullopt;
    if (in_.starts_with(std::string{5, 0, 0, 1})) return kReply;
    over("answered SOCKS " + std::to_string(in_[1]));
    return std::nullopt;
  }
  const std::size_t end = in_.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  if (in_.starts_with("HTTP/1.") && in_.substr(8, 4) == " 200") return end + 4;
  over("answered " + in_.substr(0, in_.find("\r\n")));
  return std::nullopt;
}

void Tunnel::become_ready() {
  state_ = State::ready;
  crowd_.note_ready();
  crowd_.note_progress();
  watch(EPOLLIN);
  if (crowd_.working()) begin();
}

void Tunnel::begin() {
  state_ = State::working;
  switch (use_) {
    case Use::echo:
      if (messages()) return plan().pause > 0 ? crowd_.rest_first(*this) : send_message();
      [[fallthrough]];
    case Use::half_close:
      to_send_ = to_hear_ = bytes_;
      break;
    case Use::early_data:
      break;
    case Use::download:
      out_ = Order{bytes_, seed_}.encode();
      to_hear_ = bytes_;
      break;
    case Use::upload:
      out_ = Order{bytes_, seed_}.encode();
      to_send_ = bytes_;
      break;
    case Use::get:
      if (!owes_request_ && !crowd_.take_turn()) return end();
      owes_request_ = false;
      return send_request();
  }
  transmit();
}

void Tunnel::send_message() {
  // A tunnel is timed from its beginning, a message from its own.
  const bool first = messages_++ == 0;
  if (!first || (plan().work != Work::churn && plan().work != Work::burst)) since_ = now_ns();
  sent_at_ = heard_at_ = 0;
  to_send_ = to_hear_ = plan().size;
  transmit();
}

void Tunnel::send_request() {
  out_ = "GET http://" + plan().origin + "/" + std::to_string(plan().size) +
         " HTTP/1.1\r\nHost: " + plan().origin + "\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n";
  heard_at_ = 0;
  in_body_ = false;
  since_ = now_ns();
  transmit();
}

void Tunnel::transmit() {
  constexpr std::uint64_t kTurn = 1 << 20;
  std::uint64_t given = 0;
  while (!out_.empty() || (state_ == State::working && to_send_ > 0 && given < kTurn)) {
    const std::string_view piece =
        out_.empty() ? Pattern::at(seed_, sent_at_, to_send_) : std::string_view(out_);
    const ssize_t count = send(fd_, piece.data(), piece.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return broken("send: ");
    const auto sent = static_cast<std::size_t>(count);
    if (!out_.empty()) {
      out_.erase(0, sent);
      continue;
    }
    if (use_ == Use::upload && seed_ != 0) sent_hash_.add(piece.substr(0, sent));
    if (use_ == Use::upload) crowd_.note_bytes(sent);
    sent_at_ += sent;
    to_send_ -= sent;
    given += sent;
    crowd_.note_progress();
  }
  const bool more = !out_.empty() || (state_ == State::working && to_send_ > 0);
  if (!more && state_ == State::working && use_ == Use::half_close && !finished_writing_) {
    finished_writing_ = true;
    shutdown(fd_, SHUT_WR);
  }
  watch(more ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Tunnel::receive() {
  // Taking bytes without a copy: the client must not be what limits the proxy.
  const ssize_t count = use_ == Use::download && !looks() ? recv(fd_, nullptr, 4 << 20, MSG_TRUNC)
                                                          : recv(fd_, scratch(), kScratch, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) return broken("recv: ");
  if (count == 0) return heard_end();
  if (use_ == Use::download && !looks()) return heard(static_cast<std::uint64_t>(count));
  hear({scratch(), static_cast<std::size_t>(count)});
}

void Tunnel::hear(std::string_view bytes) {
  if (use_ == Use::upload) return hear_receipt(bytes);
  if (use_ == Use::get && !in_body_) {
    in_.append(bytes);
    return hear_head();
  }
  if (looks() && !Pattern::matches(seed_, heard_at_, bytes)) return over("wrong bytes");
  heard(bytes.size());
}

void Tunnel::hear_head() {
  const std::size_t end = in_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string head = in_.substr(0, end + 2);
  const std::string rest = in_.substr(end + 4);
  in_.clear();
  if (!head.starts_with("HTTP/1.") || head.substr(8, 4) != " 200")
    return over("answered " + head.substr(0, head.find("\r\n")));
  const std::string connection = header(head, "connection");
  last_on_connection_ = connection == "close" || (head[7] == '0' && connection != "keep-alive");
  if (!header(head, "transfer-encoding").empty()) return over("an answer in chunks");
  const auto length = content_length(head);
  if (length && *length != plan().size) return over("an answer of another size");
  if (!length) last_on_connection_ = true;
  in_body_ = true;
  to_hear_ = plan().size;
  if (!rest.empty()) hear(rest);
}

void Tunnel::hear_receipt(std::string_view bytes) {
  in_.append(bytes);
  if (in_.size() < Receipt::kSize) return;
  const Receipt receipt = Receipt::decode(in_);
  if (receipt.bytes != bytes_ || to_send_ > 0 || in_.size() > Receipt::kSize)
    return over("the sink has another number of bytes");
  if (seed_ != 0 && receipt.hash != sent_hash_.value()) return over("the sink has another hash");
  end();
}

void Tunnel::heard(std::uint64_t count) {
  if (count > to_hear_) return over("more bytes than were sent");
  to_hear_ -= count;
  heard_at_ += count;
  if (use_ == Use::download || use_ == Use::get) crowd_.note_bytes(count);
  crowd_.note_progress();
  if (to_hear_ == 0) all_heard();
}

void Tunnel::all_heard() {
  // These end with the other side's FIN, which has to come as well.
  if (use_ == Use::download || use_ == Use::half_close) return;
  if (!messages() && use_ != Use::get) return end();
  crowd_.note_latency(since_);
  if (use_ == Use::get) {
    if (!crowd_.take_turn()) return end();
    if (last_on_connection_) return reconnect();
    fresh_connection_ = false;
    in_body_ = false;
    return send_request();
  }
  const bool stays = plan().work == Work::ping || plan().work == Work::mixed;
  if (stays && messages_ < plan().messages)
    return plan().pause > 0 ? crowd_.rest(*this) : send_message();
  if (plan().work != Work::burst) return end();
  state_ = State::ready;
  crowd_.note_done(use_);
}

// A server may close a connection that is kept just as the next request is under way.
bool Tunnel::was_kept() const {
  return use_ == Use::get && !in_body_ && in_.empty() && !fresh_connection_;
}

void Tunnel::heard_end() {
  if (to_hear_ == 0 && (use_ == Use::download || use_ == Use::half_close)) return end();
  if (was_kept()) return reconnect();
  over("closed early");
}

void Tunnel::broken(const char* doing) {
  const int error = errno;
  if (was_kept()) return reconnect();
  over(std::string(doing) + std::strerror(error));
}

void Tunnel::reconnect() {
  crowd_.note_reconnect();
  close_socket();
  owes_request_ = true;
  open();
}

void Tunnel::over(const std::optional<std::string>& failure) {
  const bool counted = state_ == State::ready && plan().work == Work::burst;
  close_socket();
  if (failure) {
    crowd_.note_failure(use_, *failure);
  } else if (!counted) {
    crowd_.note_done(use_);
  }
  const bool renews = plan().work == Work::churn || plan().work == Work::check;
  if (renews && crowd_.take_turn()) open();
}

void Tunnel::close_socket() {
  if (fd_ >= 0) {
    close(fd_);
    crowd_.note_closed();
  }
  fd_ = -1;
  state_ = State::closed;
}

void Tunnel::watch(std::uint32_t events) {
  if (events == events_) return;
  events_ = events;
  crowd_.poller().change(fd_, events, this);
}

void Crowd::turn() {
  constexpr int kLongest = 100;
  constexpr std::uint64_t kMillisecond = 1'000'000;
  int wait = kLongest;
  if (!resting_.empty()) {
    const std::uint64_t due = resting_.front().first;
    const std::uint64_t now = now_ns();
    // Rounded up, or the last part of a millisecond would be spent awake.
    const std::uint64_t left = due > now ? (due - now + kMillisecond - 1) / kMillisecond : 0;
    wait = static_cast<int>(std::min<std::uint64_t>(left, kLongest));
  }
  poller_.turn(wait);
  while (!resting_.empty() && resting_.front().first <= now_ns()) {
    Tunnel* tunnel = resting_.front().second;
    resting_.pop_front();
    if (tunnel->working()) tunnel->send_message();
  }
}

/// Waits for a line of standard input, or its end.
class Gate final : public Watched {
 public:
  bool open() const { return open_; }
  void on_event(std::uint32_t /*events*/) override {
    std::array<char, 64> line{};
    static_cast<void>(!read(STDIN_FILENO, line.data(), line.size()));
    open_ = true;
  }

 private:
  bool open_ = false;
};

Use use_of(const Plan& plan, std::uint64_t index) {
  switch (plan.work) {
    case Work::download:
      return Use::download;
    case Work::upload:
      return Use::upload;
    case Work::get:
      return Use::get;
    case Work::mixed:
      return index < plan.bulk ? Use::download : Use::echo;
    default:
      return Use::echo;
  }
}

using Tunnels = std::vector<std::unique_ptr<Tunnel>>;

// A few at a time: this is not what is measured.
void open_all(Crowd& crowd, const Tunnels& tunnels) {
  constexpr std::uint64_t kAtOnce = 64;
  std::uint64_t opened = 0;
  while (crowd.ready() + crowd.failed() < tunnels.size() && !crowd.stuck()) {
    while (opened < tunnels.size() && opened - crowd.ready() - crowd.failed() < kAtOnce)
      tunnels[opened++]->open();
    crowd.poller().turn(100);
  }
}

void start_all(Crowd& crowd, const Tunnels& tunnels, bool opened) {
  for (const auto& tunnel : tunnels) {
    if (!opened) {
      if (crowd.plan().work == Work::burst || crowd.take_turn()) tunnel->open();
    } else if (tunnel->ready()) {
      if (crowd.plan().work == Work::idle) {
        tunnel->end();
      } else {
        tunnel->begin();
      }
    }
  }
}

}  // namespace

int run(const Plan& plan) {
  Crowd crowd(plan);
  Tunnels tunnels;
  for (std::uint64_t i = 0; i < plan.tunnels; ++i)
    tunnels.push_back(std::make_unique<Tunnel>(crowd, use_of(plan, i), plan.bytes));

  const bool opens_first =
      plan.work != Work::churn && plan.work != Work::burst && plan.work != Work::check;
  const std::uint64_t began = now_ns();
  if (opens_first) open_all(crowd, tunnels);
  std::printf("{\"ready\": %llu, \"seconds\": %.6f}\n", wide(crowd.ready()),
              static_cast<double>(now_ns() - began) / 1e9);
  std::fflush(stdout);
  Gate gate;
  crowd.poller().add(STDIN_FILENO, EPOLLIN, &gate);
  while (!gate.open()) crowd.poller().turn(-1);
  crowd.poller().remove(STDIN_FILENO);

  crowd.start_work();
  start_all(crowd, tunnels, opens_first);
  while (crowd.open() > 0) {
    crowd.turn();
    if (plan.work == Work::burst && crowd.settled() >= plan.tunnels)
      for (const auto& tunnel : tunnels)
        if (!tunnel->closed()) tunnel->end();
    if (crowd.open() == 0 || !crowd.stuck()) continue;
    crowd.fail_run("stuck with " + std::to_string(crowd.open()) + " tunnels open");
    break;
  }
  crowd.print();
  return crowd.failed() > 0 ? 1 : 0;
}

}  // namespace bench
