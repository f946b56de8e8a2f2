#pragma once

#include <string>
#include <string_view>

#include "setup/plan.h"

namespace culvert {

/// Clients reach it on this machine alone: "http://localhost:3128", "http://127.0.0.1:3128".
bool is_loopback_url(std::string_view url);

/// What a container, or a kind node, has to use: 127.0.0.1 is the container itself there.
std::string url_for_containers(const SetupFacts& facts);

/// The same as ADDRESS:PORT.
std::string address_for_containers(const SetupFacts& facts);

/// Why --bridge cannot add its plain listener at `port` to those of TLS alone, and what can be
/// done.
std::string plain_bridge_problem(const SetupFacts& facts, std::string_view port);

/// `bridge` is that of the installed service: it counts on, also for the clients that --bridge
/// admitted (`kept_clients`: no option names others), unless the listeners speak TLS alone now.
void keep_bridge(const std::string& bridge, bool kept_clients, SetupFacts& facts);

/// How containers reach culvert, or that they do not.
void note_containers(const SetupFacts& facts, Plan& plan);

/// The block of addresses that --bridge admits: Docker's own 172.16.0.0/12, and what else the
/// bridge is in.  For --allow-client.
std::string clients_behind_bridge(const SetupFacts& facts);

}  // namespace culvert
