#include "net/resolver.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "net/address_order.h"
#include "net/libc_lookup.h"
#include "net/name_answer.h"
#include "net/timer.h"

namespace culvert {
namespace {

// RFC 8305 section 3: for so long an answer in one family waits for the other.
constexpr std::chrono::milliseconds kResolutionDelay{50};
// How often a name that needs a thread looks for a free one.
constexpr std::chrono::milliseconds kThreadRetry{50};

bool has_route(const std::vector<IpAddress>& addresses) {
  return std::any_of(addresses.begin(), addresses.end(), [](const IpAddress& address) {
    return source_address_for(address).has_value();
  });
}

Error no_name_services(Side side) {
  return {Errc::dns_error, side, 0,
          "does not resolve here: neither the hosts file nor DNS knows it, and a static culvert "
          "cannot ask what else nsswitch.conf names"};
}

}  // namespace

ResolverOptions& ResolverOptions::defaults() {
  static ResolverOptions options;
  return options;
}

/// The look-up of one name.  It goes on when nobody waits any more: whoever asks again soon gets
/// its answer.
class Resolver::Question : public std::enable_shared_from_this<Question> {
 public:
  Question(Resolver& resolver, std::string name, Side side)
      : resolver_(resolver),
        name_(std::move(name)),
        side_(side),
        delay_(resolver.loop_, Callback<void()>::to<&Question::on_delay>(this)) {}

  ~Question() { leave_board(); }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  /// Starts, unless another loop looks the name up already.
  void begin();
  /// From the beginning, with the servers of now.
  void restart();
  /// Fails in a later turn.
  void refuse(Error error) { finish_later(std::move(error)); }

  void add(Lookup& lookup) { waiting_.push_back(&lookup); }
  void remove(Lookup& lookup) { std::erase(waiting_, &lookup); }
  const std::string& name() const { return name_; }
  Side side() const { return side_; }
  /// Nobody waits any more, and no thread has begun with it.
  bool unwanted_in_queue() const { return waiting_.empty() && needs_thread_; }
  bool in_thread() const { return libc_ != nullptr; }

 private:
  using Route = NameServices::Route;

  void start();
  void on_told(const Lookup::Found* found);
  void leave_board();
  void ask_dns();
  void ask_libc();
  void on_dns(IpAddress::Family family, NameAnswer answer);
  void on_delay() { needs_thread_ ? ask_libc() : conclude(answers_.combined()); }
  void conclude(const NameAnswer& answer);
  void on_libc(const LibcLookup::Found& found);
  void finish_later(Lookup::Found found);
  void finish(const Lookup::Found& found);
  std::vector<IpAddress> ordered(const std::vector<IpAddress>& addresses) const;

