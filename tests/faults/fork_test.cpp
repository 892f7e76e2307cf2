#include "support/forked_child.hpp"
#include "support/io_brake.hpp"
#include "support/ledger.hpp"
#include "support/plain_receiver.hpp"
#include "support/sanitizer.hpp"

#include <monarc/error.hpp>
#include <monarc/exporter.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

using namespace monarc::literals;
using namespace std::chrono_literals;
using support::in_child;

namespace {

using steady = std::chrono::steady_clock;

constexpr std::uint64_t not_too_many = 3'000'000;

// An exporter with a thread that keeps it sending.
struct busy_exporter {
    support::plain_receiver receiver;
    std::optional<monarc::exporter> exporter;
    std::optional<monarc::context> loan;
    support::push_counts pushes;
    std::atomic<bool> shall_end{false};
    std::thread producer;

    busy_exporter() {
        exporter.emplace(monarc::exporter_options{
            .mona = monarc::mona_forward_options{.port = receiver.port()},
            .batch = {.max_delay = 2ms}});
        loan.emplace(exporter->open_context("loan", "42"));
        pushes(loan->push("n"_key = 0)); // this thread, too, has its part of the queue
        producer = std::thread([this] {
            for (std::uint64_t i = 0; i < not_too_many && !shall_end; ++i) {
                const bool is_accepted = pushes(loan->push("n"_key = i));
                if (!is_accepted || i % 64 == 0) {
                    std::this_thread::sleep_for(100us);
                }
            }
        });
        while (receiver.seen().messages < 5) {
            std::this_thread::sleep_for(1ms);
        }
    }

    // The parent must not notice anything.
    void end_and_check(std::uint64_t foreign_connections, std::uint64_t foreign_fields) {
        shall_end = true;
        producer.join();
        const auto result = exporter->close(20s);
        CHECK(result.is_clean());
        const auto seen = receiver.seen();
        CHECK(seen.repeated == 0);
        CHECK(seen.resets == 0);
        CHECK(seen.malformed == 0);
        CHECK(seen.connections == 1 + foreign_connections);
        const auto stats = exporter->stats();
        CHECK(stats.destinations.at(0).retries == 0);
        CHECK(stats.rejected.total() == stats.rejected[monarc::reason::queue_full]);
        support::check_ledger(stats, pushes, seen.fields - foreign_fields);
    }
};

// Sockets of this process that are connected to a port.
int connected_to(std::uint16_t port) {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_in peer{};
        socklen_t bytes = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &bytes) == 0 &&
            ntohs(peer.sin_port) == port) {
            ++count;
        }
    }
    return count;
}

[[noreturn]] void end_child(int code) {
    if (support::is_address_sanitized) {
        ::_exit(code); // the leak check at exit stops the child's threads, which are not there
    }
    std::exit(code);
}

void be_inert(busy_exporter& parent, bool shall_destroy) {
    auto& exporter = *parent.exporter;
    const auto begin = steady::now();
    if (parent.loan->push("n"_key = 1) || exporter.push("order"_class("7"), "n"_key = 1)) {
        end_child(10);
    }
    if (exporter.warm_up()) {
        end_child(11);
    }
    if (exporter.flush(10s).error != monarc::errc::closed) {
        end_child(12);
    }
    if (exporter.close(10s).error != monarc::errc::closed) {
        end_child(13);
    }
    if (connected_to(parent.receiver.port()) != 0) {
        end_child(14);
    }
    exporter.stats();
    exporter.retry_now();
    parent.loan->close();
    if (shall_destroy) {
        parent.loan.reset();
        parent.exporter.reset();
    }
    if (steady::now() - begin > (support::is_sanitized ? 10s : 1s)) {
        end_child(15);
    }
    end_child(0);
}

