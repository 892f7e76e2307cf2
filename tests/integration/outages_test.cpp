// The receiver is not there, goes away, comes back: with acknowledgements nothing is lost.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

// Each number once and in order in each context, whatever was repeated.
void check_order(const forward_receiver& receiver, std::size_t contexts, std::size_t each) {
    const auto numbers = numbers_by_context(receiver, "n");
    CHECK(numbers.size() == contexts);
    for (const auto& [id, found] : numbers) {
        CAPTURE(id);
        CHECK(found.size() == each);
        CHECK(ascends(found));
    }
}

} // namespace

TEST_SUITE("integration/outages") {
TEST_CASE("F01 a receiver that is absent at the start gets everything once it is there") {
    for (const bool ack : {true, false}) {
        CAPTURE(ack);
        forward_receiver receiver;
        application app;
        auto options = quick_options(receiver, {.ack = ack, .merge = merge_mode::off});
        options.batch.max_records = 10;
        exporter e(options);

        for (std::uint64_t i = 0; i < 1000; ++i) {
            app.count(e.push("run"_class(i % 10), "n"_key = i / 10));
        }
        CHECK(wait_until([&] { return e.stats().destinations[0].retries >= 3; }, patience(5s)));
        const auto waiting = e.stats();
        CHECK(waiting.is_exact());
        CHECK(waiting.destinations[0].pending == 1000);
        CHECK(waiting.destinations[0].state == health::down);
        CHECK(waiting.destinations[0].last_error.find("refused") != std::string::npos);
        receiver.start();

        CHECK(e.flush(patience(10s)).is_clean());
        CHECK(receiver.wait_for_fields(1000, patience(5s)));
        CHECK(e.stats().destinations[0].state == health::ok);
        e.close(patience(1s));
        check_ledger(app, e.stats(), receiver);
        check_order(receiver, 10, 100);
        CHECK(receiver.repeats() == 0);
        CHECK(receiver.connections() == 1);
    }
}

TEST_CASE(
    "F06 a receiver that is killed and comes back again and again loses and reorders nothing") {
    for (const auto merge : {merge_mode::off, merge_mode::disjoint}) {
        CAPTURE(static_cast<int>(merge));
        forward_receiver receiver;
        receiver.start();
        application app;
        auto options = quick_options(receiver, {.merge = merge});
        options.batch.max_records = 7;
        exporter e(options);

        const auto each = static_cast<std::uint64_t>(rounds(3000));
        constexpr std::uint64_t contexts = 5;
        std::thread producer([&] {
            for (std::uint64_t i = 0; i < each; ++i) {
                for (std::uint64_t c = 0; c < contexts; ++c) {
                    while (!app.count(e.push("run"_class(c), "n"_key = i))) {
                        std::this_thread::sleep_for(1ms);
                    }
                }
                if (i % 20 == 0) {
                    std::this_thread::sleep_for(1ms);
                }
            }
        });
        const auto delivered = [&] { return e.stats().destinations[0].delivered; };
        for (int i = 0; i < 8; ++i) {
            // A busy machine may leave the exporter without a turn for long: each time of grace is
            // to be used.
            const auto before = delivered();
            wait_until([&] { return delivered() > before; }, patience(500ms));
            std::this_thread::sleep_for(5ms);
            receiver.stop();
            std::this_thread::sleep_for(10ms);
            receiver.start();
        }
        producer.join();

        CHECK(e.flush(patience(15s)).is_clean());
        e.close(patience(1s));
        const auto stats = e.stats();
        check_ledger(app, stats, receiver);
        check_order(receiver, contexts, each);
        CHECK(stats.destinations[0].connections >= 2);
    }
}

TEST_CASE("D-2.4 what waits behind a connection that breaks does not overtake what was on it") {
    for (const bool ack : {true, false}) {
        CAPTURE(ack);
        forward_receiver receiver;
        // The first connection reads slowly and is reset in the middle, so that the payloads behind
        // wait for their turn to be written.
        receiver.on_connection([](std::size_t number) {
            manners m;
            if (number == 1) {
                m = {.reset_after = 128 * 1024, .read_bytes = 16 * 1024, .read_pause = 5ms};
                m.receive_buffer = 8 * 1024;
            }
            return m;
        });
        receiver.start();
        application app;
        auto options =
            quick_options(receiver, {.gzip = false, .ack = ack, .merge = merge_mode::off});
        options.batch = {.max_records = 1000, .max_bytes = 5 << 20, .max_delay = 1s};
        options.queue.capacity = 65'536;
        exporter e(options);

        const std::string text(2200, 'x');
        constexpr std::uint64_t records = 8000;
        for (std::uint64_t i = 0; i < records; ++i) {
            while (!app.count(
                e.push("run"_class("one"), "n"_key = i, "t"_key = std::string_view(text)), 2)) {
                std::this_thread::sleep_for(1ms);
            }
        }
        CHECK(e.flush(patience(20s)).error == std::error_code());
        e.close(patience(1s));

        const auto numbers = numbers_by_context(receiver, "n");
        REQUIRE(numbers.size() == 1);
        CHECK(ascends(numbers.begin()->second, !ack));
        const auto stats = e.stats();
        if (ack) {
            check_ledger(app, stats, receiver);
        } else { // at most once: what the kernel had taken on the first connection may be gone
            CHECK(stats.is_exact());
            CHECK(stats.destinations[0].delivered_unacked == app.accepted());
            CHECK(receiver.fields() <= app.fields());
        }
    }
}

TEST_CASE("D-6.1 after a failure one payload is tried, not each that was ready") {
    forward_receiver receiver;
    receiver.on_connection([](std::size_t) { return manners{.reset_at_once = true}; });
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::off});
    options.batch.max_records = 1;
    options.retry = {.min_wait = 40ms, .max_wait = 40ms};
    exporter e(options);

    for (std::uint64_t i = 0; i < 50; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i));
    }
    const auto begin = steady::now();
    CHECK(receiver.wait_for_connections(6, patience(5s)));
    // Never less than 20 ms between two.
    CHECK(receiver.connections() <= static_cast<std::size_t>(since(begin) / 20ms) + 2);
    e.close(0ms);
    check_ledger(app, e.stats(), receiver, {.fields_per_record = 1});
}

TEST_CASE("a receiver that reads slowly gets everything") {
    forward_receiver receiver;
    receiver.on_connection([](std::size_t) {
        manners m{.read_bytes = 16 * 1024, .read_pause = 2ms};
        m.receive_buffer = 64 * 1024;
        return m;
    });
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.gzip = false});
    options.response_timeout = 60s;
    exporter e(options);
    const std::string text(1000, 'y');
    for (std::uint64_t i = 0; i < 1000; ++i) {
        app.count(e.push("run"_class(i % 3), "n"_key = i, "t"_key = std::string_view(text)), 2);
    }
    CHECK(e.flush(patience(20s)).is_clean());
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver, {.fields_per_record = 2});
    CHECK(receiver.repeats() == 0);
    CHECK(receiver.connections() == 1);
}
}
