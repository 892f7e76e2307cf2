#include "auth/catalogue.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace monarc;
using namespace monarc::auth;

namespace {

transport::http_url url_of(const std::string& text) {
    return transport::parse_http_url(text).value();
}

chosen_endpoint
chosen(const std::string& address, const std::string& identity, const endpoint_rules& rules = {}) {
    const std::vector<keystone_service> catalogue{
        {.type = "monitoring",
         .name = "monasca",
         .endpoints = {{.interface = "public", .region = "one", .url = address}}}};
    return choose_endpoint(catalogue, {}, url_of(identity), rules);
}

constexpr auto identity = "https://keystone.example:5000/v3";

} // namespace

TEST_SUITE("auth/catalogue") {
TEST_CASE("the endpoint is chosen by type, interface and region, else by the service's name") {
    const std::vector<keystone_service> catalogue{
        {.type = "compute",
         .name = "nova",
         .endpoints = {{.interface = "public", .region = "one", .url = "https://nova"}}},
        {.type = "monitoring",
         .name = "other",
         .endpoints =
             {{.interface = "admin", .region = "one", .url = "https://admin-one"},
              {.interface = "public", .region = "one", .url = "https://public-one/v2.0/"},
              {.interface = "public", .region = "two", .url = "https://public-two"}}},
        {.type = "metering",
         .name = "monasca",
         .endpoints = {{.interface = "internal", .region = "one", .url = "https://by-name"}}}};
    const auto text = [&](const wanted_service& wanted) {
        const auto one = choose_endpoint(catalogue, wanted, url_of(identity), {});
        return one.why.empty() ? one.url.text() : one.why;
    };

    CHECK(text({}) == "https://public-one/v2.0");
    CHECK(text({.region = "two"}) == "https://public-two");
    CHECK(text({.interface = "admin"}) == "https://admin-one");
    CHECK(text({.interface = "internal"}) == "https://by-name");
    CHECK(
        text({.region = "three"}) ==
        "the catalogue names no public endpoint of type monitoring in region three; set "
        "monasca.url");
}

TEST_CASE("F20 D-11.7 another host over https is used") {
    CHECK(chosen("https://mon.example:8070/v2.0", identity).url.host == "mon.example");
}

TEST_CASE(
    "F20 D-11.7 plain is used only where Keystone is plain, or trust is set; never readable") {
    constexpr auto plain = "http://mon.example:8070/v2.0";
    const endpoint_rules trusts{.trusts_catalogue = true};
    const endpoint_rules allows{.allows_plain_credentials = true};
    const endpoint_rules both{.trusts_catalogue = true, .allows_plain_credentials = true};

    CHECK(chosen(plain, identity).why.find("Keystone is https") != std::string::npos);
    CHECK(chosen(plain, identity, allows).why.find("Keystone is https") != std::string::npos);
    CHECK(chosen(plain, identity, trusts).why.find("allow_plain") != std::string::npos);
    CHECK(chosen(plain, identity, both).why == "");
    CHECK(chosen(plain, "http://keystone.example/v3", allows).why == "");
    CHECK(chosen("http://127.0.0.1:8070", "http://127.0.0.1:5000/v3").why == "");
}

TEST_CASE("F20 D-11.7 link-local and loopback addresses only if Keystone's is one") {
    const endpoint_rules all{.trusts_catalogue = true, .allows_plain_credentials = true};
    for (const std::string host :
         {"169.254.169.254",
          "[fe80::1]",
          "[::ffff:169.254.0.1]",
          "127.0.0.1",
          "127.1.2.3",
          "[::1]",
          "[::ffff:127.0.0.1]",
          "localhost",
          "0.0.0.0"}) {
        CAPTURE(host);
        CHECK(chosen("https://" + host + "/v2.0", identity, all).why != "");
    }
    CHECK(chosen("https://169.254.1.1/v2.0", "https://127.0.0.1/v3", all).why != "");
    CHECK(chosen("https://169.254.1.1/v2.0", "https://169.254.1.2/v3", all).why == "");
    CHECK(chosen("https://localhost/v2.0", "https://127.0.0.1/v3", all).why == "");
    CHECK(chosen("https://10.0.0.1/v2.0", identity).why == "");
}

TEST_CASE("F20 an address with user information is refused, and its password is not told") {
    const auto why = chosen("https://user:pass-word@mon.example/v2.0", identity).why;

    CHECK(why.find("user information") != std::string::npos);
    CHECK(why.find("pass-word") == std::string::npos);
}
}
