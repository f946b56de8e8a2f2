#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/callback.h"
#include "base/error.h"
#include "net/idle_timer.h"
#include "net/stream.h"
#include "net/timer.h"
#include "policy/stall_rule.h"
#include "session/flow.h"

namespace culvert {

struct Pacers;

/// Whose tunnel ends in RelayEnd::client_gets_eof when it is lost or cut.
enum class EofWhenLost : std::uint8_t {
  nobody,
  /// All but those with TlsOpening::offers_no_chacha20(), which mean a Go program that uses
  /// docker's go-connections library: dockerd with its older store, which resumes after a reset as
  /// well, and podman and skopeo before containers/image 5.24, which need the reset.  containerd
  /// has Go's own default, which offers it.  Measured with Debian 12.
  most,
  /// Of these, those with TlsOpening::is_of_go().
  go,
  everybody,
};

/// How long a tunnel may be quiet (0 means no limit for the first two), and how it ends then.
struct RelaySettings {
  using Time = std::chrono::duration<std::int32_t, std::milli>;

  Time idle{0};       ///< nothing moved in either direction
  Time half_open{0};  ///< one side has sent FIN, and nothing moves
  /// Interval of the checks whether a peer that reads nothing is alive.
  Time peer_check{20'000};
  EofWhenLost eof_when_lost = EofWhenLost::nobody;
  bool tells_first_byte = false;  ///< RelayNews::first_byte
};

/// What a relay tells its owner.
enum class RelayNews : std::uint8_t {
  first_byte,         ///< something has come back
  client_finished,    ///< all that it will send is passed on, and its FIN is about to be
  upstream_finished,  ///< the same
  end,                ///< it has ended; the last news
};

/// How a relay ended.
struct RelayEnd {
  enum class Cause : std::uint8_t { finished, reset, idle, half_open, stalled, lifetime };
  Cause cause = Cause::finished;
  Side closed_by = Side::client;  ///< which side ended first; local for a timeout
  /// The tunnel was lost or cut in the middle of TLS, and the client is to see that as the end of
  /// the connection within a TLS record: the owner writes kUnfinishedRecord and a FIN before it
  /// closes the stream.  Otherwise the client sees what the upstream's side did, or a reset.
  bool client_gets_eof = false;
  int sys = 0;  ///< errno, with reset
};

/// The first byte of a TLS record (application data, RFC 8446 section 5.1), the rest of which never
/// comes.  A FIN between two records is taken for an orderly end by some clients, Go's crypto/tls
/// among them, and then a body without a length would look complete; behind this byte it is not.
/// It cannot become data, as TLS authenticates what it delivers.
inline constexpr std::string_view kUnfinishedRecord = "\x17";

/// Moves bytes between two streams until both directions have ended.  A FIN ends one direction
/// only.  A reset of one side is passed on to the other after the bytes before it.  A timeout ends
/// in a reset for both, so that a truncated transfer does not look complete; but see
/// RelayEnd::client_gets_eof.  Small, as every idle tunnel has one: what most of them lack stands
/// in SlowPeer.
class Relay final : private StreamEvents {
 public:
  /// `resources` outlive the relay.
  Relay(Loop& loop, Stream& client, Stream& upstream, const FlowResources& resources,
        RelaySettings settings, Callback<void(RelayNews)> tell);
  ~Relay();

  /// The flows take their turns as these allow, which outlive the relay.  To be called before
  /// start(); resume() is to be called when one is ready.
  void pace(Pacers& pacers) { pacers_ = &pacers; }
  /// `tell` may destroy the relay at its end.  It ends at `latest` whatever moves.
  void start(Loop::Clock::time_point latest = Loop::Clock::time_point::max());
  /// A pacer is ready.
  void resume();

