#include "admin/trace_streams.h"

#include <algorithm>
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

/// Nothing is told any more once this returns.
TraceStreams::~TraceStreams() {
  for (const Reader& reader : readers_) {
    server_.traces().remove(*reader.order);
    reader.order->close();
  }
}

TraceStreams::Reader* TraceStreams::reader_of(const AdminConnection& connection) {
  const auto found = std::find_if(readers_.begin(), readers_.end(), [&](const Reader& reader) {
    return reader.connection == &connection;
  });
  return found == readers_.end() ? nullptr : &*found;
}

bool TraceStreams::has(const AdminConnection& connection) const {
  return std::any_of(readers_.begin(), readers_.end(),
                     [&](const Reader& reader) { return reader.connection == &connection; });
}

void TraceStreams::begin(AdminConnection& connection, const TraceQuery& query) {
  const std::weak_ptr<AdminConnection> weak = connection.weak_from_this();
  auto order = std::make_shared<TraceOrder>(query.targets, query.sessions,
                                            [this, weak](const TraceStep& step, Log&) {
                                              loop_.post([this, weak, step] { show(weak, step); });
                                            });
  readers_.push_back({.connection = &connection, .order = order, .left = query.sessions});
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
  std::erase_if(readers_, [&](const Reader& reader) {
    if (reader.connection != &connection) return false;
    server_.traces().remove(*reader.order);
    reader.order->close();
    return true;
  });
}

}  // namespace culvert
