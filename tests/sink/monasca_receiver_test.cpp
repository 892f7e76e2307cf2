#include "sink/monasca_server.hpp"
#include "support/monasca_receiver.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

using namespace monarc;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using support::monasca_reaction;
using support::monasca_receiver;
using support::monasca_request;

namespace {

constexpr auto patience = 20s;

struct exchange {
    std::string answer;
    boost::system::error_code ec;

    bool is(int status) const {
        return answer.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
    }
};

std::string post(const std::string& name, int value) {
    const auto body = R"({"name":")" + name + R"(","value":)" + std::to_string(value) +
                      R"(,"timestamp":)" + std::to_string(sink::wall_clock_milliseconds()) + "}";
    return "POST /v2.0/metrics HTTP/1.1\r\nX-Auth-Token: t\r\nContent-Type: application/json\r\n"
           "Connection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

// One request on a connection of its own, and all that comes back.
exchange ask(std::uint16_t port, const std::string& request) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    exchange made;
    socket.connect({asio::ip::make_address("127.0.0.1"), port}, made.ec);
    if (!made.ec)
        asio::write(socket, asio::buffer(request), made.ec);
    if (!made.ec)
        asio::read(socket, asio::dynamic_buffer(made.answer), made.ec);
    return made;
}

} // namespace

TEST_SUITE("support/monasca_receiver") {
TEST_CASE("without a script it is a Monasca that keeps all it gets") {
    monasca_receiver receiver;
    receiver.start();

    CHECK(ask(receiver.port(), post("m", 1)).is(204));
    CHECK(ask(receiver.port(), post("n", 2)).is(204));
    CHECK(ask(receiver.port(), post("not good", 2)).is(422));

    CHECK(receiver.wait_for_requests(3, patience));
    CHECK(receiver.wait_for_measurements(2, patience));
    const auto requests = receiver.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].number == 1);
    CHECK(requests[0].http.field("x-auth-token") == "t");
    CHECK(requests[0].http.body.find("\"m\"") != std::string::npos);
    CHECK(requests[2].status == 422);
    const auto measurements = receiver.measurements();
    REQUIRE(measurements.size() == 2);
    CHECK(measurements[1].request == 2);
    CHECK(measurements[1].what.name == "n");
    CHECK(measurements[1].tenant == sink::monasca_options().tenant);
    CHECK(receiver.summary().find("n")->sum == 2);
    CHECK(receiver.summary().violations == 0);
    CHECK(receiver.connections() == 3);
    CHECK_FALSE(receiver.wait_for_requests(4, 1ms));
}

TEST_CASE("it refuses, loses answers, stalls and sends nonsense as the script says") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& request, monasca_reaction& reaction) {
        switch (request.number) {
        case 1: reaction.refuse(503, {{"Retry-After", "7"}}, "later"); break;
        case 2: reaction.lose_answer(); break;
        case 3: reaction.lose_answer(true); break;
        case 4:
            reaction.raw = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n";
            break;
        case 5: reaction.wait = 50ms; break;
        default: break;
        }
    });
    receiver.start();

    const auto refused = ask(receiver.port(), post("m", 1));
    CHECK(refused.is(503));
    CHECK(refused.answer.find("Retry-After: 7\r\n") != std::string::npos);
    CHECK(refused.answer.ends_with("later"));
    const auto lost = ask(receiver.port(), post("m", 2));
    CHECK(lost.answer.empty());
    CHECK(lost.ec == asio::error::eof);
    CHECK(ask(receiver.port(), post("m", 4)).ec == asio::error::connection_reset);
    CHECK(ask(receiver.port(), post("m", 8)).answer.ends_with("Content-Length: 6\r\n\r\n"));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(ask(receiver.port(), post("m", 16)).is(204));
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);

    // What was refused is not there; what was taken is, whatever its sender was told.
    CHECK(receiver.summary().find("m")->sum == 30);
    CHECK_FALSE(receiver.requests()[0].was_taken);
    CHECK(receiver.requests()[1].was_taken);
    CHECK(receiver.requests()[3].status == 0);
}

TEST_CASE("a stalled request stays open until the receiver stops") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request&, monasca_reaction& r) { r.stall(); });
    receiver.start();
    exchange stalled;
    std::thread sender([&] { stalled = ask(receiver.port(), post("m", 1)); });
    CHECK(receiver.wait_for_requests(1, patience));
    receiver.stop();
    sender.join();
    CHECK(stalled.answer.empty());
}

TEST_CASE("it is stopped and started on its port, and keeps what it has") {
    monasca_receiver receiver;
    CHECK(ask(receiver.port(), post("m", 1)).ec == asio::error::connection_refused);
    for (int i = 1; i <= 5; ++i) {
        receiver.start();
        CHECK(ask(receiver.port(), post("m", i)).is(204));
        receiver.stop();
        CHECK(ask(receiver.port(), post("m", 100)).ec == asio::error::connection_refused);
    }
    CHECK(receiver.summary().find("m")->sum == 15);
    CHECK(receiver.requests().back().number == 5);
    CHECK(receiver.connections() == 5);
}

TEST_CASE("an idle connection can be closed right after its answer") {
    monasca_receiver receiver({.keep_alive = 1ms});
    receiver.start();
    auto request = post("m", 1);
    request.replace(request.find("Connection: close\r\n"), 19, "");
    const auto done = ask(receiver.port(), request); // reads until the receiver closes
    CHECK(done.is(204));
    CHECK(done.answer.find("Connection: keep-alive") != std::string::npos);
    CHECK(done.ec == asio::error::eof);
}
}
