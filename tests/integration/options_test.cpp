// What the constructors refuse, and an exporter that is off or has nowhere to send to.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

TEST_SUITE("integration/options") {
TEST_CASE(
    "a bad option is refused with a text that names it; the other constructor gives the code") {
    using change = std::function<void(exporter_options&)>;
    const auto forward = [](std::function<void(mona_forward_options&)> set) -> change {
        return [set](exporter_options& o) { set(o.mona.emplace<mona_forward_options>()); };
    };
    const std::vector<std::pair<std::string, change>> bad{
        {"mona.host", forward([](auto& o) { o.host = ""; })},
        {"mona.host", forward([](auto& o) { o.host = std::string("a\0b", 3); })},
        {"mona.port", forward([](auto& o) { o.port = 0; })},
        {"mona.user_id", forward([](auto& o) { o.user_id = std::string(1025, 'x'); })},
        {"queue.capacity", [](auto& o) { o.queue.capacity = 0; }},
        {"queue.capacity", [](auto& o) { o.queue.capacity = 300; }},
        {"queue.capacity", [](auto& o) { o.queue.capacity = std::size_t{1} << 25; }},
        {"batch.max_records", [](auto& o) { o.batch.max_records = 0; }},
        {"batch.max_records", [](auto& o) { o.batch.max_records = 1001; }},
        {"batch.max_bytes", [](auto& o) { o.batch.max_bytes = 100; }},
        {"batch.max_bytes", [](auto& o) { o.batch.max_bytes = 6 << 20; }},
        {"batch.max_delay", [](auto& o) { o.batch.max_delay = 0ms; }},
        {"batch.max_delay", [](auto& o) { o.batch.max_delay = 2h; }},
        {"retry.min_wait", [](auto& o) { o.retry.min_wait = 0ms; }},
        {"retry.max_wait", [](auto& o) { o.retry.max_wait = 1ms; }},
        {"retry.max_age", [](auto& o) { o.retry.max_age = 1ms; }},
        {"retry.max_age", [](auto& o) { o.retry.max_age = -1ms; }},
        {"memory_limit", [](auto& o) { o.memory_limit = 0; }},
        {"memory_limit", [](auto& o) { o.memory_limit = 20 << 20; }},
        {"max_contexts", [](auto& o) { o.max_contexts = 0; }},
        {"response_timeout", [](auto& o) { o.response_timeout = 10ms; }},
        {"response_timeout", [](auto& o) { o.response_timeout = 11min; }},
        {"close_timeout", [](auto& o) { o.close_timeout = -1ms; }},
    };
    for (const auto& [name, set] : bad) {
        CAPTURE(name);
        exporter_options options;
        set(options);
        std::string text;
        std::error_code code;
        try {
            exporter e(options);
        } catch (const std::system_error& error) {
            text = error.what();
            code = error.code();
        }
        CHECK(text.starts_with(name));
        CHECK(code == errc::bad_options);

        std::error_code given;
        exporter shut(options, given);
        CHECK(given == errc::bad_options);
        CHECK_FALSE(shut.push("run"_class("one"), "n"_key = 1));
        auto handle = shut.open_context("run", "one");
        CHECK_FALSE(handle.push("n"_key = 1));
        record fields;
        fields.add(key("n"), 1);
        CHECK_FALSE(shut.push("run"_class("one"), fields));
        CHECK_FALSE(shut.warm_up());
        CHECK(shut.flush(1s).error == errc::closed);
        CHECK(shut.close(1s).error == errc::closed);
        CHECK(shut.stats().pushed == 0);
        shut.retry_now();
        shut.set_enabled(true);
        CHECK_FALSE(shut.push("run"_class("one"), "n"_key = 1));
    }
}

TEST_CASE("the constructor with an error code clears it and starts") {
    forward_receiver receiver;
    receiver.start();
    application app;
    std::error_code code = errc::bad_data;
    exporter e(quick_options(receiver), code);
    CHECK_FALSE(code);
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(e.close(patience(5s)).is_clean());
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("while it is off pushes return false and count nowhere; what came before is delivered") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver);
    options.enabled = false;
    exporter e(options);
    auto handle = e.open_context("run", "handle");
    record fields;
    fields.add(key("n"), 1);
    const auto all_refuse = [&] {
        CHECK_FALSE(e.push("run"_class("one"), "n"_key = 1));
        CHECK_FALSE(e.push("run"_class("one"), fields));
        CHECK_FALSE(handle.push("n"_key = 1));
        CHECK_FALSE(handle.push(fields));
        CHECK_FALSE(handle.at({}).push("n"_key = 1));
        CHECK_FALSE(handle.at({}).push(fields));
    };
    CHECK_FALSE(e.is_enabled());
    all_refuse();
    CHECK(e.stats().pushed == 0);

    e.set_enabled(true);
    app.count(e.push("run"_class("one"), "n"_key = 1));
    app.count(e.push("run"_class("one"), fields));
    app.count(handle.push("n"_key = 1));
    app.count(handle.push(fields));
    e.set_enabled(false);
    all_refuse();
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
    CHECK(receiver.fields() == 4);
}

