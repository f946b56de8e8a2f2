#include "server/worker.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace culvert {
namespace {

// A head and a body of 64 KiB.
constexpr std::size_t kBufferBytes = 72 * 1024;
constexpr std::string_view kMoreFiles = "raise the limit of open files (ulimit -n, LimitNOFILE=)";
constexpr std::chrono::milliseconds kAskAgain{10};
constexpr std::chrono::milliseconds kLogRetry{100};
// For clients that take slowly what was written before their tunnel is cut.
constexpr std::chrono::seconds kCutTimeout{5};

/// What there is too little of, by the errno of accept4() or epoll_ctl().
std::string_view advice_for(int error) {
  switch (error) {
    case EMFILE:
      return kMoreFiles;
    case ENFILE:
      return "raise fs.file-max (sysctl)";
    case ENOSPC:
      return "raise fs.epoll.max_user_watches (sysctl)";
    default:
      return "the system is short of memory";
  }
}

}  // namespace

Worker::Worker(Shared& shared, const std::shared_ptr<const Ruleset>& ruleset, std::size_t index,
               std::size_t count, std::vector<ListenSocket> sockets, std::function<void()> drained)
    : shared_(shared),
      next_id_(index + 1),
      id_step_(count),
      tends_upstreams_(index == 0),
      drained_(std::move(drained)),
      log_(STDERR_FILENO, shared.access.fd, ruleset->config.log_level, ruleset->config.log_format,
           &shared.access_loss_told, shared.access.journal.get()),
      index_(index),
      tracer_(loop_, log_, shared.traces),
      buffer_(std::make_unique<char[]>(kBufferBytes)),
      walk_(loop_, sessions_),
      stalls_(loop_, sessions_),
      lanes_(loop_, sessions_),
      drain_timer_(loop_, Callback<void()>::to<&Worker::on_drain_timeout>(this)),
      log_timer_(loop_, Callback<void()>::to<&Log::flush>(&log_)),
      room_maker_(shared.pressure, Callback<void()>::to<&Worker::on_waiting_closed>(this)),
      room_timer_(loop_, Callback<void()>::to<&Worker::make_room_for_others>(this)) {
  shared_.workers.push_back(this);
  loop_.set_make_room([this] { return make_room(); });
  loop_.set_spare(shared_.spare);
  for (ListenSocket& socket : sockets) {
    Entrance& entrance = add_entrance(socket.index());
    entrance.open(std::move(socket));
  }
  begin_generation(ruleset);
}

Worker::~Worker() { std::erase(shared_.workers, this); }

std::size_t Worker::tunnels() const {
  std::size_t sum = 0;
  for (const auto& generation : generations_) sum += generation->context().tunnels;
  return sum;
}

void Worker::on_request_finished(const SessionRecord& record) {
  stats_.add(record);
  if (record.upstream != nullptr)
    record.upstream->counters->add_request(record.bytes_up, record.bytes_down);
}

Entrance& Worker::add_entrance(std::size_t listener) {
  entrances_.push_back(std::make_unique<Entrance>(*this, listener));
  return *entrances_.back();
}

void Worker::take_over() {
  for (const auto& entrance : entrances_) entrance->take_over();
}

void Worker::begin_generation(const std::shared_ptr<const Ruleset>& ruleset) {
  generations_.push_back(std::make_unique<Generation>(
      ruleset, loop_, log_, FlowResources{{buffer_.get(), kBufferBytes}, pipes_},
      shared_.resumptions, shared_.pseudonym, tends_upstreams_, &upstream_counters_));
  context().request_finished =
      Callback<void(const SessionRecord&)>::to<&Worker::on_request_finished>(this);
  context().counters = &counters_;
  context().tracer = &tracer_;
  context().request_failed =
      Callback<void(const SessionRecord&)>::to<&RecentFailures::add>(&failures_);
  context().limited = &limited_;
  context().newest = &newest_;
  newest_ = &context();
  stalls_.follow(context());
  lanes_.follow(context());
  const Config& config = ruleset->config;
  if (config.admin.empty()) {
    loop_.set_turn_end([this] { on_turn_end(); });
  } else {
    // Somebody may look: that is worth a call of the clock in each turn.
    loop_.set_turn_end([this] {
      on_turn_end();
      loop_.note_turn();
    });
  }
  shared_.limits.bandwidth.set_rates({.all = config.bandwidth,
                                      .per_client = config.bandwidth_per_client,
                                      .per_user = config.bandwidth_per_user});
  if (config.counts_clients()) {
    context().client_limits = &shared_.limits;
    limit_sessions();
  }
}

