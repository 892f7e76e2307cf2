// Acknowledgements that come late, cut, swapped, wrong or not at all, and peers that are no forward
// receiver.

#include "support/recorded_reactions.hpp"
#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

using hook = forward_receiver::message_hook;

struct row {
    std::string name;
    hook script;
    bool sends_again; // whether some chunk must come twice
};

// Acknowledges two by two: `first_then_second` puts them into one write in that order.
hook in_pairs(bool swapped) {
    auto held = std::make_shared<std::string>();
    return [=](const received_message& m, reaction& r) {
        if (m.is_repeat) {
            return;
        }
        if (held->empty()) {
            *held = r.answer;
            r.answer.clear();
        } else {
            r.answer = swapped ? r.answer + *held : *held + r.answer;
            held->clear();
        }
    };
}

// Does something with the answer to the fifth message, the first time.
template <class Change>
hook once(Change change) {
    auto seen = std::make_shared<int>(0);
    return [=](const received_message&, reaction& r) {
        if (++*seen == 5) {
            change(r);
        }
    };
}

std::vector<row> table() {
    using ending = reaction::ending;
    return {
        {"in pieces of a byte", [](const auto&, reaction& r) { r.piece_bytes = 1; }, false},
        {"two in one write", in_pairs(false), false},
        {"two in one write, swapped", in_pairs(true), false},
        {"unknown", once([](reaction& r) { r.answer = encode_acknowledgement("bm9ib2R5"); }), true},
        {"empty", once([](reaction& r) { r.answer = encode_acknowledgement(""); }), true},
        {"twice", once([](reaction& r) { r.answer += r.answer; }), false},
        {"in bytes instead of text",
         [](const auto& m, reaction& r) {
             r.answer = "\x81\xa3"
                        "ack\xc4" +
                        std::string(1, static_cast<char>(m.chunk.size())) + m.chunk;
         },
         false},
        {"among other members",
         [](const auto&, reaction& r) {
             r.answer = "\x82\xa1x\x93\x01\x02\x03" + r.answer.substr(1);
         },
         false},
        {"never", once([](reaction& r) { r.answer.clear(); }), true},
        {"too late", once([](reaction& r) { r.wait = 1300ms; }), true},
        {"reset instead",
         once([](reaction& r) {
             r.answer.clear();
             r.then = ending::reset;
         }),
         true},
        {"reset behind it", once([](reaction& r) { r.then = ending::reset; }), false},
        {"closed instead",
         once([](reaction& r) {
             r.answer.clear();
             r.then = ending::close;
         }),
         true},
        {"closed behind each", [](const auto&, reaction& r) { r.then = ending::close; }, false},
        {"reset behind each", [](const auto&, reaction& r) { r.then = ending::reset; }, false},
        {"a byte that is no MessagePack", once([](reaction& r) { r.answer = "\xc1"; }), true},
        {"an array", once([](reaction& r) { r.answer = "\x91" + r.answer; }), true},
        {"a map without ack", once([](reaction& r) { r.answer = "\x81\x01\x02"; }), true},
        {"a claim of a gigabyte",
         once([](reaction& r) {
             r.answer = "\xdb\x40";
             r.answer += std::string(3, '\0') + std::string(100'000, 'x');
         }),
         true},
        {"nested without end",
         once([](reaction& r) { r.answer = std::string(50'000, '\x91'); }),
         true},
        {"an HTTP answer",
         once([](reaction& r) { r.answer = "HTTP/1.1 400 Bad Request\r\n\r\n"; }),
         true},
        {"from a TLS server", once([](reaction& r) { r.answer = "\x15\x03\x03"; }), true},
    };
}

void check_row(const row& one) {
    CAPTURE(one.name);
    forward_receiver receiver;
    receiver.on_message(one.script);
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::off});
    options.batch.max_records = 1;
    exporter e(options);

    constexpr std::uint64_t records = 20;
    for (std::uint64_t i = 0; i < records; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i));
    }
    const auto result = e.flush(patience(8s));

    CHECK(result.is_clean());
    CHECK(result.delivered == records);
    e.close(patience(1s));
    const auto stats = e.stats();
    check_ledger(app, stats, receiver);
    CHECK((receiver.repeats() != 0 || !one.sends_again));
    const auto numbers = numbers_by_context(receiver, "n");
    REQUIRE(numbers.size() == 1);
    CHECK(numbers.begin()->second.size() == records);
    CHECK(ascends(numbers.begin()->second));
}

} // namespace

