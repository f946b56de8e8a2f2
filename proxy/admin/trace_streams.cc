#include "admin/trace_streams.h"

#include <chrono>
#include <utility>

#include "admin/admin_answer.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utc_text.h"

namespace culvert {
namespace {

Json step_json(const TraceStep& step) {
  return Json::object()
      .set("session", static_cast<std::int64_t>(step.session))
      .set("time", rfc3339_text(step.time))
      .set("after_us", static_cast<std::int64_t>(step.after.count()))
      .set("step", step.text)
      .set("last", step.last);
}

std::string trace_event(std::string_view name, const Json& data) {
  return concat({"event: ", name, "\ndata: ", data.dump(), "\n\n"});
}

}  // namespace

TraceStreams::~TraceStreams() {
  for (const auto& [connection, reader] : readers_) drop(reader);
}

/// Nothing is told any more once this returns.
void TraceStreams::drop(const Reader& reader) {
  server_.traces().remove(*reader.order);
  reader.order->close();
}

TraceStreams::Reader* TraceStreams::reader_of(const AdminConnection& connection) {
  const auto found = readers_.find(&connection);
  return found == readers_.end() ? nullptr : &found->second;
}

void TraceStreams::begin(AdminConnection& connection, const TraceQuery& query) {
  const std::weak_ptr<AdminConnection> weak = connection.weak_from_this();
  auto order = std::make_shared<TraceOrder>(query.targets, query.sessions,
                                            [this, weak](const TraceStep& step, Log&) {
                                              loop_.post([this, weak, step] { show(weak, step); });
                                            });
  readers_.emplace(&connection, Reader{.order = order, .left = query.sessions});
  if (!query.id) {
    server_.traces().add(std::move(order));
    return on_found(weak, true);
  }
  Worker* const worker = server_.worker_of(*query.id);
  if (worker == nullptr) return on_found(weak, false);
  surveyor_.run_in(
      worker->loop(), [worker, id = *query.id, order] { return worker->trace_session(id, order); },
      [this, weak](bool found) { on_found(weak, found); });
}

void TraceStreams::on_found(const std::weak_ptr<AdminConnection>& connection, bool found) {
  const auto there = connection.lock();
  Reader* const reader = there ? reader_of(*there) : nullptr;
  if (reader == nullptr) return;
  if (!found) {
    there->answer(admin_error(404, kNoSession, true));
    return forget(*there);
  }
  reader->begun = true;
  // It may be over already, and forgotten.
  const std::string waiting = std::exchange(reader->waiting, {});
  const bool over = reader->left == 0;
  there->begin_stream(kEventType);
  there->send(trace_event("begin", Json::object()) + waiting);
  if (over) there->finish();
}

void TraceStreams::show(const std::weak_ptr<AdminConnection>& connection, const TraceStep& step) {
  const auto there = connection.lock();
  Reader* const reader = there ? reader_of(*there) : nullptr;
  if (reader == nullptr) return;
  std::string text = trace_event("step", step_json(step));
  if (step.last && --reader->left == 0) text += trace_event("end", Json::object());
  if (!reader->begun) {
    reader->waiting += text;
    return;
  }
  const bool over = reader->left == 0;
  there->send(text);
  if (over) there->finish();
}

void TraceStreams::forget(const AdminConnection& connection) {
  const auto found = readers_.find(&connection);
  if (found == readers_.end()) return;
  drop(found->second);
  readers_.erase(found);
}

}  // namespace culvert
