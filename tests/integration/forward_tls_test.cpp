// TLS between exporter and a forward receiver (D-12, D-5.10).

#include "support/forward_receiver.hpp"
#include "support/three_counts.hpp"
#include "support/tls_front.hpp"
#include "support/tls_scene.hpp"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

using namespace monarc;
using namespace monarc::literals;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

struct scene : tls_scene {
    explicit scene(const tls_front_settings& settings) {
        receiver.start();
        front.emplace(receiver.port(), settings);
        options.mona = mona_forward_options{
            .host = "127.0.0.1",
            .port = front->port(),
            .use_tls = true,
            .server_name = "raw.example"};
    }

    // Data kept, class config, no byte of ours: neither behind TLS nor at the plain listener.
    void check_refused(std::string_view why) {
        exporter e(options);
        const auto loan = e.open_context("loan", "42");
        CHECK(loan.push("n"_key = 1));
        CHECK(wait_until([&] { return log.count(why) != 0; }, patience(10s)));
        CHECK(e.flush(50ms).pending == 1);
        CHECK(e.close(50ms).dropped == 1);
        const auto stats = e.stats();
        CHECK(stats.is_exact());
        const auto& d = stats.destinations[0];
        CHECK(
            d.tls_certificate_failures + d.tls_agreement_failures + d.tls_refused_failures +
                d.tls_broken_failures >=
            1);
        CHECK(front->bytes_received() == 0);
        CHECK(front->handshakes() == 0);
        CHECK(receiver.connections() == 0);
    }

    forward_receiver receiver;
    std::optional<tls_front> front;
};

issued_certificate of_the_receiver() {
    return right_authority().issue({.hosts = {"raw.example"}});
}

// What the first line says that holds both, or nothing.
std::string line_with(const log_book& log, std::string_view one, std::string_view other) {
    for (const auto& line : log.lines()) {
        if (line.text.find(one) != line.text.npos && line.text.find(other) != line.text.npos) {
            return line.text;
        }
    }
    return {};
}

} // namespace

