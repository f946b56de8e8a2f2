// The functions that newer versions deprecate are all that Debian 12's has.
#define CARES_NO_DEPRECATED
#include "net/dns_client.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace culvert {
namespace {

constexpr int kMostAddresses = 64;  // of one name and family

NameOutcome outcome_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return NameOutcome::found;
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
      return NameOutcome::no_name;
    case ARES_ENODATA:
      return NameOutcome::no_address;
    case ARES_EREFUSED:
      return NameOutcome::refused;
    case ARES_ESERVFAIL:
      return NameOutcome::server_failed;
    case ARES_ECONNREFUSED:
      return NameOutcome::unreachable;
    case ARES_ENOMEM:
      return NameOutcome::no_room;
    case ARES_ETIMEOUT:
      return NameOutcome::no_answer;
    default:
      return NameOutcome::bad_answer;
  }
}

template <std::size_t kSize, typename Raw>
std::array<std::uint8_t, kSize> bytes_of(const Raw& raw) {
  static_assert(sizeof raw == kSize);
  std::array<std::uint8_t, kSize> bytes{};
  std::memcpy(bytes.data(), &raw, kSize);
  return bytes;
}

/// An alias (CNAME) of a name without an address is a success for c-ares.
NameAnswer answer_of(int status, std::vector<IpAddress> addresses) {
  if (status == ARES_SUCCESS && addresses.empty()) status = ARES_ENODATA;
  return {outcome_of(status), std::move(addresses)};
}

NameAnswer read_a(const unsigned char* bytes, int size) {
  std::array<ares_addrttl, kMostAddresses> found{};
  int count = kMostAddresses;
  const int status = ares_parse_a_reply(bytes, size, nullptr, found.data(), &count);
  std::vector<IpAddress> addresses;
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    addresses.push_back(IpAddress::v4(bytes_of<4>(found[static_cast<std::size_t>(i)].ipaddr)));
  }
  return answer_of(status, std::move(addresses));
}

NameAnswer read_aaaa(const unsigned char* bytes, int size) {
  std::array<ares_addr6ttl, kMostAddresses> found{};
  int count = kMostAddresses;
  const int status = ares_parse_aaaa_reply(bytes, size, nullptr, found.data(), &count);
  std::vector<IpAddress> addresses;
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    addresses.push_back(
        IpAddress::v6(bytes_of<16>(found[static_cast<std::size_t>(i)].ip6addr)).unmapped());
  }
  return answer_of(status, std::move(addresses));
}

/// Does another server perhaps know better?
bool is_refusal(NameOutcome outcome) {
  return outcome == NameOutcome::refused || outcome == NameOutcome::server_failed ||
         outcome == NameOutcome::bad_answer;
}

/// Does this answer of another server tell more than a refusal?
bool is_better(NameOutcome outcome) {
  return outcome == NameOutcome::found || outcome == NameOutcome::no_name ||
         outcome == NameOutcome::no_address;
}

}  // namespace

struct DnsClient::Question {
  DnsClient& client;
  std::string name;
  IpAddress::Family family;
  Done done;
  std::optional<NameOutcome> refusal;  // of the first server
  int timeouts = 0;

  DnsChannel& channel() const { return refusal ? *client.next_servers_ : *client.channel_; }
  void ask() {
    ++client.in_flight_;
    channel().ask(name, family, &DnsClient::on_answer, this);
  }
};

DnsClient::DnsClient(Loop& loop, const Options& options)
    : loop_(loop),
      tries_(options.tries),
      timer_(loop, Callback<void()>::to<&DnsClient::on_timer>(this)),
      channel_(std::make_unique<DnsChannel>(loop, options, DnsChannel::Refusals::answers,
                                            Callback<void()>::to<&DnsClient::deliver>(this))) {
  if (!channel_->usable() || channel_->servers() < 2) return;
  next_servers_ = std::make_unique<DnsChannel>(loop, options, DnsChannel::Refusals::next_server,
                                               Callback<void()>::to<&DnsClient::deliver>(this));
  if (!next_servers_->usable()) next_servers_.reset();
}

DnsClient::~DnsClient() {
  forgetting_ = true;
  next_servers_.reset();
  channel_.reset();
}

void DnsClient::ask(const std::string& name, IpAddress::Family family, Done done) {
  if (!channel_->usable()) {
    answers_.emplace_back(std::move(done), NameAnswer{NameOutcome::no_room, {}});
  } else {
    (new Question{*this, name, family, std::move(done), std::nullopt, 0})->ask();
  }
  update_timer();
}

void DnsClient::forget_all() {
  answers_.clear();
  if (in_flight_ > 0) {
    forgetting_ = true;
    channel_->cancel();
    if (next_servers_) next_servers_->cancel();
    forgetting_ = false;
  }
  update_timer();
}

/// c-ares calls this once for each question, often within one of its functions; so nobody else is
/// called from here.
void DnsClient::on_answer(void* question, int status, int timeouts, unsigned char* bytes,
                          int size) {
  std::unique_ptr<Question> own(static_cast<Question*>(question));
  DnsClient& client = own->client;
  --client.in_flight_;
  if (client.forgetting_) return;
  // Over TCP c-ares does not repeat a question, though a lost packet costs a second there, too.
  own->timeouts += timeouts;
  if (status == ARES_ETIMEOUT && timeouts > 0 && own->timeouts < client.tries_) {
    return own.release()->ask();
  }
  NameAnswer answer{outcome_of(status), {}};
  if (status == ARES_SUCCESS) {
    answer = own->family == IpAddress::Family::v4 ? read_a(bytes, size) : read_aaaa(bytes, size);
  }
  // c-ares takes a socket that cannot be had for a server that cannot be reached.
  if (answer.outcome == NameOutcome::unreachable && own->channel().out_of_room()) {
    answer.outcome = NameOutcome::no_room;
  }
  if (!own->refusal && client.next_servers_ && is_refusal(answer.outcome)) {
    own->refusal = answer.outcome;
    return own.release()->ask();
  }
  if (own->refusal && !is_better(answer.outcome)) answer = {*own->refusal, {}};
  client.answers_.emplace_back(std::move(own->done), std::move(answer));
}

void DnsClient::on_timer() {
  if (channel_->usable()) channel_->process();
  if (next_servers_) next_servers_->process();
  deliver();
}

void DnsClient::deliver() {
  // Those that come while this goes on get a turn of their own.
  for (std::size_t left = answers_.size(); left > 0 && !answers_.empty(); --left) {
    const auto [done, answer] = std::move(answers_.front());
    answers_.pop_front();
    done(answer);
  }
  update_timer();
}

void DnsClient::update_timer() {
  if (!answers_.empty()) return timer_.start(std::chrono::milliseconds(0));
  std::optional<std::chrono::milliseconds> wait;
  for (const auto* channel : {channel_.get(), next_servers_.get()}) {
    if (channel == nullptr || in_flight_ == 0) continue;
    if (const auto own = channel->wait()) wait = std::min(wait.value_or(*own), *own);
  }
  wait ? timer_.start(*wait) : timer_.stop();
}

}  // namespace culvert
