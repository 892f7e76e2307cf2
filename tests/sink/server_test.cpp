#include "sink/server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace monarc;
using namespace std::chrono_literals;
using namespace std::string_literals;
namespace asio = boost::asio;

namespace {

// [tag, 1, {"context": "c", "message": {"n": number}}, {"chunk": chunk}]
std::string message(char chunk, char number) {
    return "\x94\xa1t\x01\x82\xa7"
           "context\xa1"
           "c\xa7message\x81\xa1n"s +
           number +
           "\x81\xa5"
           "chunk\xa1" +
           chunk;
}

class client {
public:
    explicit client(std::uint16_t port) {
        socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    }
    void send(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }
    std::string receive(std::size_t count) {
        std::string bytes(count, '\0');
        boost::system::error_code ec;
        bytes.resize(asio::read(socket_, asio::buffer(bytes), ec));
        return bytes;
    }
    bool is_closed() {
        char byte = 0;
        boost::system::error_code ec;
        (void)socket_.read_some(asio::buffer(&byte, 1), ec);
        return static_cast<bool>(ec);
    }

private:
    asio::io_context io_;
    asio::ip::tcp::socket socket_{io_};
};

constexpr auto patience = 10s;

} // namespace

TEST_SUITE("sink/server") {
TEST_CASE("an event is counted by the time its chunk is acknowledged") {
    sink::server server({.sum_field = "n"});
    client peer(server.port());

    peer.send(message('x', 7));

    CHECK(
        peer.receive(7) == "\x81\xa3"
                           "ack\xa1x");
    const auto s = server.snapshot();
    CHECK(s.records == 1);
    CHECK((s.sum.sum == 7));
    CHECK(s.acknowledged == 1);
    CHECK(s.open_connections == 1);
}

TEST_CASE("snapshots from other threads never show parts that do not make the whole") {
    sink::server server({.memory = {.max_chunks = 16}});
    std::atomic<bool> done = false;
    std::thread observer([&] {
        std::uint64_t before = 0;
        while (!done) {
            const auto s = server.snapshot();
            const auto parts = s.records + s.class_messages + s.special_messages +
                               s.empty_messages + s.plain_events;
            CHECK(parts == s.events);
            CHECK(s.events >= before);
            before = s.events;
        }
    });
    std::vector<std::thread> senders;
    for (int i = 0; i < 4; ++i)
        senders.emplace_back([&server] {
            client peer(server.port());
            for (int n = 0; n < 200; ++n)
                peer.send("\x93\xa1t\x01\x80"s);
        });
    for (auto& sender : senders)
        sender.join();

    CHECK(server.wait_for_events(800, patience));
    done = true;
    observer.join();
    CHECK(server.snapshot().plain_events == 800);
}

TEST_CASE("waiting ends with the time, or with the server") {
    sink::server server({});
    CHECK_FALSE(server.wait_for_events(1, 20ms));
    CHECK(server.wait_for_events(0, 0ms));

    std::thread stopper([&] {
        std::this_thread::sleep_for(20ms);
        server.stop();
    });
    CHECK_FALSE(server.wait_for_events(1, patience));
    stopper.join();
}

TEST_CASE("stop closes what is open, may be called twice, and leaves the totals") {
    sink::server server({});
    client peer(server.port());
    peer.send(message('x', 7));
    CHECK(peer.receive(7).size() == 7);

    server.stop();
    server.stop();

    CHECK(peer.is_closed());
    CHECK(server.snapshot().records == 1);
}

TEST_CASE("a server can be destroyed with connections in every state") {
    for (int i = 0; i < 20; ++i) {
        auto server = std::make_unique<sink::server>(sink::options{});
        client idle(server->port());
        client halfway(server->port());
        halfway.send("\x93\xa1t");
        client busy(server->port());
        busy.send(message('x', 1) + message('y', 2));
        server.reset();
        CHECK(idle.is_closed());
    }
}

TEST_CASE("the goal is announced once, after the answer was sent") {
    std::atomic<int> calls = 0;
    sink::options options{.event_goal = 2};
    options.on_goal = [&] { ++calls; };
    sink::server server(options);
    client peer(server.port());

    peer.send(message('x', 1));
    CHECK(peer.receive(7).size() == 7);
    CHECK(calls == 0);
    peer.send(message('y', 1) + message('z', 1));
    CHECK(peer.receive(14).size() == 14);
    CHECK(server.wait_for_events(3, patience));
    server.stop();

    CHECK(calls == 1);
}

TEST_CASE("the same refusal is logged once and always counted") {
    std::mutex mutex;
    std::vector<std::string> lines;
    sink::options options{};
    options.log = [&](std::string_view line) {
        const std::lock_guard lock(mutex);
        lines.emplace_back(line);
    };
    sink::server server(options);
    for (int i = 0; i < 3; ++i) {
        client peer(server.port());
        peer.send("{\"json\": 1}");
        CHECK(peer.is_closed());
    }
    server.stop();

    CHECK(server.snapshot().refused_by(sink::refusal::json) == 3);
    REQUIRE(lines.size() == 1);
    CHECK(
        lines[0].find("json: JSON is not read here: send MessagePack; connection closed") !=
        std::string::npos);
}

TEST_CASE("an address that is not ours, or none at all, keeps the server from starting") {
    CHECK_THROWS_AS(sink::server({.host = "not an address"}), sink::start_error);
    CHECK_THROWS_AS(sink::server({.host = "192.0.2.1"}), sink::start_error);
}
}
