// TLS between exporter and Monasca: whom it trusts, what it shows, and that nothing ever goes plain
// instead (D-12, D-5.10, F21).

#include "support/monasca_receiver.hpp"
#include "support/three_counts.hpp"
#include "support/tls_front.hpp"
#include "support/tls_scene.hpp"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <system_error>
#include <thread>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

// A Monasca behind TLS, and an exporter that trusts what the test says.
struct scene : tls_scene {
    explicit scene(tls_front_settings settings, monasca_settings behaviour = {})
        : receiver(behaviour) {
        receiver.start();
        front.emplace(receiver.port(), settings);
        options.monasca = monasca_options{
            .url = "https://127.0.0.1:" + std::to_string(front->port()) + "/v2.0",
            .token = secret("a-token"),
            .interval = 1s,
            .dimensions = std::map<std::string, std::string>{}};
        options.response_timeout = 5s;
    }

    // What a refused peer leads to: data kept, class config, no byte of ours behind TLS.
    void check_refused(std::string_view why) {
        exporter e(options);
        const auto each = e.open_series("each", {}, {.kind = series_kind::every});
        each.push(1);
        CHECK(wait_until([&] { return log.count(why) != 0; }, patience(5s)));
        const auto result = e.flush(100ms);
        CHECK(result.pending == 1);
        CHECK(log.count("a-token") == 0);
        CHECK(e.close(100ms).dropped == 1);
        CHECK(e.stats().is_exact());
        CHECK(front->bytes_received() == 0);
        CHECK(front->handshakes() == 0);
        CHECK(receiver.requests().empty());
    }

    monasca_receiver receiver;
    std::optional<tls_front> front;
};

issued_certificate of_this_machine() {
    return right_authority().issue({.hosts = {"localhost"}, .addresses = {"127.0.0.1"}});
}

void push_and_check(scene& s, int count) {
    exporter e(s.options);
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    for (int i = 1; i <= count; ++i) {
        each.push(i);
        CHECK(e.flush(patience(5s)).is_clean());
    }
    CHECK(s.receiver.summary().find("each")->count == static_cast<std::uint64_t>(count));
    CHECK(e.close(patience(5s)).is_clean());
    CHECK(e.stats().is_exact());
}

} // namespace

