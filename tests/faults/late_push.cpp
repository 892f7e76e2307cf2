// Pushes from everywhere a program may still push when it ends: destructors of static objects and
// of thread_local ones, atexit handlers; to an exporter that is open and to one that is closed. The
// very first object is destroyed last: there the ledger is checked (F44, D-9.5).

#include "support/plain_receiver.hpp"

#include <monarc/exporter.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

using namespace monarc::literals;
using namespace std::chrono_literals;

int passed = 0;
int failed = 0;

void check(bool holds, const char* what) {
    ++(holds ? passed : failed);
    std::printf("%s %s\n", holds ? "ok  " : "FAIL", what);
}

// Never destroyed, so that whatever runs last can use them.
struct both {
    support::plain_receiver receiver;
    monarc::exporter open{
        {.mona = monarc::mona_forward_options{.port = receiver.port()},
         .batch = {.max_delay = 5ms}}};
    monarc::exporter closed{{.mona = monarc::mona_forward_options{.port = receiver.port()}}};
    monarc::context open_loan = open.open_context("loan", "open");
    monarc::context closed_loan = closed.open_context("loan", "closed");
    std::uint64_t accepted = 0; ///< by `open`; pushes never happen at the same time
    std::uint64_t refused = 0;  ///< by `closed`
};
both* all = nullptr;

void push_late(const char* where) {
    for (std::uint64_t i = 0; i < 100; ++i) {
        if (all->open_loan.push("n"_key = i) && all->open.push("order"_class("7"), "n"_key = i)) {
            all->accepted += 2;
        }
        if (!all->closed_loan.push("n"_key = i) &&
            !all->closed.push("order"_class("7"), "n"_key = i)) {
            all->refused += 2;
        }
    }
    static int places = 0;
    ++places;
    const auto expected = 200u * static_cast<unsigned>(places);
    check(all->accepted == expected, (std::string("open: accepted from ") + where).c_str());
    check(all->refused == expected, (std::string("closed: refused from ") + where).c_str());
}

struct pushes_when_destroyed {
    const char* where;

    explicit pushes_when_destroyed(const char* w) : where(w) {}
    pushes_when_destroyed(const pushes_when_destroyed&) = delete;
    pushes_when_destroyed& operator=(const pushes_when_destroyed&) = delete;
    ~pushes_when_destroyed() { push_late(where); }
    void touch() {}
};

void check_ledger() {
    const auto result = all->open.close(10s);
    const auto open = all->open.stats();
    const auto closed = all->closed.stats();
    check(result.is_clean() && result.delivered == all->accepted, "open: all of it is delivered");
    check(
        open.is_exact() && open.accepted == all->accepted && open.rejected.total() == 0,
        "open: ledger");
    check(all->receiver.seen().fields == all->accepted, "open: the receiver got what was accepted");
    check(
        closed.is_exact() && closed.accepted == 0 &&
            closed.rejected[monarc::reason::closed] == all->refused,
        "closed: ledger");
    check(!all->open_loan.push("n"_key = 1), "after close: refused");
    const auto late = all->open.stats();
    check(late.is_exact() && late.rejected[monarc::reason::closed] == 1, "after close: counted");
}

// Destroyed after everything else of this program.
struct ends_the_program {
    ends_the_program() = default;
    ends_the_program(const ends_the_program&) = delete;
    ends_the_program& operator=(const ends_the_program&) = delete;
    ~ends_the_program() {
        check_ledger();
        std::printf("%d passed, %d failed\n", passed, failed);
        std::fflush(stdout);
        std::_Exit(failed == 0 ? 0 : 1);
    }
};

ends_the_program last;
pushes_when_destroyed before_the_exporter("a static object older than the exporter");
thread_local pushes_when_destroyed older("a thread_local older than the thread's first push");
thread_local pushes_when_destroyed younger("a thread_local younger than the thread's first push");

void push_and_end() {
    older.touch();
    push_late("a thread");
    younger.touch();
}

} // namespace

int main() {
    all = new both;
    all->closed.close(5s);
    static pushes_when_destroyed after_the_exporter("a static object younger than the exporter");
    std::atexit([] { push_late("atexit"); });

    std::thread(push_and_end).join();
    push_and_end(); // and the same on the main thread, whose thread_local objects end at exit
    return 0;
}
