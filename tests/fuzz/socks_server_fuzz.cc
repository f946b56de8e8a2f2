// The first byte chooses how the client's bytes are cut: it makes no difference.  What is granted
// is a target that CONNECT could have named, and every mistake has a reply and a clean text.
#include "codec/socks_server.h"

#include <optional>
#include <string>

#include "codec/client_mistake.h"
#include "fuzz/fuzz.h"

using namespace culvert;

namespace {

/// All that a client sees, and where it ended.
struct Conversation {
  SocksServer server;
  std::string replies;
  std::size_t used = 0;
  std::optional<Error> error;

  void take(std::string_view bytes) {
    if (server.done() || error) return;
    const auto result = server.consume(bytes);
    replies += server.take_output();
    FUZZ_CHECK(server.take_output().empty());
    if (!result) {
      error = result.error();
      return;
    }
    FUZZ_CHECK(*result == bytes.size() || (server.done() && *result < bytes.size()));
    used += *result;
  }
  std::string refusal() const {
    return server.refusal(error.value_or(Error{Errc::connection_refused, Side::target, 0, "no"}));
  }
};

void check_target(const HostPort& target) {
  const auto again = HostPort::parse(target.authority());
  FUZZ_CHECK(again && *again == target);
}

void check_end(const Conversation& talk) {
  FUZZ_CHECK(talk.replies.size() <= 4);
  const std::string refusal = talk.refusal();
  FUZZ_CHECK(refusal.empty() == !talk.server.begun());
  if (talk.server.protocol() == "SOCKS5" && refusal.size() == 10) {
    FUZZ_CHECK(refusal[0] == 5 && refusal[1] >= 1 && refusal[1] <= 8);
  }
  if (talk.error) FUZZ_CHECK(test::is_clean(talk.error->text) && talk.error->side == Side::client);
  if (!talk.server.done()) return;
  FUZZ_CHECK(!talk.error);
  check_target(talk.server.target());
  const std::string_view granted = talk.server.granted();
  FUZZ_CHECK(granted.size() == (talk.server.protocol() == "SOCKS5" ? 10 : 8));
}

/// One byte more than a handshake can have is never waited for.
void check_bound(const Conversation& talk) {
  constexpr std::size_t kMost = 1 + 256 + 513 + 262;
  FUZZ_CHECK(talk.used <= kMost);
}

void check_mistake(std::string_view bytes) {
  const auto mistake = client_mistake(bytes);
  if (mistake) FUZZ_CHECK(test::is_clean(mistake->error.text) && mistake->answer.size() < 300);
}

}  // namespace

FUZZ_TARGET(socks_server) {
  if (size < 1) return;
  const std::string_view bytes = test::as_text(data + 1, size - 1);
  check_mistake(bytes);
  Conversation whole;
  if (!bytes.empty()) whole.take(bytes);
  Conversation pieces;
  for (const std::string_view piece : test::cut_at_random(bytes, data[0])) pieces.take(piece);
  check_end(whole);
  check_bound(whole);
  FUZZ_CHECK(pieces.server.done() == whole.server.done());
  FUZZ_CHECK(pieces.replies == whole.replies);
  FUZZ_CHECK(pieces.error.has_value() == whole.error.has_value());
  FUZZ_CHECK(pieces.refusal() == whole.refusal());
  if (whole.error) FUZZ_CHECK(pieces.error->text == whole.error->text);
  if (!whole.server.done()) return;
  FUZZ_CHECK(pieces.used == whole.used);
  FUZZ_CHECK(pieces.server.target() == whole.server.target());
}