  std::uint64_t bytes_up() const { return up_.flow.total(); }
  std::uint64_t bytes_down() const { return down_.flow.total(); }
  const RelayEnd& end() const { return end_; }
  /// Bytes of both directions.  Grows also when a slow side takes what was read long before.
  std::uint64_t moved() const { return progress() / 2; }
  /// When anything moved last.
  Loop::Clock::time_point last_moved() const { return last_moved_; }
  /// Bytes for that side that it has not acknowledged, here and in the kernel.
  std::uint64_t waiting_for_client() const { return down_.flow.waiting(); }
  std::uint64_t waiting_for_upstream() const { return up_.flow.waiting(); }
  /// Some of what the upstream sent waits for the client to take it.
  bool client_is_slow() const;
  /// Something in it had to wait for its turn since the last call: it was we who held it up.
  bool take_paced();
  /// All that the upstream will ever send is passed on, and its FIN.
  bool upstream_has_finished() const { return down_.eof; }
  /// The client began TLS, and what came back first is the beginning of an HTTP answer.
  bool tls_answered_in_http() const {
    return up_.flow.opening().recognised() && down_.flow.opening().is_http_answer();
  }
  /// Whether something should move in it.
  [[gnu::cold]] StallSigns stall_signs() const;
  /// Ends it as a timeout does.
  void end_stalled();
  /// Nobody is there any more who could read what comes back, which a client's FIN alone does not
  /// say.  Ends it, if all that the client has sent is passed on.
  void end_without_client();
  /// Prepares the streams for being closed in the middle: both ends are to see a reset.  True: all
  /// but the client, see RelayEnd::client_gets_eof.
  bool cut();

 private:
  /// One direction.
  struct Half {
    Half(Stream& from, Stream& to) : flow(from, to) {}

    Flow flow;
    bool eof = false;       // `from` has finished and all of it is written
    bool finished = false;  // ... and the FIN is passed on, or the direction was abandoned
  };

  /// What is needed while a peer has not taken all that it was sent.  Kept from one of its blocked
  /// writers to the next within RelaySettings::peer_check, so that these cost no allocation.
  struct SlowPeer {
    explicit SlowPeer(Relay& relay)
        : timer(relay.loop_, Callback<void()>::to<&Relay::on_timer>(&relay)) {}

    Timer timer;                 // always running: to the next check, or poll after a reset
    Stream* survivor = nullptr;  // after a reset, the stream that gets its last bytes
    int reset_polls = 0;
  };

  void on_ready(Stream& stream) override;
  void pump_both();
  Flow::Outcome pump_paced(Half& half);
  void pump(Half& half);
  void on_ended(Half& half);
  void give_up(Half& half, int error);
  void begin_reset(Stream& survivor);
  void poll_survivor();
  void watch();
  void limit_time(Loop::Clock::time_point latest);
  void on_idle();
  bool waits_for_turn() const;
  void rest();
  void time_out(RelayEnd::Cause cause);
  void on_timer();
  void check_peers();
  bool is_half_open() const;
  bool client_takes_eof() const;
  bool blocked() const { return up_.flow.holds_bytes() || down_.flow.holds_bytes(); }
  std::uint64_t progress() const { return up_.flow.progress() + down_.flow.progress(); }
  std::chrono::milliseconds limit() const;
  void note_end(RelayEnd::Cause cause, Side side, int error);
  Side side_of(const Stream& stream) const;
  void finish();

  Loop& loop_;
  Half up_;    // client to upstream
  Half down_;  // upstream to client
  const FlowResources& resources_;
  Pacers* pacers_ = nullptr;
  RelaySettings settings_;
  Callback<void(RelayNews)> tell_;
  Loop::Clock::time_point last_moved_;
  std::unique_ptr<IdleTimer> idle_timer_;  // nullptr: its time has no limit
  std::unique_ptr<SlowPeer> slow_peer_;
  RelayEnd end_;
  bool end_known_ = false;
  bool half_open_ = false;         // one side has finished, or is dead
  bool resetting_ = false;         // nothing is moved any more
  Side lost_ = Side::local;        // who cannot be written to any more; local: nobody is lost
  std::uint32_t answered_up_ = 0;  // bytes_up(), its lower half, when something came down last
};

}  // namespace culvert
