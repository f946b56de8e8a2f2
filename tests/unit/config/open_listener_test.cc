#include "config/open_listener.h"

#include "support/catch.h"

using namespace culvert;
using Catch::Matchers::Contains;

TEST_CASE("what says who may use a listener") {
  const ListenConfig plain;
  ListenConfig locked;
  locked.speaks = ListenConfig::Speaks::tls_only;
  locked.client_ca = "/ca.pem";
  Config config;
  CHECK_FALSE(has_lock(plain, config));
  CHECK(has_lock(locked, config));
  config.auth_file = "/users";
  CHECK(has_lock(plain, config));
  config.auth_file.clear();
  config.open_proxy = true;
  CHECK(has_lock(plain, config));
  config.open_proxy = false;
  config.allow_clients = {*Cidr::parse("10.0.0.0/8")};
  CHECK(has_lock(plain, config));
}

TEST_CASE("a certificate that some clients need is none that all need") {
  ListenConfig listen;
  listen.client_ca = "/ca.pem";
  CHECK_FALSE(listen.wants_certificate());
  CHECK_FALSE(has_lock(listen, Config()));
  listen.speaks = ListenConfig::Speaks::tls_only;
  CHECK(listen.wants_certificate());
  listen.client_ca.clear();
  CHECK_FALSE(listen.wants_certificate());
  CHECK_THAT(open_listener_problem("http://0.0.0.0:1"),
             Contains("can reach http://0.0.0.0:1; say who") && Contains("--allow-client CIDR") &&
                 Contains("--auth-file FILE") && Contains("client-ca=FILE") &&
                 Contains("--open-proxy"));
}

TEST_CASE("that everybody may use a listener protects no admin interface") {
  const ListenConfig plain;
  ListenConfig locked;
  locked.speaks = ListenConfig::Speaks::tls_only;
  locked.client_ca = "/ca.pem";
  Config config;
  CHECK_FALSE(is_protected(plain, config));
  CHECK(is_protected(locked, config));
  config.open_proxy = true;
  CHECK(has_lock(plain, config));
  CHECK_FALSE(is_protected(plain, config));
  config.auth_file = "/users";
  CHECK(is_protected(plain, config));
  config.auth_file.clear();
  config.allow_clients = {*Cidr::parse("10.0.0.0/8")};
  CHECK(is_protected(plain, config));
  CHECK_THAT(open_admin_problem(), Contains("--allow-client CIDR") &&
                                       Contains("--auth-file FILE") && Contains("client-ca=FILE") &&
                                       !Contains("--open-proxy"));
}