TEST_SUITE("integration/acknowledgements") {
TEST_CASE("F24 whatever happens to acknowledgements, each record is stored, once and in order") {
    for (const auto& one : table()) {
        check_row(one);
    }
}

TEST_CASE("F24 each recorded reaction of a real receiver leaves the ledger exact, nothing lost") {
    using ending = reaction::ending;
    for (const auto& [recorded, who] : ::support::recorded_reactions("recorded reactions")) {
        const auto then = recorded.connection == "open"    ? ending::go_on
                          : recorded.connection == "reset" ? ending::reset
                                                           : ending::close;
        const bool is_acknowledged = recorded.is_acknowledged;
        const row one{
            .name = who,
            .script = once([=](reaction& r) {
                r.answer = is_acknowledged ? r.answer : "";
                r.then = then;
            }),
            .sends_again = !is_acknowledged};
        check_row(one);
    }
}

TEST_CASE("F06 a reset at every byte of the request loses nothing and repeats nothing") {
    forward_receiver receiver;
    std::size_t cut = 0;   // the receiver's thread only
    std::size_t whole = 0; // cuts behind the whole message
    bool was_cut = false;
    receiver.on_connection([&](std::size_t) {
        manners m;
        was_cut = !was_cut;
        if (was_cut) {
            m.reset_after = cut++;
        }
        return m;
    });
    receiver.on_message([&](const received_message&, reaction& r) {
        whole += was_cut ? 1 : 0;
        r.then = reaction::ending::reset; // the next comes on a connection of its own
        if (was_cut) {
            r.answer.clear();
        }
    });
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::off});
    options.batch.max_delay = 1ms;
    options.retry = {.min_wait = 1ms, .max_wait = 2ms};
    exporter e(options);

    constexpr int bytes = 400;
    int done = 0;
    for (; done < bytes; ++done) {
        app.count(e.push("run"_class(1'000'000 + done), "n"_key = 1));
        if (!e.flush(patience(5s)).is_clean()) {
            break;
        }
    }
    CHECK(done == bytes);
    e.close(patience(1s));
    receiver.stop();
    check_ledger(app, e.stats(), receiver);
    CHECK(numbers_by_context(receiver, "n").size() == bytes);
    CHECK(whole > 0); // the cuts went through all of the request
    CHECK(receiver.repeats() <= whole);
    for (const auto& m : receiver.messages()) {
        CHECK(m.entries_bytes < 400);
    }
}

TEST_CASE("F06 an answer cut at any byte is sent for again, and only that repeats") {
    for (const auto how : {reaction::ending::reset, reaction::ending::close}) {
        CAPTURE(static_cast<int>(how));
        forward_receiver receiver;
        std::size_t cut = 0;
        receiver.on_message([&](const received_message& m, reaction& r) {
            if (!m.is_repeat && cut < r.answer.size()) {
                r.answer.resize(cut++);
                r.then = how;
            }
        });
        receiver.start();
        application app;
        auto options = quick_options(receiver, {.merge = merge_mode::off});
        options.batch.max_records = 1;
        options.retry = {.min_wait = 1ms, .max_wait = 2ms};
        exporter e(options);

        const auto whole = encode_acknowledgement(std::string(24, 'x')).size();
        for (std::uint64_t i = 0; i < whole + 5; ++i) {
            app.count(e.push("run"_class("one"), "n"_key = i));
        }
        CHECK(e.flush(patience(8s)).is_clean());
        e.close(patience(1s));
        receiver.stop();
        check_ledger(app, e.stats(), receiver);
        CHECK(cut == whole);
        CHECK(receiver.repeats() >= whole);
        const auto numbers = numbers_by_context(receiver, "n");
        REQUIRE(numbers.size() == 1);
        CHECK(ascends(numbers.begin()->second));
    }
}

