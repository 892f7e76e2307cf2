// TLS between the exporter and Mona's REST interface: whom it trusts, also after a change (D-12).

#include "support/rest_receiver.hpp"
#include "support/three_counts.hpp"
#include "support/tls_front.hpp"
#include "support/tls_scene.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace monarc;
using namespace monarc::literals;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

struct scene : tls_scene {
    scene() {
        mona_rest_options rest{
            .user_id = "u1",
            .auth = mona_auth_mode::none,
            .host = "127.0.0.1:" + std::to_string(front.port())};
        options.mona = std::move(rest);
    }

    rest_receiver receiver;
    tls_front front{
        receiver.port(), {.own = right_authority().issue({.addresses = {"127.0.0.1"}})}};
};

} // namespace

TEST_SUITE("integration/mona_rest_tls") {
TEST_CASE("D-12.4 refused, then taken once the CA file was replaced, without a restart") {
    scene s;
    s.folder.write("ca.pem", certificate_authority("the wrong CA").certificate());
    application app;
    exporter e(s.options);
    app.count(e.push("run"_class("one"), "n"_key = 1));
    REQUIRE(wait_until(
        [&] { return s.log.count("unable to get local issuer certificate") != 0; }, patience(10s)));
    CHECK(s.receiver.requests().empty());

    s.folder.write("ca.pem", right_authority().certificate());

    CHECK(wait_until(
        [&] {
            e.retry_now();
            return e.stats().destinations[0].delivered == 1;
        },
        patience(20s)));
    CHECK(e.close(patience(10s)).is_clean());
    const auto stats = e.stats();
    check_rest_ledger(app, stats, s.receiver);
    CHECK(stats.destinations[0].tls_certificate_failures >= 1);
    CHECK(stats.destinations[0].tls_version == 13);
}

TEST_CASE("D-12.5 a connection is retired between requests when a TLS file has changed") {
    scene s;
    application app;
    exporter e(s.options);
    for (std::size_t connections = 1; connections <= 2; ++connections) {
        CHECK(wait_until(
            [&] {
                app.count(e.push("run"_class("one"), "n"_key = 1));
                CHECK(e.flush(patience(10s)).is_clean());
                return s.front.handshakes() >= connections;
            },
            patience(20s)));
        s.folder.write("ca.pem", right_authority().certificate()); // the same, but written anew
    }

    CHECK(e.close(patience(10s)).is_clean());
    const auto stats = e.stats();
    check_rest_ledger(app, stats, s.receiver);
    CHECK(stats.destinations[0].retries == 0);
}
}
