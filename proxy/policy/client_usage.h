#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/ip_address.h"
#include "policy/token_bucket.h"

namespace culvert {

/// The direction of bytes that pass.
enum class Direction : std::uint8_t { up, down };
inline constexpr std::size_t kDirections = 2;

/// For whom connections are counted and bytes are shared.
class UsageKey {
 public:
  /// A client's address.  IPv6 hosts have a /64 for themselves, so all of that is one client; an
  /// IPv4-mapped address is an IPv4 address.
  static UsageKey client(const IpAddress& address);
  static UsageKey user(std::string_view name);

  const std::string& text() const { return text_; }

 private:
  explicit UsageKey(std::string text) : text_(std::move(text)) {}

  std::string text_;  // short enough to need no memory of its own, for an address
};

/// What one client, or one user, has of the proxy at this moment.  Shared by the workers.
struct ClientUsage {
  /// Bytes of one direction.
  struct Traffic {
    TokenBucket bytes;
    std::atomic<std::uint32_t> waiting{0};  ///< flows that have to wait for their turn
  };

  std::atomic<std::uint32_t> served{0};   ///< connections; changed by UsageTable alone
  std::atomic<std::uint32_t> refused{0};  ///< those that are open only to be told so
  TokenBucket requests;
  std::array<Traffic, kDirections> traffic;

  Traffic& of(Direction direction) { return traffic[static_cast<std::size_t>(direction)]; }
};

/// Counts connections for each key.  An entry lasts as long as there is a connection, and until its
/// buckets are full again: so it is not worth a client's while to come back with a new connection.
/// One object for the process; any worker may call it at any time.
class UsageTable {
 public:
  using Time = TokenBucket::Time;

  /// Of connections that are refused, so many for a key stay open to be told so.
  static constexpr std::uint32_t kMostRefused = 8;
  /// A bucket that has been left alone for so long is full.
  static constexpr TokenBucket::Duration kFullAfter = std::chrono::seconds(1);

  UsageTable() = default;
  UsageTable(const UsageTable&) = delete;
  UsageTable& operator=(const UsageTable&) = delete;

  enum class Entry : std::uint8_t {
    served,
    refused,   ///< there are `most` already
    too_many,  ///< ... and of those that were refused also: it is not worth an answer
  };
  /// One connection of one key, as long as it lives.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept { swap(other); }
    Place& operator=(Place&& other) noexcept {
      Place(std::move(other)).swap(*this);
      return *this;
    }
    ~Place() { leave(); }

    ClientUsage* usage() const { return usage_; }  ///< nullptr: it has none
    Entry entry() const { return entry_; }

   private:
    friend class UsageTable;
    void swap(Place& other) {
      std::swap(table_, other.table_);
      std::swap(usage_, other.usage_);
      std::swap(shard_, other.shard_);
      std::swap(entry_, other.entry_);
    }
    void leave();

    UsageTable* table_ = nullptr;
    ClientUsage* usage_ = nullptr;
    std::uint32_t shard_ = 0;
    Entry entry_ = Entry::served;
  };

  /// One more connection of `key`, of which `most` are served (0: any number).  With too_many it
  /// has no usage.
  Place enter(const UsageKey& key, std::size_t most, Time now);
  /// How many entries there are, those that are only kept for their buckets included.
  std::size_t size() const;

 private:
  // So many entries without a connection may stay in a shard before it is looked which of them are
  // of no use any more; and all of them go if there are so many.
  static constexpr std::size_t kSweepAfter = 64;
  static constexpr std::size_t kMostKept = 1024;
  static constexpr std::size_t kShards = 16;

  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, ClientUsage> entries;
    std::size_t without_connection = 0;
    std::size_t sweep_at = kSweepAfter;
  };

  static void sweep(Shard& shard, Time now);

  std::array<Shard, kShards> shards_;
};

}  // namespace culvert