TEST_CASE("D-2.2 a retry brings the same bytes under the same chunk") {
    forward_receiver receiver;
    int seen = 0;
    receiver.on_message([&](const received_message&, reaction& r) {
        if (++seen <= 2) { // a third time, and it would be cut to look for the fault (D-7.6)
            r.answer.clear();
            r.then = reaction::ending::reset;
        }
    });
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    for (int i = 0; i < 50; ++i) {
        app.count(e.push("run"_class(i), "n"_key = i));
    }
    CHECK(e.close(patience(5s)).is_clean());
    check_ledger(app, e.stats(), receiver);
    const auto messages = receiver.messages();
    CHECK(receiver.repeats() >= 1);
    for (const auto& m : messages) {
        if (m.is_repeat) {
            const auto first = std::find_if(messages.begin(), messages.end(), [&](const auto& o) {
                return o.chunk == m.chunk;
            });
            CHECK(first->entries_bytes == m.entries_bytes);
            CHECK(first->events.size() == m.events.size());
        }
    }
}

TEST_CASE("D-1.4 without acknowledgements the log says why a connection ended behind a payload") {
    forward_receiver receiver;
    receiver.on_connection([](std::size_t) {
        manners m;
        m.greeting = "\x92\xa4HELO\x80"; // it wants a shared key, and takes nothing before
        return m;
    });
    receiver.start();
    log_book log;
    auto options = quick_options(receiver, {.ack = false});
    options.log = log.writer();
    exporter e(options);
    const auto loan = e.open_context("loan", "42");
    CHECK(loan.push("n"_key = 1));

    CHECK(wait_until(
        [&] { return log.count("HELO: the receiver wants a shared key") != 0; }, patience(10s)));
    const auto result = e.close(0ms);
    CHECK(result.delivered_unacked + result.dropped == 1); // D-5.5: unless the greeting came first
    CHECK(e.stats().destinations.at(0).last_error.find("HELO") != std::string::npos);
}

TEST_CASE(
    "a peer that speaks another protocol gets nothing delivered, and the log says what it said") {
    struct peer {
        std::string greeting;
        std::string in_log;
    };
    const std::string hello = std::string("\x92\xa4HELO\x82\xa5nonce\xc4\x02xy\xa4"
                                          "auth\xa0");
    const peer peers[] = {
        {hello, "HELO"},
        {"SSH-2.0-OpenSSH_9.2\r\n", "no acknowledgement"},
        {"220 mail ESMTP\r\n", "no acknowledgement"},
        {"\xc1\xc1\xc1", "not MessagePack"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "mona.port must be those of a forward receiver"},
        {std::string("\x15\x03\x03\0\x02\x02\x46", 7), "set mona.use_tls"},
        {std::string(200'000, '\x91'), "answer of"},
    };
    for (const auto& one : peers) {
        CAPTURE(one.in_log);
        forward_receiver receiver;
        receiver.on_connection([&](std::size_t) {
            manners m;
            m.greeting = one.greeting;
            return m;
        });
        receiver.on_message([](const received_message&, reaction& r) {
            r.stores = false;
            r.answer.clear();
        });
        receiver.start();
        application app;
        log_book log;
        auto options = quick_options(receiver);
        options.log = log.writer();
        exporter e(options);
        for (int i = 0; i < 100; ++i) {
            app.count(e.push("run"_class(i), "n"_key = i));
        }

        CHECK(wait_until([&] { return e.stats().destinations[0].retries >= 2; }, patience(5s)));
        const auto stats = e.stats();
        CHECK(stats.is_exact());
        CHECK(stats.destinations[0].delivered == 0);
        CHECK(stats.destinations[0].pending == 100);
        CHECK(log.count(one.in_log) == 1);
        CHECK(stats.destinations[0].last_error.find(one.in_log) != std::string::npos);
        const auto result = e.close(30ms);
        CHECK(result.error == errc::timed_out);
        CHECK(result.dropped == 100);
        check_ledger(app, e.stats(), receiver, {.fields_per_record = 1});
    }
}
}
