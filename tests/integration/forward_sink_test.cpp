// The exporter and `monarc sink` with each other: shared key, TLS, Unix socket.

#include "sink/server.hpp"
#include "support/certificates.hpp"
#include "support/forward_receiver.hpp"
#include "support/temporary_folder.hpp"
#include "support/three_counts.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

using namespace monarc;
using namespace monarc::literals;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view the_key = "correct horse battery staple";

const certificate_authority& authority() {
    static const certificate_authority made("the right CA");
    return made;
}

// A sink, and an exporter's options for it.
struct scene {
    explicit scene(sink::options wanted = {}) { restart(std::move(wanted)); }

    void restart(sink::options wanted) {
        server = std::make_unique<sink::server>(std::move(wanted));
        options.mona = mona_forward_options{.port = server->port(), .merge = merge_mode::off};
        options.queue.capacity = 4096;
        options.batch.max_delay = 5ms;
        options.retry = {.min_wait = 2ms, .max_wait = 25ms};
        options.response_timeout = 2s;
        options.log = log.writer();
    }
    mona_forward_options& mona() { return std::get<mona_forward_options>(options.mona); }

    void push(exporter& e, int count) {
        for (int i = 0; i < count; ++i) {
            app.count(e.push("run"_class("one"), "n"_key = i));
        }
    }
    // D-1.7: the application's calls, the exporter's terms, what the sink has got.
    void check_ledger(const exporter& e) {
        const auto stats = e.stats();
        CHECK(stats.is_exact());
        CHECK(stats.accepted == app.accepted());
        const auto& d = stats.destinations[0];
        CHECK(d.delivered + d.delivered_unacked == app.accepted());
        CHECK(wait_until(
            [&] { return server->snapshot().records == app.accepted(); }, patience(10s)));
        CHECK(server->snapshot().fields == app.fields());
    }
    // Not in a line of the log, not in last_error, not in any text of the statistics.
    void check_key_is_unseen(const exporter& e) {
        CHECK(log.count(the_key) == 0);
        CHECK(to_json(e.stats()).find(the_key) == std::string::npos);
    }

    temporary_folder folder;
    std::unique_ptr<sink::server> server;
    application app;
    log_book log;
    exporter_options options;
};

sink::options with_key(std::string_view key = the_key) {
    sink::options wanted;
    wanted.shared_key = secret(key);
    return wanted;
}

} // namespace

