#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/config.h"
#include "net/loop.h"
#include "policy/router.h"
#include "session/password_checks.h"
#include "session/relay.h"
#include "session/session_facts.h"
#include "session/session_record.h"

namespace culvert {

// The steps of a session, as texts for its Trace.

/// It has got a request, which is `shown`.
std::string request_step(const SessionRecord& record, bool in_tls, std::string_view shown);
std::string sign_in_step(PasswordVerdict verdict, std::string_view user);
std::string route_step(const Route& route, const Config& config);
/// The client gets an error response.
std::string refusal_step(const Error& error);
/// Of a tunnel, but for its end.
std::string_view news_step(RelayNews news);
/// A request has its outcome.
std::string end_step(const SessionRecord& record);
/// What is known of one that is followed only from now on.
std::string present_step(const SessionFacts& facts, Loop::Clock::time_point now);

}  // namespace culvert
