// What the log says, and how often.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view advice =
    "if this receiver never acknowledges, set mona.ack = off"; // D-5.3

} // namespace

TEST_SUITE("integration/log") {
TEST_CASE("D-5.3 that acknowledgements are missing is said once, with what to do about it") {
    for (const bool refuses_first : {false, true}) {
        CAPTURE(refuses_first);
        forward_receiver receiver;
        receiver.on_message([](const received_message&, reaction& r) { r.answer.clear(); });
        application app;
        log_book log;
        auto options = quick_options(receiver);
        options.log = log.writer();
        if (!refuses_first) {
            receiver.start();
        }
        exporter e(options);
        app.count(e.push("run"_class("one"), "n"_key = 1));
        if (refuses_first) {
            CHECK(wait_until([&] { return log.count("refused") == 1; }, patience(5s)));
            receiver.start();
        }
        CHECK(receiver.wait_for_messages(3, patience(10s)));
        CHECK(log.count(advice) == 1);
        CHECK(log.count("no acknowledgement from 127.0.0.1:") == 1);
        CHECK(e.stats().destinations[0].last_error.find("no acknowledgement") != std::string::npos);
        e.close(0ms);
        check_ledger(app, e.stats(), receiver, {.fields_per_record = 1, .answers_were_lost = true});
    }
}

TEST_CASE("D-1.4 a failure that repeats is logged when it starts and when it ends, each time") {
    forward_receiver receiver;
    application app;
    log_book log;
    auto options = quick_options(receiver);
    options.log = log.writer();
    exporter e(options);
    for (std::size_t outage = 1; outage <= 3; ++outage) {
        app.count(e.push("run"_class("one"), "n"_key = outage));
        const auto retries = e.stats().destinations[0].retries;
        CHECK(wait_until(
            [&] { return e.stats().destinations[0].retries >= retries + 4; }, patience(5s)));
        CHECK(log.count("refused") == outage);
        receiver.start();
        CHECK(e.flush(patience(5s)).is_clean());
        CHECK(wait_until([&] { return log.count("delivering again") == outage; }, patience(1s)));
        receiver.stop();
    }
    for (const auto& line : log.lines()) {
        if (line.text.find("refused") != std::string::npos) {
            CHECK(line.level == log_level::warning);
            CHECK(line.text.starts_with("mona_forward: "));
        }
    }
    e.close(0ms);
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("an exception that leaves the callback is counted and stops nothing") {
    forward_receiver receiver;
    application app;
    auto options = quick_options(receiver);
    std::atomic<int> lines = 0;
    options.log = [&](const log_line&) {
        ++lines;
        throw std::runtime_error("from the callback");
    };
    exporter e(options);
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(wait_until([&] { return e.stats().destinations[0].retries >= 2; }, patience(5s)));
    receiver.start();
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    const auto stats = e.stats();
    CHECK(stats.callback_exceptions >= 2);
    CHECK(stats.callback_exceptions == static_cast<std::uint64_t>(lines));
    check_ledger(app, stats, receiver);
}
}