TEST_SUITE("integration/forward_sink") {
TEST_CASE("D-5.6 with the receiver's shared key records arrive, over one connection") {
    for (const bool has_ack : {true, false}) {
        CAPTURE(has_ack);
        scene s(with_key());
        s.mona().shared_key = secret(the_key);
        s.mona().ack = has_ack;
        exporter e(s.options);
        s.push(e, 500);
        CHECK(e.flush(patience(20s)).is_clean());
        s.push(e, 500);

        CHECK(e.close(patience(20s)).is_clean());
        s.check_ledger(e);
        s.check_key_is_unseen(e);
        CHECK(s.server->snapshot().connections == 1);
        CHECK(e.stats().destinations[0].shared_key_failures == 0);
        CHECK(e.stats().destinations[0].retries == 0);
    }
}

TEST_CASE(
    "D-5.6 another key is of class auth: data kept, told once, nothing sent, no text has it") {
    scene s(with_key("the receiver's own"));
    s.mona().shared_key = secret(the_key);
    exporter e(s.options);
    s.push(e, 10);
    REQUIRE(wait_until([&] { return s.log.count("shared key with") != 0; }, patience(10s)));

    CHECK(s.log.count("it refuses us: shared_key mismatch") == 1);
    CHECK(e.flush(50ms).pending == 10);
    const auto stats = e.stats();
    CHECK(stats.destinations[0].shared_key_failures == 1);
    CHECK(stats.destinations[0].delivered == 0);
    CHECK(stats.destinations[0].state != health::ok);
    // D-6.2: half of 30 s at least; of class network it would have been 50 ms at most.
    const auto said = s.log.lines().back().text;
    const auto wait = std::atol(said.c_str() + said.find("next attempt in ") + 16);
    CHECK(wait >= 15'000);
    s.check_key_is_unseen(e);
    CHECK(s.server->snapshot().messages == 0);
    CHECK(s.server->snapshot().refused_by(sink::refusal::handshake) == 1);
    CHECK(e.close(0ms).dropped == 10);
    CHECK(e.stats().is_exact());
}

TEST_CASE("after the receiver's key was set right, a retry delivers what was kept") {
    const sink::options wrong = with_key("another");
    scene s(wrong);
    s.mona().shared_key = secret(the_key);
    const auto port = s.server->port();
    exporter e(s.options);
    s.push(e, 10);
    REQUIRE(wait_until([&] { return s.log.count("shared_key mismatch") != 0; }, patience(10s)));
    s.server.reset();
    auto right = with_key();
    right.port = port;
    s.server = std::make_unique<sink::server>(right);

    CHECK(wait_until(
        [&] {
            e.retry_now();
            return e.stats().destinations[0].delivered == 10;
        },
        patience(20s)));
    CHECK(e.close(patience(10s)).is_clean());
    s.check_ledger(e);
}

TEST_CASE("D-5.6 a key for a receiver that wants none: no record goes out in the clear") {
    forward_receiver silent;
    silent.start();
    scene s;
    s.mona().port = silent.port();
    s.mona().shared_key = secret(the_key);
    exporter e(s.options);
    s.push(e, 10);

    CHECK(wait_until([&] { return s.log.count("it sends no HELO") != 0; }, patience(20s)));
    CHECK(s.log.count("leave mona.shared_key empty, or set one there") == 1);
    CHECK(silent.messages().empty());
    CHECK(silent.protocol_errors().empty());
    CHECK(e.close(0ms).dropped == 10);
}

TEST_CASE("a receiver that wants a key we have not is named with the option to set") {
    scene s(with_key());
    exporter e(s.options);
    s.push(e, 10);

    CHECK(wait_until( // a reset may overtake HELO, but not each time
        [&] {
            return e.stats().destinations[0].last_error.find("set mona.shared_key") !=
                   std::string::npos;
        },
        patience(10s)));
    CHECK(e.close(0ms).dropped == 10);
    CHECK(s.server->snapshot().records == 0);
    CHECK(e.stats().is_exact());
}

TEST_CASE("whatever a receiver says instead of HELO and PONG is refused, and nothing is sent") {
    const std::string hello("\x92\xa4HELO\x81\xa5nonce\xa1x");
    struct row {
        std::string greeting;
        std::string in_log;
    };
    for (const auto& [greeting, in_log] :
         {row{"SSH-2.0-OpenSSH_9.2\r\n", "something else than HELO"},
          row{"HTTP/1.1 400 Bad Request\r\n\r\n", "something else than HELO"},
          row{std::string(100'000, '\x91'), "something else than HELO"},
          row{hello + "\x81\xa3"
                      "ack\xa1x",
              "something else than PONG"},
          row{hello + "\x95\xa4PONG\xc3\xa0\xa1s\xa1"
                      "d",
              "does not know the key itself"},
          row{hello + "\x95\xa4PONG\xc2\xa4no\n!\xa0\xa0", "it refuses us: no?!"}}) {
        CAPTURE(in_log);
        forward_receiver receiver;
        receiver.on_connection([greeting](std::size_t) {
            manners m;
            m.greeting = greeting;
            m.reads = false;
            return m;
        });
        receiver.start();
        scene s;
        s.mona().port = receiver.port();
        s.mona().shared_key = secret(the_key);
        exporter e(s.options);
        s.push(e, 3);

        CHECK(wait_until([&, in = in_log] { return s.log.count(in) != 0; }, patience(10s)));
        s.check_key_is_unseen(e);
        CHECK(e.close(0ms).dropped == 3);
        CHECK(e.stats().destinations[0].shared_key_failures == 1);
    }
}

TEST_CASE("a receiver that keeps no connection alive gets a payload on each, none of them fails") {
    for (const bool has_ack : {true, false}) {
        CAPTURE(has_ack);
        auto wanted = with_key();
        wanted.deny_keepalive = true;
        scene s(wanted);
        s.mona().shared_key = secret(the_key);
        s.mona().ack = has_ack;
        s.options.batch.max_records = 1;
        exporter e(s.options);
        s.push(e, 20);

        CHECK(e.close(patience(20s)).is_clean());
        s.check_ledger(e);
        CHECK(s.server->snapshot().connections == 20);
        CHECK(e.stats().destinations[0].retries == 0);
        CHECK(s.log.count("may be lost") == 0);
    }
}

TEST_CASE("TLS and the shared key together, with a certificate of ours if the receiver wants one") {
    for (const bool wants_certificate : {false, true}) {
        CAPTURE(wants_certificate);
        const temporary_folder folder;
        const auto own = authority().issue({.hosts = {"raw.example"}});
        const auto ours = authority().issue({.name = "an exporter"});
        const auto ca = folder.write("ca.pem", authority().certificate());
        auto wanted = with_key();
        wanted.tls.cert_file = folder.write("sink.pem", own.certificate + own.key);
        wanted.tls.ca_file = wants_certificate ? ca : "";
        scene s(wanted);
        s.mona().use_tls = true;
        s.mona().server_name = "raw.example";
        s.mona().shared_key = secret(the_key);
        s.options.tls.ca_file = ca;
        if (wants_certificate) {
            s.options.tls.cert_file = folder.write("own.pem", ours.certificate + ours.key);
        }
        exporter e(s.options);
        s.push(e, 3000); // some records are longer than one of TLS

        CHECK(e.close(patience(30s)).is_clean());
        s.check_ledger(e);
        CHECK(e.stats().destinations[0].tls_version == 13);
        CHECK(s.server->snapshot().refused_by(sink::refusal::tls) == 0);
    }
}

TEST_CASE("a sink that wants TLS refuses what is none, and a client without a certificate") {
    const temporary_folder folder;
    const auto own = authority().issue({.hosts = {"raw.example"}});
    sink::options wanted;
    wanted.tls.cert_file = folder.write("sink.pem", own.certificate + own.key);
    wanted.tls.ca_file = folder.write("ca.pem", authority().certificate());
    scene s(wanted);
    {
        exporter e(s.options); // plain
        s.push(e, 1);
        CHECK(wait_until(
            [&] { return s.server->snapshot().refused_by(sink::refusal::tls) >= 1; },
            patience(10s)));
        CHECK(e.close(0ms).dropped == 1);
    }
    s.mona().use_tls = true;
    s.mona().server_name = "raw.example";
    s.options.tls.ca_file = wanted.tls.ca_file;
    exporter e(s.options);
    s.push(e, 1);
    const auto before = s.server->snapshot().refused_by(sink::refusal::tls);

    CHECK(wait_until(
        [&] { return s.server->snapshot().refused_by(sink::refusal::tls) > before; },
        patience(10s)));
    CHECK(e.close(0ms).dropped == 1);
    CHECK(s.server->snapshot().records == 0);
}

TEST_CASE("a Unix socket takes records, with the shared key as without") {
    for (const bool has_key : {false, true}) {
        CAPTURE(has_key);
        const temporary_folder folder;
        auto wanted = has_key ? with_key() : sink::options{};
        wanted.unix_path = folder.path("mona.sock");
        scene s(wanted);
        s.mona().unix_path = wanted.unix_path;
        s.mona().port = 1; // not used
        s.mona().shared_key = secret(has_key ? the_key : "");
        exporter e(s.options);
        s.push(e, 1000);

        CHECK(e.close(patience(20s)).is_clean());
        s.check_ledger(e);
        struct stat found {};
        REQUIRE(::stat(wanted.unix_path.c_str(), &found) == 0);
        CHECK((found.st_mode & 0777) == 0600);
        s.server->stop();
        CHECK_FALSE(std::filesystem::exists(wanted.unix_path));
    }
}

TEST_CASE("a Unix socket that vanishes and comes back: nothing lost, and the log names its path") {
    const temporary_folder folder;
    sink::options wanted;
    wanted.unix_path = folder.path("mona.sock");
    wanted.store = folder.path("events");
    scene s(wanted);
    s.mona().unix_path = wanted.unix_path;
    exporter e(s.options);
    s.push(e, 100);
    CHECK(e.flush(patience(20s)).is_clean());

    s.server.reset();
    s.push(e, 100);
    CHECK(
        wait_until([&] { return s.log.count("connect " + wanted.unix_path) != 0; }, patience(10s)));
    CHECK(e.flush(50ms).pending == 100);
    s.server = std::make_unique<sink::server>(wanted);

    CHECK(e.close(patience(20s)).is_clean());
    s.check_ledger(e); // the store tells the new sink of what the old one had
    CHECK(e.stats().destinations[0].last_error.find("mona.sock") != std::string::npos);
}

TEST_CASE("a socket that a killed sink left behind is replaced; one in use, or a file, is not") {
    const temporary_folder folder;
    sink::options wanted;
    wanted.unix_path = folder.path("mona.sock");
    {
        const int left = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        wanted.unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::close(left);
    }
    const sink::server first(wanted);

    CHECK_THROWS_WITH_AS(
        sink::server second(wanted),
        doctest::Contains("Address already in use; give --unix a path that is free"),
        sink::start_error);
    wanted.unix_path = folder.write("file", "something else");
    CHECK_THROWS_AS(sink::server third(wanted), sink::start_error);
    CHECK(std::filesystem::file_size(wanted.unix_path) == 14);
    wanted.unix_path = std::string(200, 'p');
    CHECK_THROWS_AS(sink::server fourth(wanted), sink::start_error);
}

TEST_CASE("D-13.2 a sink listens beyond the loopback only with a shared key") {
    sink::options wanted;
    wanted.host = "0.0.0.0";
    CHECK_THROWS_WITH_AS(
        sink::server open(wanted), doctest::Contains("give --shared-key"), sink::start_error);
    wanted.shared_key = secret(the_key);
    CHECK_NOTHROW(sink::server guarded(wanted));
}
}