/// Those that began while there was no limit are counted as well from now on.
void Worker::limit_sessions() {
  for (const auto& session : sessions_) {
    if (!session->is_limited()) session->limit(limits_for(session->client_ip(), 0));
  }
}

std::unique_ptr<ClientLimits> Worker::limits_for(const std::optional<IpAddress>& client,
                                                 std::size_t most) {
  Limits& limits = shared_.limits;
  UsageTable::Place place;
  if (client) place = limits.usage.enter(UsageKey::client(*client), most, loop_.now());
  return std::make_unique<ClientLimits>(limits, std::move(place));
}

void Worker::next_accept(std::chrono::milliseconds& wait) {
  using std::chrono::milliseconds;
  const std::size_t rate = context().config.max_accepts_per_second;
  if (rate == 0) return;
  constexpr std::chrono::nanoseconds kSecond = std::chrono::seconds(1);
  const auto burst = std::max<std::chrono::nanoseconds>(milliseconds(100), kSecond / rate);
  const auto from = shared_.limits.accepts.reserve(1, rate, burst, loop_.now());
  if (from <= loop_.now()) return;
  wait = std::chrono::ceil<milliseconds>(from - loop_.now());
  counters_.met(Limit::accepts);
}

void Worker::adopt(const std::shared_ptr<const Ruleset>& ruleset) {
  if (draining_) return;
  generations_.back()->retire();
  begin_generation(ruleset);
  renew_sessions();
}

void Worker::renew_sessions() {
  // A session that ends gives its slot to the last one, which has had its turn.
  for (std::size_t i = sessions_.size(); i-- > 0;) sessions_[i]->follow_reload();
}

void Worker::begin_session(std::unique_ptr<Stream> client, std::unique_ptr<ClientProtocol> protocol,
                           const std::optional<HostPort>& peer, Admission admission,
                           std::unique_ptr<ClientLimits> limits,
                           std::chrono::milliseconds queued_for) {
  sessions_.push_back(std::make_unique<Session>(
      context(), next_id_, std::move(client), std::move(protocol), peer, admission,
      Callback<void(Session&)>::to<&Worker::on_session_finished>(this)));
  next_id_ += id_step_;
  ++accepted_;
  Session& session = *sessions_.back();
  session.slot = static_cast<std::uint32_t>(sessions_.size() - 1);
  if (queued_for >= kTimeToAsk) session.note_wait_in_queue();
  peak_ = std::max(peak_, sessions_.size());
  if (limits) session.limit(std::move(limits));
  stalls_.on_session();
  lanes_.on_session();
  session.start();
}

void Worker::on_starved(int error) {
  pipes_.trim();
  ++accept_failures_;
  if (is_lack_of_descriptors(error)) {
    starved_ = true;
    shared_.starved = true;
    ask_others_for_room();
  }
  context().warn(RareWarnings::Kind::no_accept,
                 fmt::format("cannot accept connections: {} - {}",
                             std::generic_category().message(error), advice_for(error)));
}

void Worker::on_refusing() {
  pipes_.trim();
  counters_.met(Limit::descriptors);
  context().warn(RareWarnings::Kind::refused,
                 concat({"no descriptors are left: each new client gets a 503 - ", kMoreFiles}));
}