TEST_SUITE("integration/forward_tls") {
TEST_CASE("D-12.1 records arrive at a receiver whose certificate is of mona.server_name") {
    scene s({.own = of_the_receiver()});
    application app;
    exporter e(s.options);
    const auto loan = e.open_context("loan", "42");
    for (int i = 0; i < 100; ++i) {
        app.count(loan.push("n"_key = i));
    }

    CHECK(e.close(20s).is_clean());
    CHECK(s.front->server_name() == "raw.example");
    check_ledger(app, e.stats(), s.receiver);
}

TEST_CASE("F21 a certificate of the receiver's address is none of mona.server_name") {
    scene s({.own = right_authority().issue({.name = "raw.example", .addresses = {"127.0.0.1"}})});
    s.check_refused("certificate: hostname mismatch");
}

TEST_CASE("F21 a certificate of an unknown CA is refused") {
    const certificate_authority other("another CA");
    scene s({.own = other.issue({.hosts = {"raw.example"}})});
    s.check_refused("certificate: unable to get local issuer certificate");
}

TEST_CASE("F21 an expired certificate is refused") {
    scene s(
        {.own =
             right_authority().issue({.hosts = {"raw.example"}, .begins = -7200s, .ends = -60s})});
    s.check_refused("certificate: certificate has expired");
}

TEST_CASE("F21 a receiver that speaks TLS 1.1 only is refused") {
    scene s({.own = of_the_receiver(), .version = TLS1_1_VERSION});
    s.check_refused("TLS with 127.0.0.1");
}

TEST_CASE("F21 a receiver that speaks no TLS gets nothing plain instead, and the log says why") {
    scene s({.own = of_the_receiver()});
    s.receiver.stop();
    s.receiver.on_connection([](std::size_t) {
        manners m;
        m.greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
        return m;
    });
    s.receiver.start();
    std::get<mona_forward_options>(s.options.mona).port = s.receiver.port();
    exporter e(s.options);
    CHECK(e.open_context("loan", "42").push("n"_key = 1));

    CHECK(wait_until([&] { return s.log.count("the peer speaks no TLS") != 0; }, patience(10s)));
    CHECK(s.log.count("mona.use_tls be false") != 0);
    CHECK(e.close(50ms).dropped == 1);
    CHECK(e.stats().destinations[0].tls_agreement_failures >= 1);
    CHECK(s.receiver.messages().empty());
}

TEST_CASE("D-12.4 refused, then taken once the CA file was replaced, without a restart") {
    scene s({.own = of_the_receiver()});
    s.folder.write("ca.pem", certificate_authority("the wrong CA").certificate());
    application app;
    exporter e(s.options);
    const auto loan = e.open_context("loan", "42");
    app.count(loan.push("n"_key = 1));
    REQUIRE(wait_until(
        [&] { return s.log.count("unable to get local issuer certificate") != 0; }, patience(10s)));
    CHECK(s.front->handshakes() == 0);

    std::filesystem::rename(
        s.folder.write("fresh.pem", right_authority().certificate()), s.folder.path("ca.pem"));
    e.retry_now();

    CHECK(wait_until(
        [&] {
            e.retry_now();
            return e.stats().destinations[0].delivered == 1;
        },
        patience(20s)));
    CHECK(e.close(patience(20s)).is_clean());
    const auto stats = e.stats();
    check_ledger(app, stats, s.receiver);
    CHECK(stats.destinations[0].tls_certificate_failures >= 1);
    CHECK(stats.destinations[0].tls_reload_failed == 0);
    CHECK(stats.destinations[0].tls_version == 13);
    CHECK(stats.destinations[0].tls_peer_days == 0); // it is good for an hour
    CHECK(s.front->bytes_received() > 0);
}

TEST_CASE(
    "F22 certificate and key replaced one after the other: the last good pair until both fit") {
    scene s({.own = of_the_receiver(), .client_authority = right_authority().certificate()});
    const auto first = right_authority().issue({.name = "first"});
    const auto second = right_authority().issue({.name = "second"});
    s.options.tls.cert_file = s.folder.write("own.pem", first.certificate);
    s.options.tls.key_file = s.folder.write("own.key", first.key);
    application app;
    exporter e(s.options);
    const auto loan = e.open_context("loan", "42");
    std::uint64_t n = 0;
    const auto push_until = [&](auto is_true) {
        return wait_until(
            [&] {
                app.count(loan.push("n"_key = n++));
                CHECK(e.flush(patience(10s)).is_clean());
                return is_true();
            },
            patience(20s));
    };
    REQUIRE(push_until([&] { return s.front->client_name() == "first"; }));

    s.folder.write("own.pem", second.certificate);
    CHECK(push_until([&] { return e.stats().destinations[0].tls_reload_failed == 1; }));
    CHECK(s.log.count("mona_forward: tls.key_file") == 1);
    CHECK(s.front->client_name() == "first");
    CHECK(s.front->handshakes() == 1); // the connection that was there goes on

    s.folder.write("own.key", second.key);
    CHECK(push_until([&] { return s.front->client_name() == "second"; }));

    CHECK(s.front->handshakes() == 2);
    CHECK(e.close(patience(20s)).is_clean());
    const auto stats = e.stats();
    check_ledger(app, stats, s.receiver);
    CHECK(stats.destinations[0].retries == 0); // no payload has failed
    CHECK(s.receiver.repeats() == 0);
}

TEST_CASE("D-12.5 connections are retired between attempts: none fails, repeats or is overtaken") {
    scene s({.own = of_the_receiver()});
    s.options.batch.max_records = 5;
    application app;
    exporter e(s.options);
    const auto loan = e.open_context("loan", "42");
    std::uint64_t n = 0;
    for (std::size_t connections = 1; connections <= 3; ++connections) {
        CHECK(wait_until(
            [&] {
                for (int i = 0; i < 20; ++i) {
                    n += app.count(loan.push("n"_key = n)) ? 1 : 0;
                }
                return s.front->handshakes() >= connections;
            },
            patience(20s)));
        s.folder.write("ca.pem", right_authority().certificate()); // the same, but written anew
    }

    CHECK(e.close(patience(20s)).is_clean());
    const auto stats = e.stats();
    check_ledger(app, stats, s.receiver);
    CHECK(stats.destinations[0].retries == 0);
    CHECK(s.receiver.repeats() == 0);
    const auto numbers = numbers_by_context(s.receiver, "n");
    REQUIRE(numbers.size() == 1);
    CHECK(ascends(numbers.begin()->second));
}

TEST_CASE("F23 a receiver that never says good-bye does not hold up close") {
    scene s({.own = of_the_receiver(), .says_good_bye = false});
    application app;
    exporter e(s.options);
    const auto loan = e.open_context("loan", "42");
    app.count(loan.push("n"_key = 1));
    CHECK(e.flush(patience(10s)).is_clean());
    const auto begin = steady::now();

    CHECK(e.close(1s).is_clean());

    CHECK(since(begin) <= patience(1250ms)); // D-9.3
    check_ledger(app, e.stats(), s.receiver);
}

TEST_CASE("TLS files that cannot be used are refused at start, by name, path, reason and remedy") {
    scene s({.own = of_the_receiver()});
    const auto refused = [&](const std::string& file) -> std::string {
        s.options.tls.ca_file = file;
        try {
            exporter e(s.options);
        } catch (const std::system_error& error) {
            return error.code() == errc::bad_options ? error.what() : "another code";
        }
        return "not refused";
    };
    const auto missing = refused("/nowhere/ca.pem");
    CHECK(
        missing.starts_with("tls.ca_file /nowhere/ca.pem: No such file or directory; it must be"));
    const auto text = s.folder.write("text.pem", "no certificate");
    CHECK(refused(text).starts_with("tls.ca_file " + text + ": "));
    CHECK(refused(text).find("it must be PEM of a CA") != std::string::npos);
    CHECK(refused(s.folder.path("")).starts_with("tls.ca_file " + s.folder.path("") + ": "));
}

// TLS 1.3 tells of it behind the handshake, when the record is on its way. Now and then the write
// fails before that is read: then it is tried once more.
TEST_CASE("D-5.10 without the certificate that the receiver wants the wait is that of config") {
    constexpr int most_tries = 20;
    std::string said;
    for (int i = 0; i < most_tries && said.empty(); ++i) {
        scene s({.own = of_the_receiver(), .client_authority = right_authority().certificate()});
        exporter e(s.options);
        const auto loan = e.open_context("loan", "42");
        CHECK(loan.push("n"_key = 1));

        CHECK(wait_until([&] { return s.log.count("next attempt in ") != 0; }, patience(10s)));
        CHECK(e.close(0ms).dropped == 1);
        CHECK(s.receiver.messages().empty());
        said = line_with(s.log, "alert certificate required", "next attempt in ");
    }

    REQUIRE(said != "");
    const auto wait = std::atol(said.c_str() + said.find("next attempt in ") + 16);
    CHECK(wait >= 500); // D-6.2: half the first; of class network it is 50 ms at most
}
}
