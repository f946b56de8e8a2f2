#include "dial/tcp_dial.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "dial/dial_trace.h"
#include "net/tcp_connect.h"

namespace culvert {
namespace {

constexpr std::chrono::milliseconds kConnectionAttemptDelay{250};  // RFC 8305 section 5

}  // namespace

std::vector<IpAddress> interleave_families(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> first, second, out;
  for (const IpAddress& address : addresses) {
    (address.family() == addresses[0].family() ? first : second).push_back(address);
  }
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

TcpDial::TcpDial(Loop& loop, const HostPort& address, Side side, const AddressCheck& check,
                 DialDone done)
    : loop_(loop),
      address_(address),
      side_(side),
      check_(check),
      done_(done),
      delay_(loop, Callback<void()>::to<&TcpDial::on_delay>(this)) {}

TcpDial::~TcpDial() = default;

void TcpDial::start() {
  if (address_.ip) {
    candidates_.push_back(*address_.ip);
    try_next();
    return;
  }
  trace_lookup(check_.trace, address_);
  lookup_ = std::make_unique<Lookup>(loop_, address_.full_name(), side_,
                                     Callback<void(Lookup::Found)>::to<&TcpDial::on_found>(this));
}

void TcpDial::on_found(Lookup::Found found) {
  lookup_.reset();
  if (!found) {
    finish(std::move(found).error());
    return;
  }
  trace_addresses(check_.trace, address_, *found);
  auto permitted = check_.resolved(*found, address_.port, AddressGuard::Egress::direct);
  if (!permitted) {
    finish(std::move(permitted).error());
    return;
  }
  candidates_ = interleave_families(*permitted);
  try_next();
}

void TcpDial::try_next() {
  // Addresses that fail at once (no such family here, refused on loopback) cost no delay.
  while (next_ < candidates_.size()) {
    int error = 0;
    const IpAddress& address = candidates_[next_++];
    if (check_.trace != nullptr) trace_connecting(check_.trace, address, address_.port);
    auto stream = begin_connect(loop_, address, address_.port, error);
    if (!stream) {
      fail_attempt(connect_error(error, side_, address.family()));
      continue;
    }
    if (stream->connect_result(address_.port).status == Io::Status::ok) {
      finish(std::unique_ptr<Stream>(std::move(stream)));
      return;
    }
    stream->set_events(this);
    attempts_.push_back(std::move(stream));
    if (next_ < candidates_.size()) delay_.start(kConnectionAttemptDelay);
    return;
  }
  if (attempts_.empty()) finish(std::move(*failure_));
}

void TcpDial::on_ready(Stream& stream) {
  const auto attempt = std::find_if(attempts_.begin(), attempts_.end(),
                                    [&](const auto& own) { return own.get() == &stream; });
  const Io result = (*attempt)->connect_result(address_.port);
  if (result.status == Io::Status::would_block) return;
  auto finished = std::move(*attempt);
  attempts_.erase(attempt);
  if (result.status == Io::Status::ok) {
    finish(std::unique_ptr<Stream>(std::move(finished)));
    return;
  }
  finished.reset();
  fail_attempt(connect_error(result.error, side_));
  delay_.stop();
  try_next();
}

void TcpDial::fail_attempt(Error error) {
  if (check_.trace != nullptr) {
    check_.trace->step(concat({address_.to_string(), " ", error.text}));
  }
  if (!failure_ || specificity(error) > specificity(*failure_)) failure_ = std::move(error);
}

void TcpDial::finish(DialResult result) {
  delay_.stop();
  attempts_.clear();
  if (result) {
    (*result)->set_events(nullptr);
    if (check_.trace != nullptr) trace_connected(check_.trace, (*result)->descriptor());
  }
  done_(std::move(result));
}

}  // namespace culvert