/// None waits for a request that would be served, so none gives way.
void Worker::ask_hopeless(bool& hopeless) {
  hopeless = tunnels() == sessions_.size() ||
             std::none_of(sessions_.begin(), sessions_.end(),
                          [](const auto& session) { return session->may_serve(); });
  if (!hopeless || loop_.now() - room_asked_ < kAskAgain) return;
  ask_others_for_room();
}

void Worker::ask_others_for_room() {
  room_asked_ = loop_.now();
  for (Worker* const other : shared_.workers) {
    if (other != this) other->loop_.post([other] { other->make_room_for_others(); });
  }
}

/// A descriptor that became free here is for one that waits, for another worker first: a client of
/// this one may have had it just now.
void Worker::relieve() {
  if (room_maker_.could_after_turn()) make_room();
  if (finished_.empty() || !shared_.starved.exchange(false)) return;
  bool relieved = false;
  for (Worker* const worker : shared_.workers) {
    if (worker == this || !worker->starved_.exchange(false)) continue;
    worker->loop_.post([worker] { worker->resume_accepting(); });
    relieved = true;
  }
  if (!starved_) return;
  if (relieved) {
    shared_.starved = true;
  } else {
    starved_ = false;
    loop_.post([this] { resume_accepting(); });
  }
}

void Worker::resume_accepting() {
  for (const auto& entrance : entrances_) entrance->resume();
}

