// The law of the hot path: after a thread's first push and the first use of a shape, a push locks
// nothing, makes no system call, throws nothing and allocates nothing.
//
// Each way a push can go is taken a million times by a thread of its own, in a process of its own:
// once while what the thread allocates, locks and throws is counted, once under a seccomp filter
// that kills the process at the thread's first system call. So that nobody believes a blind
// detector, each must first see a planted breach.

#include "faults/interpose.hpp"
#include "support/io_brake.hpp"
#include "support/plain_receiver.hpp"

#include <monarc/exporter.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace {

using namespace monarc::literals;
using namespace std::chrono_literals;

constexpr std::uint64_t wanted_pushes = 1'000'000;
constexpr std::string_view order_id = "3f2b8c1e-77aa-4a0c-9d53-0e5a6c1b2d4f"; // 36 bytes
constexpr std::string_view symbol = "MONARC.L";

enum class way {
    handle,
    id,
    optional,
    numbers,
    object,
    run_time_class,
    rejected,
    closed,
    closed_first,
    disabled
};
enum class breach { none, allocates, calls_the_system, locks, throws };

constexpr const char* name_of(way w) {
    switch (w) {
    case way::handle: return "through a handle";
    case way::id: return "id given with the push";
    case way::optional: return "optional values";
    case way::numbers: return "many numbers";
    case way::object: return "an object";
    case way::run_time_class: return "a class known at run time";
    case way::rejected: return "rejected: queue full";
    case way::closed: return "rejected: closed";
    case way::closed_first: return "rejected: closed before the thread's first push";
    case way::disabled: return "switched off";
    }
    return "";
}

// What a child found out, in memory that its parent sees.
struct findings {
    std::atomic<std::uint32_t> stage{0}; ///< the pushing thread: 1 begins to push, 2 is done
    bool is_set_up = false;
    bool has_no_filter = false;
    std::uint64_t pushes = 0;     ///< that went the way they should
    std::uint64_t other_ways = 0; ///< that went another
    faults::calls calls;
    bool is_exact = false;
    char why[160] = "";
};

void relax(int times) noexcept {
    for (int i = 0; i < times; ++i) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        asm volatile("" ::: "memory");
#endif
    }
}

