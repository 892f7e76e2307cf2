// What the client of the process holds, in a process that is copied or has nothing left. Children
// play what the state of a fresh process needs; the parent has no thread before the last case.

#include "support/forked_child.hpp"
#include "support/sanitizer.hpp"
#include "support/temporary_folder.hpp"

#include <monarc/mona_client.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace monarc;
using namespace std::chrono_literals;
using ::support::in_child;

namespace {

constexpr std::string_view off = R"({"disable_all": true})";
constexpr std::string_view on = R"({"disable_all": false})";

template <class Condition>
void wait_until(Condition is_met) {
    while (!is_met()) {
        std::this_thread::sleep_for(1ms);
    }
}

// Nobody need listen: nothing is waited for.
mona::client_options plain_options() {
    mona::client_options options;
    options.forward.port = 9;
    options.forward.use_tls = false;
    options.exporter.close_timeout = 0ms;
    return options;
}

// Whether the switch comes to be so, as the open context shows it.
bool becomes(bool is_off) {
    const auto latest = std::chrono::steady_clock::now() + (::support::is_sanitized ? 40s : 10s);
    while (mona::full_context_id().empty() != is_off) {
        if (std::chrono::steady_clock::now() > latest) {
            return false;
        }
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

void fork_while_the_client_is_set_up() {
    std::atomic<bool> is_starting{false};
    std::atomic<bool> is_forking{false};
    mona::set_log([&](const log_line& line) {
        if (line.code == "client_starting") {
            is_starting = true;
            wait_until([&] { return is_forking.load(); });
            std::this_thread::sleep_for(200ms); // fork() takes its first locks
        }
    });
    mona::raise_exceptions(false); // the client is there, and no queue yet
    const exporter other({.mona = mona_forward_options{.port = 9}, .close_timeout = 0ms});
    std::thread starter([] { mona::init_client(plain_options()); });
    wait_until([&] { return is_starting.load(); });
    is_forking = true;
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(grandchild, &status, 0);
    starter.join();
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

void watch_with_one_descriptor_left(const std::string& file) {
    bool has_failed = false;
    mona::set_log([&](const log_line& line) {
        has_failed = has_failed || line.code == "config_watch_failed";
    });
    rlimit few{};
    ::getrlimit(RLIMIT_NOFILE, &few);
    few.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &few);
    std::vector<int> taken;
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
        taken.push_back(fd);
    }
    ::close(taken.back());
    taken.pop_back();
    ::setenv("MONA_CLIENT_CONFIG_FILE", file.c_str(), 1);
    mona::full_context_id();
    mona::set_log([](const log_line&) {});
    for (const int fd : taken) {
        ::close(fd);
    }
    std::exit(has_failed ? 0 : 10); // what happens at exit belongs to it
}

} // namespace

TEST_SUITE("faults/mona_client_fork") {
TEST_CASE(
    "F37 fork() and a client that is being set up do not wait for each other" *
    doctest::skip(::support::skips(
        ::support::is_address_sanitized,
        "F37 fork() and a client that is being set up do not wait for each other",
        "under g++ 12's address sanitizer a child that was forked beside threads may hang in its "
        "first allocation"))) {
    CHECK(in_child(fork_while_the_client_is_set_up) == 0);
}

TEST_CASE(
    "F42 a file that cannot be watched for want of descriptors holds up no exit" *
    doctest::skip(::support::skips(
        ::support::is_address_sanitized,
        "F42 a file that cannot be watched for want of descriptors holds up no exit",
        "the sanitizer looks at memory through a pipe, which wants descriptors"))) {
    const monarc::support::temporary_folder folder;
    const auto file = folder.write("config.json", on);

    CHECK(in_child([&] { watch_with_one_descriptor_left(file); }) == 0);
}

// The last one: it leaves a thread.
TEST_CASE(
    "F37 a child forked before the exporter was started obeys the file, and its parent too" *
    doctest::skip(::support::skips(
        ::support::is_sanitized,
        "F37 a child forked before the exporter was started obeys the file, and its parent too",
        "the child starts a thread, which the sanitizers do not take after a fork"))) {
    const monarc::support::temporary_folder folder;
    const auto file = folder.write("config.json", on);
    ::setenv("MONA_CLIENT_CONFIG_FILE", file.c_str(), 1);
    mona::set_log([](const log_line&) {});
    const mona::context_scope run(nullptr, "run");
    REQUIRE(becomes(false));

    CHECK(in_child([&] {
              folder.write("config.json", off);
              if (!becomes(true)) {
                  ::_exit(10);
              }
              folder.write("config.json", on);
              std::exit(becomes(false) ? 0 : 11);
          }) == 0);
    CHECK(in_child([&] { // with a file of its own
              auto options = plain_options();
              options.config_file = folder.write("own.json", off);
              mona::init_client(options);
              if (!becomes(true)) {
                  ::_exit(10);
              }
              folder.write("own.json", on);
              std::exit(becomes(false) ? 0 : 11);
          }) == 0);
    folder.write("config.json", off);
    CHECK(becomes(true));
    folder.write("config.json", on);
    CHECK(becomes(false));
}
}