WorkerFacts Worker::own_facts() {
  WorkerFacts facts;
  facts.worker = index_;
  facts.stats = stats_;
  facts.counters = counters_;
  facts.counters.stalled = stalls_.stalled_now();
  facts.counters.stalls = stalls_.stalled_total();
  facts.accepted = accepted_;
  facts.accept_failures = accept_failures_;
  facts.connections = sessions_.size();
  facts.tunnels = tunnels();
  facts.bytes = {stats_.bytes_up(), stats_.bytes_down()};
  facts.target_lookups = loop_.lookups().targets;
  facts.upstream_lookups = loop_.lookups().upstreams;
  facts.pipes = pipes_.lent();
  facts.lost_lines = log_.lost_lines_ever();
  facts.lost_access_lines = log_.lost_access_lines_ever();
  facts.long_turns = loop_.lag().turns();
  facts.long_turn_time = loop_.lag().sum();
  facts.longest_turn = loop_.lag().longest(loop_.now());
  timespec cpu{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  facts.cpu = std::chrono::seconds(cpu.tv_sec) + std::chrono::nanoseconds(cpu.tv_nsec);
  return facts;
}

/// Bytes of requests that run are counted elsewhere only once they have finished.  What finishes
/// while it walks is left out, so that no byte is there twice.
class Worker::Gathering final : public SessionWalk::Visitor {
 public:
  Gathering(Worker& worker, bool wants_sessions, TakeFacts take)
      : worker_(worker), wants_sessions_(wants_sessions), take_(std::move(take)) {}

  void begin() override {
    facts_ = worker_.own_facts();
    if (wants_sessions_) sessions_.reserve(worker_.sessions_.size());
    for (const UpstreamCounterTable::Entry& entry : worker_.upstream_counters_.entries()) {
      const UpstreamCounters& counters = *entry.counters;
      facts_.upstreams.push_back(
          {entry.name, counters, {counters.bytes_up, counters.bytes_down}, 0});
    }
  }

  void look(Session& session) override {
    const SessionRecord& record = session.record();
    const ByteCounts bytes{record.bytes_up, record.bytes_down};
    facts_.bytes += bytes;
    if (record.upstream != nullptr) add_to_upstream(record, bytes);
    if (!wants_sessions_ || !session.is_in_request()) return;
    sessions_.push_back(session.facts());
    SessionFacts& facts = sessions_.back();
    facts.stall = worker_.stalls_.stall_of(session);
    if (facts.stall) facts.state = SessionFacts::State::stalled;
  }

  void end() override {
    worker_.told_.raise_to(facts_.bytes);
    facts_.bytes = worker_.told_;
    for (const UpstreamCounterTable::Entry& entry : worker_.upstream_counters_.entries()) {
      UpstreamTally* const tally = tally_of(entry.name);
      if (tally == nullptr) continue;
      UpstreamCounters& counters = *entry.counters;
      counters.told_up = tally->bytes.up = std::max(counters.told_up, tally->bytes.up);
      counters.told_down = tally->bytes.down = std::max(counters.told_down, tally->bytes.down);
    }
    take_(std::move(facts_), std::move(sessions_));
  }

 private:
  UpstreamTally* tally_of(std::string_view name) {
    const auto found = std::find_if(facts_.upstreams.begin(), facts_.upstreams.end(),
                                    [name](const auto& tally) { return tally.name == name; });
    return found == facts_.upstreams.end() ? nullptr : &*found;
  }

  /// Mostly it is the same upstream as of the session before.
  void add_to_upstream(const SessionRecord& record, const ByteCounts& bytes) {
    const std::string& name = record.upstream->config.name;
    if (tally_ == nullptr || tally_->name != name) tally_ = tally_of(name);
    if (tally_ == nullptr) return;
    tally_->bytes += bytes;
    const bool runs = record.outcome.kind == Outcome::Kind::none;
    if (runs && record.stage == SessionStage::tunnel) ++tally_->tunnels;
  }

  Worker& worker_;
  bool wants_sessions_;
  TakeFacts take_;
  WorkerFacts facts_;
  std::vector<SessionFacts> sessions_;
  UpstreamTally* tally_ = nullptr;  // of the session before
};

void Worker::gather(bool wants_sessions, TakeFacts take) {
  walk_.start(std::make_unique<Gathering>(*this, wants_sessions, std::move(take)));
}

class Worker::TunnelFinder final : public SessionWalk::Visitor {
 public:
  explicit TunnelFinder(TakeTunnels take) : take_(std::move(take)) {}

  void begin() override {}
  void look(Session& session) override {
    const SessionContext& context = session.context();
    const Upstream* const upstream = session.last_moved() ? session.upstream() : nullptr;
    if (upstream != nullptr) {
      add(upstream->config, context.config);
    } else if (context.is_superseded()) {
      used_ = kAllTunnels;  // it may choose any that there were
    }
  }
  void end() override { take_(used_); }

 private:
  /// With those on the way to it.
  void add(const UpstreamConfig& upstream, const Config& config) {
    for (const UpstreamConfig* hop = &upstream; hop != nullptr;
         hop = hop->via_index ? &config.upstreams[*hop->via_index] : nullptr) {
      used_ |= tunnel_bit(hop->tunnel);
    }
  }

  TakeTunnels take_;
  TunnelSet used_ = 0;
};

void Worker::find_tunnels(TakeTunnels take) {
  walk_.start(std::make_unique<TunnelFinder>(std::move(take)));
}

Loop::Room Worker::make_room() {
  if (tunnels() == sessions_.size()) return Loop::Room::none;
  for (const auto& entrance : entrances_) {
    shared_.pressure.note(entrance->pressed_for(), loop_.now());
  }
  return room_maker_.make_room(sessions_, loop_.now());
}

/// Another worker has asked, and cannot see when more would be possible.
void Worker::make_room_for_others() {
  if (make_room() == Loop::Room::soon && shared_.starved) room_timer_.start(kLeastTimeToAsk);
}

void Worker::on_waiting_closed() {
  context().warn(RareWarnings::Kind::gave_way,
                 concat({"descriptors are short: connections that wait for a request are closed "
                         "for new ones - ",
                         kMoreFiles}));
}

void Worker::on_session_finished(Session& session) {
  stalls_.forget(session);
  const std::size_t slot = walk_.before_leaving(session.slot);
  finished_.push_back(std::move(sessions_[slot]));
  if (slot + 1 != sessions_.size()) {
    sessions_[slot] = std::move(sessions_.back());
    sessions_[slot]->slot = static_cast<std::uint32_t>(slot);
  }
  sessions_.pop_back();
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
}

/// A burst's memory goes back to the system once the burst is over; the allocator would keep it.
void Worker::trim_memory() {
#ifdef __GLIBC__
  // Of TLS clients each holds 14 KiB.  What is left of a burst counts, too.
  constexpr std::size_t kWorthIt = 256;
  constexpr std::size_t kRest = 16;
  if (peak_ < (after_burst_ ? kRest : kWorthIt) || sessions_.size() > peak_ / 8) return;
  peak_ = sessions_.size();
  after_burst_ = peak_ >= kRest;
  malloc_trim(0);
#endif
}

/// Mostly there is nothing to do: what there may be stands elsewhere, as registers are saved for
/// it.
void Worker::on_turn_end() {
  if (shared_.starved.load(std::memory_order_relaxed)) relieve();
  if (!finished_.empty()) destroy_finished();
  if (generations_.size() > 1) drop_generations();
  if (log_.waits()) flush_log();
  if (draining_) report_drained();
}

void Worker::destroy_finished() {
  finished_.clear();
  trim_memory();
}

/// Those that no session is under any more.
void Worker::drop_generations() {
  const Generation* newest = &current();
  std::erase_if(generations_, [newest](const auto& generation) {
    return generation.get() != newest && !generation->in_use();
  });
  upstream_counters_.sweep();
}

void Worker::flush_log() {
  log_.flush();
  if (log_.waits() && !log_timer_.running()) log_timer_.start(kLogRetry);
}

void Worker::report_drained() {
  if (!sessions_.empty() || drained_reported_) return;
  drained_reported_ = true;
  drain_timer_.stop();
  stalls_.rest();
  lanes_.rest();
  current().retire();  // background work does not delay the end
  drained_();
}

void Worker::drain(Drain how) {
  stop_accepting(how);
  if (how == Drain::handed_over || drain_limited_) return;
  drain_limited_ = true;
  for (const auto& session : sessions_) session->begin_drain(how == Drain::restart);
  if (const auto& limit = current().config().drain_timeout) drain_timer_.start(*limit);
}

void Worker::stop_accepting(Drain how) {
  if (draining_) return;
  draining_ = true;
  current().retire();
  for (const auto& entrance : entrances_) {
    if (how == Drain::handed_over) {
      entrance->hand_over();
    } else {
      entrance->close();
    }
  }
}

/// Of those that have a request.
Session* Worker::find_session(std::uint64_t id) const {
  const auto session = std::find_if(sessions_.begin(), sessions_.end(),
                                    [id](const auto& candidate) { return candidate->id() == id; });
  if (session == sessions_.end() || !(*session)->is_in_request()) return nullptr;
  return session->get();
}

bool Worker::end_session(std::uint64_t id) {
  Session* const session = find_session(id);
  if (session != nullptr) session->end_by_admin();
  return session != nullptr;
}

bool Worker::trace_session(std::uint64_t id, std::shared_ptr<TraceOrder> order) {
  Session* const session = find_session(id);
  if (session != nullptr) session->follow_trace(std::move(order));
  return session != nullptr;
}

void Worker::end_without_clients() {
  // A session that ends gives its slot to the last one, which has had its turn.
  for (std::size_t i = sessions_.size(); i-- > 0;) sessions_[i]->end_without_client();
}

void Worker::abort_all() { abort_sessions("a second signal came"); }

/// Clients that are to get an EOF get it, and a moment to take it.
void Worker::on_drain_timeout() {
  static constexpr std::string_view kWhy = "the drain timeout is over";
  if (std::exchange(cutting_, true)) return abort_sessions(kWhy);
  // A session that ends gives its slot to the last one, which has had its turn.
  for (std::size_t i = sessions_.size(); i-- > 0;) sessions_[i]->cut(kWhy);
  drain_timer_.start(kCutTimeout);
}

void Worker::abort_sessions(std::string_view why) {
  while (!sessions_.empty()) sessions_.back()->abort(why);
  stalls_.rest();
  lanes_.rest();
}

}  // namespace culvert