// From here on any system call of this thread kills the process.
bool forbid_system_calls() noexcept {
    sock_filter kill = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    const sock_fprog program{.len = 1, .filter = &kill};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

pthread_mutex_t any_lock = PTHREAD_MUTEX_INITIALIZER;
void* volatile kept = nullptr;

void throw_and_catch() {
    try {
        throw 1;
    } catch (int) { // nothing to do: it was thrown
    }
}

void commit(breach what) {
    switch (what) {
    case breach::none: break;
    case breach::allocates: kept = std::malloc(24); break;
    case breach::calls_the_system: ::syscall(SYS_getpid); break;
    case breach::locks:
        ::pthread_mutex_lock(&any_lock);
        ::pthread_mutex_unlock(&any_lock);
        break;
    case breach::throws: throw_and_catch(); break;
    }
}

const std::array<float, 32> features{0.5f, 0.25f};
const monarc::class_name order("order");

// Of each way the same push twice: its shape, prepared, and itself. All but one have four fields.
bool push(monarc::exporter& to, const monarc::context& loan, way w, std::uint64_t i) noexcept {
    const auto maybe = i % 2 == 0 ? std::optional(0.5) : std::nullopt;
    switch (w) {
    case way::id:
        return to.push(
            "order"_class(order_id), "symbol"_key = symbol, "price"_key = 0.5, "n"_key = i);
    case way::optional:
        return loan.push(
            "age"_key = maybe, "name"_key = std::optional(symbol), "x"_key = 1, "n"_key = i);
    case way::numbers:
        return loan.push(
            "age"_key = 33, "features"_key = std::span(features), "x"_key = 1, "n"_key = i);
    case way::object:
        return loan.push(
            "age"_key = 33,
            "model"_key = monarc::object(
                "name"_key = symbol, "version"_key = 7, "parts"_key = monarc::array(i, maybe)),
            "x"_key = 1,
            "n"_key = i);
    case way::run_time_class:
        return to.push(
            order(order_id), "symbol"_key = symbol, "price"_key = 0.5, "x"_key = 1, "n"_key = i);
    default:
        return loan.push("age"_key = 33, "score"_key = 0.71, "approved"_key = true, "n"_key = i);
    }
}

void prepare(way w) noexcept {
    const std::optional<double> maybe;
    const std::uint64_t n = 0;
    switch (w) {
    case way::id:
        monarc::prepare("order"_class, "symbol"_key = "", "price"_key = 0.0, "n"_key = n);
        break;
    case way::optional:
        monarc::prepare(
            "age"_key = maybe, "name"_key = std::optional(symbol), "x"_key = 1, "n"_key = n);
        break;
    case way::numbers:
        monarc::prepare(
            "age"_key = 33, "features"_key = std::span(features), "x"_key = 1, "n"_key = n);
        break;
    case way::object:
        monarc::prepare(
            "age"_key = 33,
            "model"_key = monarc::object(
                "name"_key = symbol, "version"_key = 7, "parts"_key = monarc::array(n, maybe)),
            "x"_key = 1,
            "n"_key = n);
        break;
    case way::run_time_class:
        monarc::prepare("symbol"_key = symbol, "price"_key = 0.5, "x"_key = 1, "n"_key = n);
        break;
    default: monarc::prepare("age"_key = 0, "score"_key = 0.0, "approved"_key = true, "n"_key = n);
    }
}

constexpr bool is_to_be_accepted(way w) noexcept {
    return w < way::rejected;
}

// The child's only exporter and the thread that pushes to it.
struct trial {
    way how;
    breach planted;
    bool is_filtered;
    findings& found;

    std::atomic<bool> may_start{false};
    std::atomic<bool> is_warm{false};
    support::io_brake brake{};
    std::atomic<std::uint64_t> accepted{0}; ///< by the application's count
    std::atomic<std::uint64_t> rejected{0};

    void push_all(monarc::exporter& to, const monarc::context& loan) noexcept;
    void run(std::uint16_t port, const support::plain_receiver* receiver);
    void fill_share(const monarc::context& loan) noexcept;
};

void trial::push_all(monarc::exporter& to, const monarc::context& loan) noexcept {
    prepare(how);
    found.is_set_up = how == way::closed_first || to.warm_up();
    is_warm = true;
    while (!may_start) {
        std::this_thread::sleep_for(100us);
    }
    if (how == way::rejected) {
        fill_share(loan);
    }
    if (how == way::closed_first) {
        rejected += push(to, loan, how, 0) ? 0 : 1;
    }
    if (is_filtered && !forbid_system_calls()) {
        found.has_no_filter = true;
        is_filtered = false;
    }
    const bool shall_be_accepted = is_to_be_accepted(how);
    std::uint64_t right = 0;
    std::uint64_t wrong = 0;
    found.stage = 1;
    faults::calls_of_thread = {};
    while (right < wanted_pushes && wrong < 1'000 * wanted_pushes) {
        if (push(to, loan, how, right) == shall_be_accepted) {
            if (++right == wanted_pushes / 2) {
                commit(planted);
            }
        } else {
            ++wrong;
            relax(1000);
        }
    }
    found.calls = faults::calls_of_thread;
    found.pushes = right;
    found.other_ways = wrong;
    if (how != way::disabled) {
        (shall_be_accepted ? accepted : rejected) += right;
        (shall_be_accepted ? rejected : accepted) += wrong;
    }
    found.stage = 2;
    while (is_filtered) {
        relax(1000); // it may not even end
    }
}

// Until the first is refused, while nobody takes anything.
void trial::fill_share(const monarc::context& loan) noexcept {
    while (loan.push(
        "age"_key = 33, "score"_key = 0.71, "approved"_key = true, "n"_key = std::uint64_t{0})) {
        ++accepted;
    }
    ++rejected;
}

void trial::run(std::uint16_t port, const support::plain_receiver* receiver) {
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = port},
         .batch = {.max_delay = 1ms},
         .log = brake.log()});
    const auto loan = exporter.open_context("loan", "42");
    std::thread pusher([&] { push_all(exporter, loan); });
    while (!is_warm) {
        std::this_thread::sleep_for(1ms);
    }
    if (how == way::rejected) { // nobody listens there: the I/O thread says so, and gets no further
        brake.pull([&] { accepted += loan.push("n"_key = 1) ? 1 : 0; });
    } else if (how == way::closed || how == way::closed_first) {
        exporter.close(5s);
    } else if (how == way::disabled) {
        exporter.set_enabled(false);
    }
    may_start = true;
    while (found.stage != 2) {
        std::this_thread::sleep_for(1ms);
    }
    brake.release();
    const auto result = exporter.close(how == way::rejected ? 0s : 20s);
    const auto stats = exporter.stats();
    found.is_exact =
        stats.is_exact() && stats.accepted == accepted && stats.rejected.total() == rejected;
    if (receiver != nullptr) {
        const std::uint64_t fields_per_push = how == way::id ? 3 : 4;
        found.is_exact = found.is_exact && result.is_clean() &&
                         receiver->seen().fields == fields_per_push * accepted;
    }
    std::snprintf(
        found.why,
        sizeof found.why,
        "accepted %" PRIu64 ", counted %" PRIu64 "; rejected %" PRIu64 ", counted %" PRIu64,
        accepted.load(),
        stats.accepted,
        rejected.load(),
        stats.rejected.total());
    ::_exit(0); // with the filter the pushing thread cannot end, so nothing here may wait for it
}

