#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "admin/admin_connection.h"
#include "admin/surveyor.h"
#include "admin/trace_query.h"
#include "net/loop.h"
#include "server/server.h"

namespace culvert {

/// The connections that show sessions step by step.  In the thread of the admin interface.
class TraceStreams {
 public:
  /// All outlive it.
  TraceStreams(Loop& loop, Server& server, Surveyor& surveyor)
      : loop_(loop), server_(server), surveyor_(surveyor) {}
  ~TraceStreams();
  TraceStreams(const TraceStreams&) = delete;
  TraceStreams& operator=(const TraceStreams&) = delete;

  /// Answers with a stream of events, "begin" once it waits for steps, "step" for each of them and
  /// "end" after the last one; or with an error.
  void begin(AdminConnection& connection, const TraceQuery& query);
  /// It is over.
  void forget(const AdminConnection& connection);
  bool has(const AdminConnection& connection) const { return readers_.contains(&connection); }

 private:
  struct Reader {
    std::shared_ptr<TraceOrder> order;
    std::size_t left = 0;   // sessions that are not over
    bool begun = false;     // the stream
    std::string waiting{};  // events, until then
  };

  void drop(const Reader& reader);
  Reader* reader_of(const AdminConnection& connection);
  void on_found(const std::weak_ptr<AdminConnection>& connection, bool found);
  void show(const std::weak_ptr<AdminConnection>& connection, const TraceStep& step);

  Loop& loop_;
  Server& server_;
  Surveyor& surveyor_;
  std::unordered_map<const AdminConnection*, Reader> readers_;
};

}  // namespace culvert
