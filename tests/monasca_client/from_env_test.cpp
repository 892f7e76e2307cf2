#include "support/scoped_environment.hpp"

#include <monarc/monasca_client.hpp>

#include <doctest/doctest.h>

using namespace monarc;
using namespace monarc::monasca;
using monarc::support::scoped_environment;

TEST_SUITE("monasca_client/from_env") {
TEST_CASE("a user, a project and what stands around them") {
    scoped_environment given(
        {{"OS_AUTH_URL", "https://k/v3"},
         {"OS_USERNAME", "u"},
         {"OS_PASSWORD", "p"},
         {"OS_PROJECT_NAME", "metrics"},
         {"OS_USER_DOMAIN_NAME", "Default"},
         {"OS_REGION_NAME", "R"},
         {"OS_INTERFACE", "internal"},
         {"OS_INSECURE", "True"},
         {"OS_CACERT", "ca.pem"},
         {"OS_KEY", "alone.pem"}});
    const auto o = client_options::from_env();

    CHECK(o.login == login_method::password);
    CHECK(o.auth_url == "https://k/v3");
    CHECK(o.password == secret("p"));
    CHECK(o.project == "metrics");
    CHECK(o.user_domain == "Default");
    CHECK(o.region == "R");
    CHECK(o.interface == "internal");
    CHECK(o.service_type == "monitoring");
    CHECK(!o.tls.verify);
    CHECK(o.tls.ca_file == "ca.pem");
    CHECK(o.tls.key_file == "");
}

TEST_CASE("the way to log in follows from what is there") {
    {
        scoped_environment given({{"OS_TOKEN", "t"}, {"MONASCA_API_URL", "http://m"}});
        CHECK(client_options::from_env().login == login_method::fixed_token);
        CHECK(client_options::from_env().url == "http://m");
    }
    {
        scoped_environment given({{"OS_TOKEN", "t"}, {"OS_AUTH_URL", "http://k"}});
        CHECK(client_options::from_env().login == login_method::token);
    }
    scoped_environment given(
        {{"OS_APPLICATION_CREDENTIAL_ID", "i"},
         {"OS_APPLICATION_CREDENTIAL_SECRET", "s"},
         {"OS_AUTH_URL", "http://k"}});
    CHECK(client_options::from_env().login == login_method::application_credential);
    CHECK(client_options::from_env().credential_secret == secret("s"));
}
}
