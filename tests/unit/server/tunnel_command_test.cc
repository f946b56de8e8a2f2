#include "server/tunnel_command.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("of a tunnel's command only the program is shown") {
  CHECK(TunnelCommand::shown_name("ssh -N -D 127.0.0.1:1080 user@host") == "ssh");
  CHECK(TunnelCommand::shown_name("  /usr/bin/ssh\t-N") == "ssh");
  CHECK(TunnelCommand::shown_name("sslocal") == "sslocal");
  CHECK(TunnelCommand::shown_name("SSHPASS=hush sshpass -e ssh host") == "command");
  CHECK(TunnelCommand::shown_name("'a hush' b") == "command");
  CHECK(TunnelCommand::shown_name("$(echo hush) b") == "command");
  CHECK(TunnelCommand::shown_name("(hush; b)") == "command");
}