  Resolver& resolver_;
  std::string name_;
  Side side_;
  Route route_ = Route::own;
  std::deque<Lookup*> waiting_;
  bool on_board_ = false;
  std::vector<std::string> candidates_;
  std::size_t candidate_ = 0;
  unsigned round_ = 0;  // answers of an earlier one come too late
  FamilyAnswers answers_;
  NameOutcome failure_ = NameOutcome::found;  // that explains most of the candidates so far
  Timer delay_;
  bool needs_thread_ = false;  // and none is free
  std::unique_ptr<LibcLookup> libc_;
};

void Resolver::Question::begin() {
  on_board_ = true;
  const bool asks = resolver_.options_.board->join(
      {side_, name_}, this, resolver_.loop_, [self = weak_from_this()](const Lookup::Found* found) {
        if (const auto question = self.lock()) question->on_told(found);
      });
  if (asks) start();
}

/// Another loop has the answer, or has given up.
void Resolver::Question::on_told(const Lookup::Found* found) {
  if (found == nullptr) return start();
  on_board_ = false;
  finish(*found);
}

void Resolver::Question::leave_board() {
  if (std::exchange(on_board_, false)) resolver_.options_.board->leave({side_, name_}, this);
}

void Resolver::Question::start() {
  if (const auto address = IpAddress::parse(name_)) {
    return finish_later(std::vector<IpAddress>{*address});
  }
  const NameConfig& config = resolver_.config_;
  route_ = resolver_.options_.libc_only ? Route::libc : config.route(name_);
  if (route_ == Route::libc && !resolver_.options_.name_services) route_ = Route::own_then_libc;
  if (route_ == Route::libc) return ask_libc();
  if (const auto known = config.known_here(name_); !known.empty()) {
    return finish_later(ordered(known));
  }
  candidates_ = config.candidates(name_);
  candidate_ = 0;
  failure_ = NameOutcome::found;
  ask_dns();
}

void Resolver::Question::restart() {
  if (libc_ || candidates_.empty()) return;  // it does not wait for a DNS server of ours
  delay_.stop();
  needs_thread_ = false;
  start();
}

void Resolver::Question::ask_dns() {
  answers_ = {};
  ++round_;
  for (const auto family : {IpAddress::Family::v6, IpAddress::Family::v4}) {
    resolver_.dns_->ask(candidates_[candidate_], family,
                        [self = weak_from_this(), round = round_, family](NameAnswer answer) {
                          const auto question = self.lock();
                          if (question == nullptr || question->round_ != round) return;
                          question->on_dns(family, std::move(answer));
                        });
  }
}

void Resolver::Question::on_dns(IpAddress::Family family, NameAnswer answer) {
  answers_.set(family, std::move(answer));
  if (answers_.complete()) {
    conclude(answers_.combined());
  } else if (answers_.half_found() && has_route(answers_.combined().addresses)) {
    delay_.start(kResolutionDelay);
  }
}

/// `answer` is the one for the current candidate.
void Resolver::Question::conclude(const NameAnswer& answer) {
  delay_.stop();
  ++round_;
  if (answer.outcome == NameOutcome::found) return finish(ordered(answer.addresses));
  failure_ = std::max(failure_, answer.outcome);
  if (continues_search(answer.outcome) && ++candidate_ < candidates_.size()) return ask_dns();
  if (route_ == Route::own_then_libc && failure_ != NameOutcome::no_answer) {
    return resolver_.options_.name_services ? ask_libc() : finish(no_name_services(side_));
  }
  finish(lookup_error(failure_, side_));
}

void Resolver::Question::ask_libc() {
  needs_thread_ = !LibcLookup::has_room(side_);
  if (needs_thread_) return delay_.start(kThreadRetry);
  libc_ =
      std::make_unique<LibcLookup>(resolver_.loop_, name_, side_,
                                   Callback<void(LibcLookup::Found)>::to<&Question::on_libc>(this));
}

void Resolver::Question::on_libc(const LibcLookup::Found& found) {
  libc_.reset();
  finish(found);
}

void Resolver::Question::finish_later(Lookup::Found found) {
  candidates_.clear();
  ++round_;
  resolver_.loop_.defer([self = weak_from_this(), round = round_, found = std::move(found)] {
    const auto question = self.lock();
    if (question && question->round_ == round) question->finish(found);
  });
}

void Resolver::Question::finish(const Lookup::Found& found) {
  const auto self = shared_from_this();
  ++round_;
  if (std::exchange(on_board_, false))
    resolver_.options_.board->finish({side_, name_}, this, found);
  Questions& all = resolver_.questions_of(side_);
  if (const auto own = all.find(name_); own != all.end() && own->second == self) all.erase(own);
  while (!waiting_.empty()) {
    Lookup& lookup = *waiting_.front();
    waiting_.pop_front();
    lookup.question_.reset();
    --resolver_.waiting_;
    const auto done = lookup.done_;
    done(found);
  }
}

std::vector<IpAddress> Resolver::Question::ordered(const std::vector<IpAddress>& addresses) const {
  std::vector<IpAddress> single;
  for (const IpAddress& address : addresses) {
    if (std::find(single.begin(), single.end(), address) == single.end()) single.push_back(address);
  }
  return in_order(single, resolver_.config_.ipv4_first(), source_address_for);
}

Resolver::Resolver(Loop& loop, ResolverOptions options)
    : loop_(loop),
      options_(std::move(options)),
      config_(options_.files),
      dns_(std::make_shared<DnsClient>(loop_, options_.dns)) {}

Resolver::~Resolver() = default;

std::shared_ptr<Resolver::Question> Resolver::question_for(const std::string& name, Side side) {
  refresh();
  Questions& all = questions_of(side);
  if (const auto known = all.find(name); known != all.end()) return known->second;
  auto question = std::make_shared<Question>(*this, name, side);
  if (all.size() >= options_.most_names) {
    question->refuse({Errc::connection_limit_reached, Side::local, 0,
                      "cannot be looked up: too many other names are being looked up"});
    return question;
  }
  all.emplace(name, question);
  question->begin();
  return question;
}

/// The files may have changed: a laptop has moved to another network, a VPN has come up.
void Resolver::refresh() {
  if (!config_.refresh()) return;
  dns_->forget_all();
  // It may be the one that calls us.
  loop_.defer([old = std::move(dns_)] {});
  dns_ = std::make_shared<DnsClient>(loop_, options_.dns);
  for (const Questions* all : {&targets_, &upstreams_}) {
    for (const auto& [name, question] : *all) question->restart();
  }
}

/// One fewer waits for `name`.  c-ares cannot forget a single question; once nobody waits at all,
/// it forgets them all.
void Resolver::forget_unwanted(const std::string& name, Side side) {
  Questions& own = questions_of(side);
  const auto found = own.find(name);
  if (found != own.end() && found->second->unwanted_in_queue()) own.erase(found);
  if (waiting_ > 0) return;
  dns_->forget_all();
  for (Questions* all : {&targets_, &upstreams_}) {
    std::erase_if(*all, [](const auto& entry) { return !entry.second->in_thread(); });
  }
}

Lookup::Lookup(Loop& loop, const std::string& name, Side side, Callback<void(Found)> done)
    : resolver_(loop.resolver()), done_(done) {
  (side == Side::target ? loop.lookups().targets : loop.lookups().upstreams) += 1;
  question_ = resolver_.question_for(name, side);
  question_->add(*this);
  ++resolver_.waiting_;
}

Lookup::~Lookup() {
  if (!question_) return;
  question_->remove(*this);
  --resolver_.waiting_;
  resolver_.forget_unwanted(question_->name(), question_->side());
}

}  // namespace culvert
