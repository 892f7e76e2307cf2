// The exporter of the process: one program, since it can be started once.

#include "support/scoped_environment.hpp"
#include "support/temporary_folder.hpp"
#include "support/three_counts.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

// Looks, after main and after what start_from_env has registered, at what became of it all.
struct witness {
    ~witness() {
        if (!receiver) {
            return;
        }
        auto& e = process_exporter();
        const bool was_delivered = receiver->fields() == expected_fields;
        const bool is_refused =
            !e.push("run"_class("late"), "n"_key = 1) && !handle->push("n"_key = 1);
        const bool is_counted = e.stats().rejected[reason::closed] == 2 && e.stats().is_exact();
        if (!was_delivered || !is_refused || !is_counted) {
            std::fprintf(
                stderr,
                "after exit: delivered %d, refused %d, counted %d\n",
                was_delivered,
                is_refused,
                is_counted);
            ::_exit(1);
        }
    }
    std::unique_ptr<forward_receiver> receiver;
    std::unique_ptr<context> handle;
    std::uint64_t expected_fields = 0;
};
witness after_exit;

} // namespace

TEST_SUITE("integration/process_exporter") {
TEST_CASE("before the start it is inert: pushes return false and count nowhere") {
    auto& e = process_exporter();
    auto handle = e.open_context("run", "one");

    CHECK_FALSE(e.is_enabled());
    CHECK_FALSE(e.push("run"_class("one"), "n"_key = 1));
    CHECK_FALSE(handle.push("n"_key = 1));
    CHECK(e.stats().pushed == 0);
    CHECK(e.flush(1s).error == errc::closed);
    CHECK(e.close(1s).error == errc::closed);
    CHECK(&process_exporter() == &e);
}

TEST_CASE("a start that fails throws and leaves it inert; the next one tries again") {
    const scoped_environment environment(variables{{"MONARC_MAX_CONTEXTS", "none"}});

    CHECK_THROWS_WITH_AS(
        start_from_env(),
        "MONARC_MAX_CONTEXTS: max_contexts must be a whole number, 1..2147483648, got \"none\": "
        "bad "
        "options",
        std::system_error);

    CHECK_FALSE(process_exporter().push("run"_class("one"), "n"_key = 1));
}

TEST_CASE("from file and environment it starts once, whoever asks first, and closes at exit") {
    const auto limit = patience(5s);
    auto receiver = std::make_unique<forward_receiver>();
    receiver->start();
    const temporary_folder folder;
    const auto file = folder.write(
        "monarc.toml", "[mona]\nkind = 'forward'\nport = 1\n[batch]\nmax_delay = '1h'");
    const scoped_environment environment(variables{
        {"MONARC_CONFIG", file}, {"MONARC_MONA__PORT", std::to_string(receiver->port())}});
    auto& inert = process_exporter();

    std::vector<exporter*> seen(8);
    std::vector<std::thread> threads;
    for (auto& each : seen) {
        threads.emplace_back([&each] { each = &start_from_env(); });
    }
    for (auto& thread : threads) {
        thread.join();
    }

    auto& e = process_exporter();
    CHECK(std::set<exporter*>(seen.begin(), seen.end()) == std::set{&e});
    CHECK(&inert != &e);
    CHECK_FALSE(inert.push("run"_class("one"), "n"_key = 1));
    application app;
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(e.flush(limit).is_clean());
    CHECK(receiver->fields() == 1);

    after_exit.handle = std::make_unique<context>(e.open_context("run", "two"));
    app.count(after_exit.handle->push("n"_key = 2)); // in a batch that only the close at exit seals
    CHECK(e.stats().is_exact());
    CHECK(e.stats().pushed == 2);
    after_exit.expected_fields = 2;
    after_exit.receiver = std::move(receiver);
}
}
