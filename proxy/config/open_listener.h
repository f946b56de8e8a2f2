#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace culvert {

/// Whether `config` says who may use the listener `listen` beside clients of this host, or that
/// everybody may: by address, by password, or by a certificate.  Without that a listener that
/// others can reach is an open proxy, which is found and abused within hours.
bool has_lock(const ListenConfig& listen, const Config& config);

/// The same without `open_proxy`: whoever gets in is known.
bool is_protected(const ListenConfig& listen, const Config& config);

/// What is wrong with an `--admin` that others can reach and that is not protected.
std::string open_admin_problem();

/// What is wrong with a listener that others can reach and that has none; `what` names it, as
/// "it" or by its address.
std::string open_listener_problem(std::string_view what);

}  // namespace culvert