TEST_SUITE("integration/tls") {
TEST_CASE("D-12.1 with the right CA measurements arrive, over one connection, to an address") {
    scene s({.own = of_this_machine()}, {.monasca = {}, .keep_alive = 60s});

    push_and_check(s, 3);

    CHECK(s.front->handshakes() == 1);
    CHECK(s.front->server_name() == ""); // an address is no name
    CHECK(wait_until([&] { return s.front->good_byes() == 1; }, patience(5s)));
}

TEST_CASE("D-12.1 a host's name is checked and sent ahead") {
    scene s({.own = right_authority().issue({.hosts = {"localhost"}})});
    s.options.monasca->url = "https://localhost:" + std::to_string(s.front->port()) + "/v2.0";

    push_and_check(s, 1);

    CHECK(s.front->server_name() == "localhost");
}

TEST_CASE("D-12.2 TLS 1.2 is spoken with a peer that knows no better") {
    scene s({.own = of_this_machine(), .version = TLS1_2_VERSION});

    push_and_check(s, 1);
}

TEST_CASE("a large request arrives whole") {
    scene s({.own = of_this_machine()});
    s.options.batch.max_delay = 300ms;
    exporter e(s.options);
    const auto each =
        e.open_series("each", {{"d", std::string(255, 'd')}}, {.kind = series_kind::every});
    const auto now = std::chrono::system_clock::now();
    for (int i = 0; i < 400; ++i) {
        CHECK(each.at(now - std::chrono::milliseconds(i)).push(i));
    }

    CHECK(e.flush(patience(10s)).is_clean());
    CHECK(s.receiver.summary().find("each")->count == 400);
    CHECK(s.receiver.summary().find("each")->sum == 400 * 399 / 2);
    CHECK(s.front->bytes_received() > 100'000);
}

TEST_CASE("F21 a certificate of an unknown CA is refused, the data kept") {
    const certificate_authority other("another CA");
    scene s({.own = other.issue({.addresses = {"127.0.0.1"}})});

    s.check_refused("certificate: unable to get local issuer certificate");
}

TEST_CASE("F21 a certificate of another host is refused, whatever its common name says") {
    scene s({.own = right_authority().issue({.name = "127.0.0.1", .hosts = {"mon.example"}})});

    s.check_refused("certificate: IP address mismatch");
}

TEST_CASE("F21 a name that the certificate has not is refused, whatever its common name says") {
    scene s({.own = right_authority().issue({.name = "localhost", .hosts = {"mon.example"}})});
    s.options.monasca->url = "https://localhost:" + std::to_string(s.front->port()) + "/v2.0";

    s.check_refused("certificate: hostname mismatch");
}

TEST_CASE("F21 an expired certificate is refused") {
    scene s(
        {.own = right_authority().issue(
             {.addresses = {"127.0.0.1"}, .begins = -7200s, .ends = -3600s})});

    s.check_refused("certificate: certificate has expired");
}

TEST_CASE("F21 a peer that speaks TLS 1.1 only is refused") {
    scene s({.own = of_this_machine(), .version = TLS1_1_VERSION});

    s.check_refused("TLS with 127.0.0.1");
}

TEST_CASE("F21 a peer that speaks no TLS gets no plain request instead") {
    scene s({.own = of_this_machine()});
    s.options.monasca->url = "https://127.0.0.1:" + std::to_string(s.receiver.port()) + "/v2.0";
    exporter e(s.options);
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(1);

    CHECK(wait_until([&] { return s.log.count("TLS with 127.0.0.1") != 0; }, patience(10s)));
    CHECK(e.close(100ms).dropped == 1);
    CHECK(s.receiver.measurements().empty());
}

TEST_CASE("D-12.4 refused, then taken once the CA file was replaced, without a restart") {
    scene s({.own = of_this_machine()});
    s.folder.write("ca.pem", certificate_authority("the wrong CA").certificate());
    exporter e(s.options);
    e.open_series("each", {}, {.kind = series_kind::every}).push(1);
    REQUIRE(wait_until(
        [&] { return s.log.count("unable to get local issuer certificate") != 0; }, patience(5s)));

    s.folder.write("ca.pem", right_authority().certificate());

    CHECK(wait_until(
        [&] {
            e.retry_now();
            return e.stats().destinations[0].delivered == 1;
        },
        patience(20s)));
    const auto stats = e.stats();
    CHECK(stats.is_exact());
    CHECK(stats.destinations[0].tls_certificate_failures >= 1);
    CHECK(stats.destinations[0].tls_version == 13);
    CHECK(s.receiver.summary().find("each")->count == 1);
}

TEST_CASE("a receiver that asks for a certificate gets ours, from one file or two") {
    const auto own = right_authority().issue({.name = "an exporter"});
    for (const bool is_one_file : {true, false}) {
        CAPTURE(is_one_file);
        scene s({.own = of_this_machine(), .client_authority = right_authority().certificate()});
        if (is_one_file) {
            s.options.tls.cert_file = s.folder.write("own.pem", own.certificate + own.key);
        } else {
            s.options.tls.cert_file = s.folder.write("own.pem", own.certificate);
            s.options.tls.key_file = s.folder.write("own.key", own.key);
        }

        push_and_check(s, 2);
    }
}

TEST_CASE("D-5.10 without the certificate that the receiver asks for the data is kept") {
    scene s({.own = of_this_machine(), .client_authority = right_authority().certificate()});
    exporter e(s.options);
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(1);

    CHECK(wait_until([&] { return s.log.count("certificate") != 0; }, patience(5s)));
    CHECK(e.flush(50ms).pending == 1);
    CHECK(e.close(50ms).dropped == 1);
    CHECK(s.receiver.requests().empty());
}

TEST_CASE("D-12.3 verify off takes any certificate, and says so") {
    const certificate_authority other("another CA");
    scene s({.own = other.issue({.hosts = {"mon.example"}, .begins = -7200s, .ends = -3600s})});
    s.options.tls.verify = false;
    s.options.tls.ca_file = "";

    push_and_check(s, 1);

    CHECK(s.log.count("tls.verify = false") == 1);
}

TEST_CASE("D-12.6 an answer that ends with the stream counts only if that ended with good-bye") {
    for (const bool says_good_bye : {true, false}) {
        CAPTURE(says_good_bye);
        scene s({.own = of_this_machine(), .says_good_bye = says_good_bye});
        s.receiver.stop();
        s.receiver.on_request([](const monasca_request& r, monasca_reaction& reaction) {
            if (r.number == 1) { // without a length: only the end of the stream ends it
                reaction.takes = false;
                reaction.raw = "HTTP/1.1 200 OK\r\n\r\nfine";
                reaction.then = sink::http_answer::ending::close;
            }
        });
        s.receiver.start();
        exporter e(s.options);
        const auto each = e.open_series("each", {}, {.kind = series_kind::every});
        each.push(1);

        CHECK(e.flush(patience(10s)).is_clean());
        CHECK(s.receiver.requests().size() == (says_good_bye ? 1 : 2));
    }
}

TEST_CASE("D-9.3 a peer that accepts and never shakes hands does not hold up close") {
    // The listener's queue takes the connection; nobody accepts it.
    scene s({.own = of_this_machine()});
    monasca_receiver deaf;
    deaf.on_request([](const monasca_request&, monasca_reaction& r) { r.stall(); });
    deaf.start();
    s.options.monasca->url = "https://127.0.0.1:" + std::to_string(deaf.port()) + "/v2.0";
    exporter e(s.options);
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(1);
    std::this_thread::sleep_for(50ms);
    const auto begin = steady::now();

    const auto result = e.close(300ms);

    CHECK(since(begin) <= patience(550ms));
    CHECK(result.dropped == 1);
    CHECK(e.stats().is_exact());
}

TEST_CASE("TLS files that cannot be used are refused at start, by name, path and reason") {
    scene s({.own = of_this_machine()});
    const auto own = right_authority().issue({.name = "an exporter"});
    const auto other = right_authority().issue({.name = "another"});
    const auto text = s.folder.write("text.pem", "no certificate");
    const auto cert = s.folder.write("own.pem", own.certificate);
    const auto key = s.folder.write("other.key", other.key);
    const struct {
        tls_options tls;
        std::string wrong;
    } rows[] = {
        {{.ca_file = "/nowhere/ca.pem"}, "tls.ca_file /nowhere/ca.pem: No such file or directory"},
        {{.ca_file = text}, "tls.ca_file " + text + ": "},
        {{.cert_file = "/nowhere/c.pem"},
         "tls.cert_file /nowhere/c.pem: No such file or directory"},
        {{.cert_file = text}, "tls.cert_file " + text + ": "},
        {{.cert_file = cert}, "tls.cert_file " + cert + ": "},
        {{.cert_file = cert, .key_file = "/nowhere/k.pem"},
         "tls.key_file /nowhere/k.pem: No such file or directory"},
        {{.cert_file = cert, .key_file = key}, "tls.key_file " + key + ": key values mismatch"},
    };
    for (const auto& [tls, wrong] : rows) {
        CAPTURE(wrong);
        s.options.tls = tls;
        std::string what;
        try {
            exporter e(s.options);
        } catch (const std::system_error& error) {
            CHECK(error.code() == errc::bad_options);
            what = error.what();
        }
        CHECK(what.substr(0, wrong.size()) == wrong);
    }
}
}