TEST_CASE("without a destination each push is rejected(no_destination), and closing is at once") {
    exporter e(exporter_options{.queue = {.capacity = 256}, .log = [](const log_line&) {}});
    auto handle = e.open_context("run", "one");
    CHECK_FALSE(e.push("run"_class("one"), "n"_key = 1));
    CHECK_FALSE(handle.push("n"_key = 1));
    CHECK(e.flush(1s).is_clean());
    CHECK(e.close(1s).is_clean());
    CHECK_FALSE(e.push("run"_class("one"), "n"_key = 1));
    const auto stats = e.stats();
    CHECK(stats.is_exact());
    CHECK(stats.pushed == 3);
    CHECK(stats.rejected[reason::no_destination] == 2);
    CHECK(stats.rejected[reason::closed] == 1);
    CHECK(stats.destinations.empty());
}

TEST_CASE("io_thread names the thread, binds it to a processor and makes it nicer") {
    cpu_set_t allowed;
    REQUIRE(::sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    int cpu = 0;
    while (!CPU_ISSET(static_cast<unsigned>(cpu), &allowed)) {
        ++cpu;
    }
    const int nice = std::min(::getpriority(PRIO_PROCESS, 0) + 3, 19);
    std::atomic<pid_t> thread{0}; // the one that logs
    std::atomic<int> warnings{0};
    {
        exporter e(exporter_options{
            .io_thread = {.name = "orders-io", .cpu = cpu, .priority = nice},
            .log = [&](const log_line& line) {
                thread = ::gettid();
                warnings += line.level >= log_level::warning ? 1 : 0;
            }});
        while (thread == 0) {
            std::this_thread::yield();
        }
        std::string name;
        std::getline(std::ifstream("/proc/self/task/" + std::to_string(thread) + "/comm"), name);
        cpu_set_t only;
        REQUIRE(::sched_getaffinity(thread, sizeof only, &only) == 0);

        CHECK(name == "orders-io");
        CHECK(CPU_COUNT(&only) == 1);
        CHECK(CPU_ISSET(static_cast<unsigned>(cpu), &only));
        CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(thread.load())) == nice);
    }
    CHECK(warnings == 0);
}

TEST_CASE("a processor that is not there is warned about; records arrive all the same") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver);
    options.io_thread.cpu = 1023;
    std::vector<std::string> warnings;
    options.log = [&](const log_line& line) {
        if (line.level == log_level::warning) {
            warnings.emplace_back(line.text);
        }
    };
    exporter e(options);
    app.count(e.push("run"_class("one"), "n"_key = 1));

    CHECK(e.close(patience(5s)).is_clean());
    check_ledger(app, e.stats(), receiver);
    REQUIRE(warnings.size() == 1);
    CHECK(
        warnings[0] == "io_loop: io_thread.cpu = 1023: Invalid argument; it runs on any processor");
}
}
