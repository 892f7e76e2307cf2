// Names that hang, fail, or have more than one address. getaddrinfo is replaced in this program.

#include "support/three_counts.hpp"
#include "transport/connection.hpp"

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

std::atomic<int> look_ups{0};
std::atomic<bool> is_known{false};
std::atomic<bool> has_moved{false};

int real_getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** found) {
    using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(host, port, hints, found);
}

} // namespace

extern "C" int
getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** found) {
    const std::string_view name = host != nullptr ? host : "";
    if (!name.ends_with(".test")) {
        return real_getaddrinfo(host, port, hints, found);
    }
    ++look_ups;
    if (name == "hangs.test") {
        std::this_thread::sleep_for(60s);
        return EAI_AGAIN;
    }
    if (name == "slow.test") {
        std::this_thread::sleep_for(300ms);
    }
    if (name == "nowhere.test" && !is_known) {
        return EAI_NONAME;
    }
    if (name == "moves.test" && has_moved) {
        return real_getaddrinfo("127.0.0.2", port, hints, found);
    }
    if (name == "two.test") {
        addrinfo* second = nullptr;
        if (const int code = real_getaddrinfo("127.0.0.2", port, hints, found); code != 0) {
            return code;
        }
        if (const int code = real_getaddrinfo("127.0.0.1", port, hints, &second); code != 0) {
            return code;
        }
        (*found)->ai_next = second;
        return 0;
    }
    return real_getaddrinfo("127.0.0.1", port, hints, found);
}

TEST_SUITE("integration/names") {
TEST_CASE(
    "D-9.3 a name whose resolution hangs for a minute does not hold up flush, stats or close") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver, {.host = "hangs.test"}));
    for (std::uint64_t i = 0; i < 20; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i));
    }
    CHECK(wait_until([&] { return e.stats().destinations[0].attempts >= 1; }, patience(5s)));

    auto begin = steady::now();
    CHECK(e.flush(50ms).error == errc::timed_out);
    CHECK(since(begin) <= patience(300ms));
    begin = steady::now();
    const auto result = e.close(200ms);
    CHECK(since(begin) <= patience(450ms));
    CHECK(result.dropped == 20);
    check_ledger(app, e.stats(), receiver, {.fields_per_record = 1});
    CHECK(receiver.connections() == 0);
}

TEST_CASE(
    "D-9.3 an exporter that is destroyed while a name is looked up, and the answer comes late") {
    for (int i = 0; i < 3; ++i) {
        forward_receiver receiver;
        auto options = quick_options(receiver, {.host = "slow.test"});
        options.close_timeout = 0ms;
        {
            exporter e(options);
            CHECK(e.push("run"_class("one"), "n"_key = 1));
            std::this_thread::sleep_for(30ms);
        }
    }
    std::this_thread::sleep_for(400ms);
}

TEST_CASE("F08 a name that does not resolve is asked for again with the waits, and used when it is "
          "there") {
    forward_receiver receiver;
    receiver.start();
    application app;
    log_book log;
    auto options = quick_options(receiver, {.host = "nowhere.test"});
    options.batch.max_records = 1;
    options.retry = {.min_wait = 40ms, .max_wait = 40ms};
    options.log = log.writer();
    is_known = false;
    look_ups = 0;
    exporter e(options);
    for (std::uint64_t i = 0; i < 30; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i));
    }
    const auto begin = steady::now();
    CHECK(wait_until([&] { return look_ups >= 5; }, patience(5s)));

    // D-6.1: one attempt after each wait of at least 20 ms, not one for each payload.
    const auto made = look_ups.load();
    CHECK(made <= since(begin) / 20ms + 2);
    CHECK(log.count("nowhere.test") == 1);
    CHECK(e.stats().destinations[0].last_error.find("resolve nowhere.test") != std::string::npos);
    CHECK(e.stats().destinations[0].pending == 30);
    is_known = true;

    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
    const auto numbers = numbers_by_context(receiver, "n");
    REQUIRE(numbers.size() == 1);
    CHECK(ascends(numbers.begin()->second));
}

TEST_CASE("F10 the second address is used within the same attempt when the first refuses") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver, {.host = "two.test"}));
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());
    const auto stats = e.stats();
    CHECK(stats.destinations[0].retries == 0);
    CHECK(stats.destinations[0].connections == 1);
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("F10 the second address is used within the same attempt when the first says nothing") {
    forward_receiver receiver;
    receiver.start();
    // A listener whose backlog is full drops further connects.
    const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(receiver.port());
    address.sin_addr.s_addr = htonl(0x7f000002);
    REQUIRE(::bind(silent, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(silent, 0) == 0);
    std::vector<int> fillers;
    for (int i = 0; i < 4; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        fillers.push_back(fd);
    }
    std::this_thread::sleep_for(20ms);

    application app;
    exporter e(quick_options(receiver, {.host = "two.test"}));
    const auto begin = steady::now();
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(e.flush(patience(8s)).is_clean());
    CHECK(since(begin) >= 2400ms); // half of the connect time-out
    CHECK(since(begin) <= patience(4s));
    CHECK(e.stats().destinations[0].retries == 0);
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
    for (const int fd : fillers) {
        ::close(fd);
    }
    ::close(silent);
}

TEST_CASE("D-12.5 a connection is worn out once its name stands for another address") {
    forward_receiver receiver;
    receiver.start();
    boost::asio::io_context io;
    std::atomic<int> descriptor{-1};
    transport::tls_context no_tls;
    transport::resolver names(io.get_executor(), 50ms);
    transport::connection stream(io.get_executor(), descriptor);
    std::error_code failed = std::make_error_code(std::errc::not_connected);
    boost::asio::co_spawn(
        io,
        [&]() -> boost::asio::awaitable<void> {
            auto found = co_await names.resolve("moves.test", receiver.port(), 5s);
            if (found) {
                failed = co_await stream.open(*found, 5s);
            }
        },
        boost::asio::detached);
    io.run();
    REQUIRE_FALSE(failed);
    const int opened = descriptor;
    const auto option = [&](int level, int name) {
        int value = 0;
        socklen_t bytes = sizeof value;
        CHECK(::getsockopt(opened, level, name, &value, &bytes) == 0);
        return value;
    };
    CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1); // D-12.8: thirty seconds and three times ten
    CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 30);
    CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == 10);
    CHECK(option(IPPROTO_TCP, TCP_KEEPCNT) == 3);
    CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 30'000);

    const auto before = look_ups.load();
    CHECK(wait_until(
        [&] {
            CHECK_FALSE(stream.is_worn(names, no_tls));
            return look_ups >= before + 2;
        },
        patience(10s)));
    has_moved = true;

    CHECK(wait_until([&] { return stream.is_worn(names, no_tls); }, patience(10s)));
    has_moved = false;
}
}
