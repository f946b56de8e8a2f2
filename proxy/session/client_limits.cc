#include "session/client_limits.h"

#include <string>

#include <fmt/format.h>

#include "base/text.h"

namespace culvert {
namespace {

/// Whom the limits take for one client: all of an IPv6 network.
std::string name_of_client(const IpAddress& client) {
  constexpr unsigned kNetworkBits = 64;
  const IpAddress one = client.of_one_client();
  const bool is_network = !one.is_v4() && !one.is_loopback();
  return is_network ? Cidr(one, kNetworkBits).to_string() : one.to_string();
}

Error too_many_connections(std::string_view who, std::size_t most, std::string_view option) {
  return {Errc::client_connection_limit, Side::client, 0,
          fmt::format("{} has {} connection{}, as many as it may - see --max-connections-per-{}",
                      who, most, most == 1 ? "" : "s", option)};
}

}  // namespace

void ClientLimits::set_client(const Config& config, const IpAddress& client, Loop& loop) {
  auto place =
      limits_.usage.enter(UsageKey::client(client), config.max_connections_per_client, loop.now());
  std::swap(client_, place);
  follow();
}

std::optional<Error> ClientLimits::object_to_request(const Config& config,
                                                     const std::optional<IpAddress>& client,
                                                     Loop& loop) {
  if (!client) return std::nullopt;
  if (client_.entry() != UsageTable::Entry::served) {
    return too_many_connections("client " + name_of_client(*client),
                                config.max_connections_per_client, "client");
  }
  ClientUsage* const usage = client_.usage();
  const std::size_t rate = config.max_requests_per_second;
  if (usage == nullptr || rate == 0) return std::nullopt;
  constexpr std::chrono::seconds kBurst{1};
  if (usage->requests.take(rate, kBurst, loop.now()).count() == 0) return std::nullopt;
  return Error{Errc::request_rate_limit, Side::client, 0,
               fmt::format("client {} has sent more than {} requests in a second - see "
                           "--max-requests-per-second",
                           name_of_client(*client), rate)};
}

std::optional<Error> ClientLimits::object_to_user(const Config& config, std::string_view user,
                                                  Loop& loop) {
  if (user != user_name_) {
    UsageTable::Place place;
    if (!user.empty()) {
      const std::size_t most = config.max_connections_per_user;
      place = limits_.usage.enter(UsageKey::user(user), most, loop.now());
    }
    user_name_ = user;
    std::swap(user_, place);
    follow();
  }
  if (user_.entry() == UsageTable::Entry::served) return std::nullopt;
  return too_many_connections("user " + printable(user, kMostOfUser),
                              config.max_connections_per_user, "user");
}

/// What is paced counts for the client and user of now.  To be called while their earlier places
/// are still there.
void ClientLimits::follow() {
  if (!pacers_) return;
  pacers_->up.set_flow(flow(Direction::up));
  pacers_->down.set_flow(flow(Direction::down));
}

Pacers& ClientLimits::pacers(Loop& loop, Callback<void()> ready) {
  if (!pacers_) {
    // As no pacer can be moved.
    // NOLINTNEXTLINE(modernize-make-unique)
    pacers_.reset(new Pacers{{loop, limits_.bandwidth, flow(Direction::up), ready},
                             {loop, limits_.bandwidth, flow(Direction::down), ready}});
  }
  return *pacers_;
}

}  // namespace culvert
