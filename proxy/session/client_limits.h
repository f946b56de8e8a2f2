#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/callback.h"
#include "base/error.h"
#include "base/ip_address.h"
#include "config/config.h"
#include "net/loop.h"
#include "policy/limits.h"
#include "session/pacer.h"

namespace culvert {

/// What one session takes of the limits of its client and user.  Only there if a limit is set.
class ClientLimits {
 public:
  /// `limits` outlive it.  `client` is what an entrance got for the connection; without a usage it
  /// comes from a unix socket.
  ClientLimits(Limits& limits, UsageTable::Place client)
      : limits_(limits), client_(std::move(client)) {}

  /// One that is not is to be closed at once.
  bool is_worth_an_answer() const { return client_.entry() != UsageTable::Entry::too_many; }
  /// The client has another address than its connection: a load balancer stands in front of it.
  void set_client(const Config& config, const IpAddress& client, Loop& loop);

  /// One more request of `client` has come.  Why it is not served, if so.
  std::optional<Error> object_to_request(const Config& config,
                                         const std::optional<IpAddress>& client, Loop& loop);
  /// It is known that the request is by `user`; empty: by nobody that has a name.
  std::optional<Error> object_to_user(const Config& config, std::string_view user, Loop& loop);

  /// `ready` is called when one of them is.
  Pacers& pacers(Loop& loop, Callback<void()> ready);
  /// Nothing moves any more.
  void rest() {
    if (pacers_) pacers_->rest();
  }

 private:
  void follow();
  Bandwidth::Flow flow(Direction direction) const {
    return {.client = client_.usage(), .user = user_.usage(), .direction = direction};
  }

  Limits& limits_;
  UsageTable::Place client_;
  UsageTable::Place user_;
  std::string user_name_;
  std::unique_ptr<Pacers> pacers_;
};

class Session;

/// Those sessions of a worker that have limits.
using LimitedSessions = std::unordered_map<const Session*, std::unique_ptr<ClientLimits>>;

}  // namespace culvert