struct ended {
    findings* found;
    int status;
};

ended try_out(way how, breach planted, bool is_filtered) {
    void* const shared = ::mmap(
        nullptr, sizeof(findings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        std::perror("mmap");
        std::_Exit(3);
    }
    auto* const found = new (shared) findings;
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(120);
        std::optional<support::plain_receiver> receiver;
        if (how != way::rejected) {
            receiver.emplace();
        }
        trial one{.how = how, .planted = planted, .is_filtered = is_filtered, .found = *found};
        one.run(
            receiver ? receiver->port() : support::deaf_port(), receiver ? &*receiver : nullptr);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return {found, status};
}

bool was_killed_by_filter(const ended& e) {
    return WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGSYS && e.found->stage == 1;
}
bool went_through(const ended& e) {
    return WIFEXITED(e.status) && WEXITSTATUS(e.status) == 0 && e.found->is_set_up &&
           e.found->stage == 2 && e.found->pushes == wanted_pushes;
}

struct tally {
    int passed = 0;
    int failed = 0;
    int skipped = 0;

    void check(bool holds, const std::string& name, const std::string& figures) {
        ++(holds ? passed : failed);
        std::printf("%s %s: %s\n", holds ? "ok  " : "FAIL", name.c_str(), figures.c_str());
        std::fflush(stdout);
    }
    void skip(const std::string& name, const std::string& reason) {
        ++skipped;
        std::printf("SKIP %s: %s\n", name.c_str(), reason.c_str());
    }
};

std::string text_of(const ended& e) {
    if (WIFSIGNALED(e.status)) {
        return "killed by signal " + std::to_string(WTERMSIG(e.status)) + ", stage " +
               std::to_string(e.found->stage);
    }
    return std::to_string(e.found->pushes) + " pushes, " + std::to_string(e.found->other_ways) +
           " went another way, exit code " + std::to_string(WEXITSTATUS(e.status));
}

void check_detectors(tally& t) {
    const auto allocates = try_out(way::handle, breach::allocates, false);
    t.check(
        went_through(allocates) && allocates.found->calls.allocations == 1,
        "detector: a planted malloc is counted",
        std::to_string(allocates.found->calls.allocations));
    const auto locks = try_out(way::handle, breach::locks, false);
    t.check(
        went_through(locks) && locks.found->calls.locks == 1,
        "detector: a planted mutex lock is counted",
        std::to_string(locks.found->calls.locks));
    const auto throws = try_out(way::handle, breach::throws, false);
    t.check(
        went_through(throws) && throws.found->calls.throws == 1,
        "detector: a planted throw is counted",
        std::to_string(throws.found->calls.throws));
    const auto calls = try_out(way::handle, breach::calls_the_system, true);
    if (calls.found->has_no_filter) {
        t.skip("detector: a planted getpid kills", "seccomp filters are not allowed here");
        return;
    }
    t.check(
        was_killed_by_filter(calls),
        "detector: a planted getpid kills the process",
        text_of(calls));
}

void check_way(tally& t, way how) {
    const std::string name = name_of(how);
    const auto counted = try_out(how, breach::none, false);
    const auto& calls = counted.found->calls;
    const bool is_done = went_through(counted);
    const auto figures = text_of(counted);
    const auto seen = [&](std::uint64_t count) { return std::to_string(count) + " in " + figures; };
    t.check(
        is_done && calls.allocations == 0, name + ": allocates nothing", seen(calls.allocations));
    t.check(is_done && calls.locks == 0, name + ": locks nothing", seen(calls.locks));
    t.check(is_done && calls.throws == 0, name + ": throws nothing", seen(calls.throws));
    t.check(is_done && counted.found->is_exact, name + ": ledger", counted.found->why);

    const auto filtered = try_out(how, breach::none, true);
    if (filtered.found->has_no_filter) {
        t.skip(name + ": no system call", "seccomp filters are not allowed here");
        return;
    }
    t.check(went_through(filtered), name + ": no system call", text_of(filtered));
    t.check(
        went_through(filtered) && filtered.found->is_exact,
        name + ": ledger under the filter",
        filtered.found->why);
}

} // namespace

int main() {
    tally t;
    check_detectors(t);
    for (const auto how :
         {way::handle,
          way::id,
          way::optional,
          way::numbers,
          way::object,
          way::run_time_class,
          way::rejected,
          way::closed,
          way::closed_first,
          way::disabled}) {
        check_way(t, how);
    }
    std::printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped);
    return t.failed == 0 ? 0 : 1;
}
