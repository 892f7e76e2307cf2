// D-6.8: an attempt has an end also where the receiver goes on taking bytes, a few at a time.

#include "support/three_counts.hpp"
#include "transport/connection.hpp"
#include "transport/http.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// Takes a little all the time, and never says anything.
class sipping_receiver {
public:
    sipping_receiver() : listening_(io_, {asio::ip::address_v4::loopback(), 0}) {
        const int bytes = 4096; // of the kernel's for what is not taken yet
        ::setsockopt(listening_.native_handle(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        thread_ = std::thread([this] { run(); });
    }
    ~sipping_receiver() {
        is_stopping_ = true;
        thread_.join();
    }
    transport::endpoints address() const { return {listening_.local_endpoint()}; }
    std::size_t taken() const { return taken_; }

private:
    void run() {
        asio::ip::tcp::socket from(io_);
        listening_.accept(from);
        std::array<char, 1024> some;
        while (!is_stopping_) {
            const auto got = ::recv(from.native_handle(), some.data(), some.size(), MSG_DONTWAIT);
            taken_ += got > 0 ? static_cast<std::size_t>(got) : 0;
            std::this_thread::sleep_for(2ms);
        }
    }

    asio::io_context io_{1};
    asio::ip::tcp::acceptor listening_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<std::size_t> taken_{0};
    std::thread thread_;
};

constexpr auto stall = 60s; // never reached: something moves all the time
constexpr auto limit = 400ms;

} // namespace

TEST_SUITE("integration/slow_receiver") {
TEST_CASE("D-6.8 writing ends at its deadline although the receiver goes on taking bytes") {
    sipping_receiver receiver;
    asio::io_context io{1};
    std::atomic<int> descriptor{-1};
    transport::connection to(io.get_executor(), descriptor);
    const std::string much(32 << 20, 'x');
    std::error_code failure;
    const auto writes = [&]() -> asio::awaitable<void> {
        failure = co_await to.open(receiver.address(), 5s);
        REQUIRE_FALSE(failure);
        const std::array<std::string_view, 3> parts{"head", much, "tail"};
        const auto until = steady::now() + limit;
        failure = co_await to.write(parts, stall, until);
        CHECK(steady::now() >= until);
    };
    asio::co_spawn(io, writes(), asio::detached);
    const auto begin = steady::now();
    io.run();

    CHECK(failure == std::errc::timed_out);
    CHECK(since(begin) < patience(20s));
    CHECK(wait_until([&] { return receiver.taken() > 0; }, patience(5s)));
}

TEST_CASE("D-6.8 an exchange ends in time although the server goes on taking the request") {
    sipping_receiver receiver;
    asio::io_context io{1};
    std::atomic<int> descriptor{-1};
    auto to = std::make_shared<transport::connection>(io.get_executor(), descriptor);
    const std::string much(32 << 20, 'x');
    transport::exchanged made;
    const auto asks = [&]() -> asio::awaitable<void> {
        const auto failure = co_await to->open(receiver.address(), 5s);
        REQUIRE_FALSE(failure);
        const std::array<std::string_view, 2> request{"POST / HTTP/1.1\r\n\r\n", much};
        made = co_await transport::exchange(to, request, stall, limit);
    };
    asio::co_spawn(io, asks(), asio::detached);
    const auto begin = steady::now();
    io.run();

    CHECK_FALSE(made.is_answered);
    CHECK_FALSE(made.was_written);
    CHECK(made.has_timed_out);
    CHECK(made.why == "the request was not taken in time");
    CHECK_FALSE(to->is_open());
    CHECK(since(begin) < patience(20s));
}
}