void be_restarted(const busy_exporter& parent) {
    support::push_counts pushes;
    monarc::exporter mine({.mona = monarc::mona_forward_options{.port = parent.receiver.port()}});
    const auto loan = mine.open_context("loan", "child");
    for (int i = 0; i < 1000; ++i) {
        pushes(loan.push("n"_key = i));
    }
    const auto result = mine.close(10s);
    const auto stats = mine.stats();
    const bool is_right = result.is_clean() && result.delivered == 1000 && stats.is_exact() &&
                          pushes.accepted() == 1000;
    end_child(is_right ? 0 : 20);
}

// What `ls -l` of its own descriptors prints.
std::string descriptors_of_a_program() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const int null = ::open("/dev/null", O_RDWR);
        ::dup2(null, STDIN_FILENO);
        ::dup2(null, STDERR_FILENO);
        ::dup2(ends[1], STDOUT_FILENO);
        ::close(null);
        ::execl("/bin/ls", "ls", "-l", "/proc/self/fd", nullptr);
        ::_exit(98);
    }
    ::close(ends[1]);
    std::string printed;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        printed.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    return printed;
}

} // namespace

TEST_SUITE("faults/fork") {
TEST_CASE("F37 children forked while sending are inert, and the parent does not notice") {
    constexpr int children = support::scaled(40, 10, 10);
    busy_exporter parent;
    for (int i = 0; i < children; ++i) {
        CHECK(in_child([&] { be_inert(parent, i % 2 == 0); }) == 0);
    }
    CHECK(in_child([] { end_child(0); }) == 0); // one that does nothing but exit
    parent.end_and_check(0, 0);
}

TEST_CASE("F37 a child that is forked while pushes wait for room waits for nothing") {
    constexpr int share = 16'384;
    support::io_brake brake;
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = support::deaf_port()},
         .queue = {.block_timeout = 60s},
         .batch = {.max_delay = 1ms},
         .log = brake.log()});
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    brake.pull([&] { pushes(loan.push("n"_key = 0)); });
    std::atomic<bool> is_full{false};
    std::thread waiting([&] {
        for (int i = 0; i < share; ++i) {
            pushes(loan.push("n"_key = i));
        }
        is_full = true;
        pushes(loan.push("n"_key = 0));
    });
    while (!is_full) {
        std::this_thread::sleep_for(1ms);
    }
    std::this_thread::sleep_for(20ms);
    for (int i = 0; i < share; ++i) { // this thread's share is used up as well
        pushes(loan.push("n"_key = i));
    }
    const std::string text(1000, 'x');
    CHECK(in_child([&] {
              const bool is_refused = !loan.push("n"_key = 1) &&
                                      !loan.push("t"_key = std::string_view(text)) &&
                                      !exporter.push("order"_class("7"), "n"_key = 1);
              end_child(is_refused ? 0 : 10);
          }) == 0);
    brake.release();
    waiting.join();
    exporter.close(0s);

    CHECK(pushes.rejected() == 0);
    support::check_ledger(exporter.stats(), pushes, 0);
}

TEST_CASE(
    "F37 a child makes an exporter of its own" *
    doctest::skip(support::skips(
        support::is_sanitized,
        "F37 a child makes an exporter of its own",
        support::is_thread_sanitized
            ? "thread sanitizer aborts a forked child that starts a thread"
            : "address sanitizer holds no lock of its allocator across a fork: a child that "
              "allocates may wait for ever"))) {
    constexpr int children = 10;
    busy_exporter parent;
    for (int i = 0; i < children; ++i) {
        CHECK(in_child([&] { be_restarted(parent); }) == 0);
    }
    parent.end_and_check(children, children * 1000);
}

TEST_CASE("D-9.9 a program that is started while sending inherits none of our descriptors") {
    busy_exporter parent;
    for (int i = 0; i < 5; ++i) {
        const auto printed = descriptors_of_a_program();
        INFO(printed);
        CHECK(printed.find("/dev/null") != std::string::npos);
        CHECK(printed.find("socket:") == std::string::npos);
        CHECK(printed.find("anon_inode") == std::string::npos);
    }
    parent.end_and_check(0, 0);
}
}
