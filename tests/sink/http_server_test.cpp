#include "sink/http_server.hpp"
#include "sink/start_error.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace monarc;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

class client {
public:
    explicit client(std::uint16_t port) {
        socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    }
    void send(const std::string& bytes) {
        boost::system::error_code ignored;
        asio::write(socket_, asio::buffer(bytes), ignored);
    }
    // Everything until the server closes.
    std::string read_all() {
        std::string all;
        boost::system::error_code ec;
        asio::read(socket_, asio::dynamic_buffer(all), ec);
        last_ = ec;
        return all;
    }
    // A response of a keep-alive connection whose body has that many bytes.
    std::string read_response(std::size_t body_bytes) {
        std::string all;
        char byte = 0;
        while (!all.ends_with("\r\n\r\n") && take(byte))
            all += byte;
        for (; body_bytes != 0 && take(byte); --body_bytes)
            all += byte;
        return all;
    }
    bool was_reset() const { return last_ == asio::error::connection_reset; }
    void half_close() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }

private:
    bool take(char& byte) {
        boost::system::error_code ec;
        return asio::read(socket_, asio::buffer(&byte, 1), ec) == 1;
    }

    asio::io_context io_;
    asio::ip::tcp::socket socket_{io_};
    boost::system::error_code last_;
};

// Answers with what it was asked.
sink::http_answer echo(const sink::http_request& r) {
    sink::http_answer answer;
    answer.response.body = r.method + " " + r.path + " " + r.body;
    return answer;
}

bool wait_until(const auto& is_true) {
    for (int i = 0; i < 2000 && !is_true(); ++i)
        std::this_thread::sleep_for(5ms);
    return is_true();
}

std::string post(const std::string& body, const std::string& fields = {}) {
    return "POST /p HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
           "\r\n" + body;
}

bool is_status(const std::string& response, int status) {
    return response.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}

} // namespace

TEST_SUITE("sink/http_server") {
TEST_CASE("requests of one connection are answered one after the other") {
    sink::http_server server({}, echo);
    client peer(server.port());
    for (int i = 0; i < 3; ++i) {
        peer.send(post("body"));
        CHECK(peer.read_response(12).ends_with("\r\n\r\nPOST /p body"));
    }
    CHECK(server.counts().requests == 3);
    CHECK(server.counts().connections == 1);
    CHECK(server.counts().open_connections == 1);
}

TEST_CASE("pipelined requests are answered in their order") {
    sink::http_server server({}, echo);
    client peer(server.port());
    peer.send(post("1") + post("22") + "GET /last HTTP/1.1\r\nConnection: close\r\n\r\n");
    const auto all = peer.read_all();
    const auto first = all.find("POST /p 1");
    const auto second = all.find("POST /p 22");
    const auto last = all.find("GET /last ");
    CHECK(first < second);
    CHECK(second < last);
    CHECK(last != std::string::npos);
}

TEST_CASE("a request may come byte by byte") {
    sink::http_server server({}, echo);
    client peer(server.port());
    for (const char byte : "\r\n" + post("slow")) {
        peer.send(std::string(1, byte));
        std::this_thread::sleep_for(1ms); // each in a read of its own
    }
    CHECK(peer.read_response(12).ends_with("POST /p slow"));
}

TEST_CASE("without keep-alive every response closes, and what was pipelined is dropped") {
    sink::http_options options;
    options.limits.keep_alive = 0ms;
    sink::http_server server(options, echo);
    client peer(server.port());
    peer.send(post("1") + post("2"));
    const auto all = peer.read_all();
    CHECK(all.find("Connection: close") != std::string::npos);
    CHECK(all.ends_with("POST /p 1"));
    CHECK_FALSE(peer.was_reset());
    CHECK(server.counts().requests == 1);
}

TEST_CASE("an idle connection is closed after the time for keep-alive") {
    sink::http_options options;
    options.limits.keep_alive = 50ms;
    sink::http_server server(options, echo);
    client peer(server.port());
    peer.send(post("1"));
    CHECK(peer.read_all().ends_with("POST /p 1"));
    CHECK(wait_until([&] { return server.counts().open_connections == 0; }));
    CHECK(server.counts().too_slow == 0);
    CHECK(server.counts().unfinished == 0);
}

TEST_CASE("a header that is not whole in time closes the connection") {
    sink::http_options options;
    options.limits.header_timeout = 50ms;
    sink::http_server server(options, echo);
    client peer(server.port());
    peer.send("GET / HTTP/1.1\r\nA: ");
    CHECK(peer.read_all().empty());
    CHECK(wait_until([&] { return server.counts().unfinished == 1; }));
    CHECK(server.counts().too_slow == 1);
}

TEST_CASE("a header that grows byte by byte has one deadline for all of it") {
    sink::http_options options;
    options.limits.header_timeout = 100ms;
    sink::http_server server(options, echo);
    client peer(server.port());
    peer.send("GET / HTTP/1.1\r\n");
    const auto begin = std::chrono::steady_clock::now();
    while (server.counts().too_slow == 0 && std::chrono::steady_clock::now() - begin < 10s) {
        peer.send("A: b\r\n");
        std::this_thread::sleep_for(10ms);
    }
    CHECK(server.counts().too_slow == 1);
}

TEST_CASE("a header without an end is answered 431") {
    sink::http_server server({}, echo);
    client peer(server.port());
    peer.send("GET / HTTP/1.1\r\nA: " + std::string(17 << 10, 'x'));
    CHECK(is_status(peer.read_all(), 431));
    CHECK(server.counts().too_large == 1);
    CHECK(server.counts().requests == 0);

    // Just as long as it may be.
    client good(server.port());
    const std::string start = "GET / HTTP/1.1\r\nConnection: close\r\nA: ";
    good.send(start + std::string((16 << 10) - start.size() - 4, 'x') + "\r\n\r\n");
    CHECK(is_status(good.read_all(), 200));
    client bad(server.port());
    bad.send(start + std::string((16 << 10) - start.size() - 3, 'x') + "\r\n\r\n");
    CHECK(is_status(bad.read_all(), 431));
}

TEST_CASE("a body beyond the limit is answered 413, and not read") {
    sink::http_options options;
    options.limits.max_body_bytes = 1000;
    sink::http_server server(options, echo);
    client good(server.port());
    good.send(post(std::string(1000, 'x'), "Connection: close\r\n"));
    CHECK(is_status(good.read_all(), 200));
    client peer(server.port());
    peer.send(post(std::string(1001, 'x')));
    CHECK(is_status(peer.read_all(), 413));
    CHECK_FALSE(peer.was_reset());
    client liar(server.port());
    liar.send("POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n");
    CHECK(is_status(liar.read_all(), 413));
    CHECK(server.counts().too_large == 2);
}

TEST_CASE("all bodies that are arriving have a limit together") {
    sink::http_options options;
    options.limits.max_buffered_bytes = 300 << 10;
    sink::http_server server(options, echo);
    client first(server.port());
    client second(server.port());
    const std::string half(200 << 10, 'x');
    first.send("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + half);
    CHECK(wait_until([&] { return server.counts().bytes_received > half.size(); }));
    second.send("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + half);
    CHECK(is_status(second.read_all(), 503));
}

TEST_CASE("what could be read in two ways is answered 400 and closed") {
    sink::http_server server({}, echo);
    for (const std::string fields :
         {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
          "Content-Length: 5\r\nContent-Length: 6\r\n",
          "A: b\r\n folded\r\n",
          "bad line\r\n"}) {
        CAPTURE(fields);
        client peer(server.port());
        peer.send("POST / HTTP/1.1\r\n" + fields + "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n");
        CHECK(is_status(peer.read_all(), 400));
    }
    CHECK(server.counts().malformed == 4);
    CHECK(server.counts().requests == 0);
}

TEST_CASE("a chunked body is not read, and ends the connection") {
    bool was_chunked = false;
    sink::http_server server({}, [&](const sink::http_request& r) {
        was_chunked = r.is_chunked;
        return echo(r);
    });
    client peer(server.port());
    peer.send(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    CHECK(peer.read_all().ends_with("POST / "));
    CHECK(was_chunked);
    CHECK(server.counts().requests == 1);
}

TEST_CASE("who expects 100 Continue gets it before the body") {
    sink::http_server server({}, echo);
    client peer(server.port());
    peer.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    CHECK(peer.read_response(0) == "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("x");
    CHECK(peer.read_response(8).ends_with("POST / x"));
}

TEST_CASE("one connection more than allowed is closed at once") {
    sink::http_options options;
    options.limits.max_connections = 2;
    sink::http_server server(options, echo);
    client first(server.port());
    client second(server.port());
    CHECK(wait_until([&] { return server.counts().open_connections == 2; }));
    client third(server.port());
    CHECK(third.read_all().empty());
    CHECK(server.counts().too_many == 1);
    second.send(post("x", "Connection: close\r\n"));
    CHECK(is_status(second.read_all(), 200));
}

TEST_CASE("a connection that ends inside a request is counted") {
    sink::http_server server({}, echo);
    client peer(server.port());
    peer.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
    peer.half_close();
    CHECK(peer.read_all().empty());
    CHECK(wait_until([&] { return server.counts().unfinished == 1; }));
}

TEST_CASE("an answer can be late, missing, cut off or reset") {
    using ending = sink::http_answer::ending;
    sink::http_server server({}, [](const sink::http_request& r) {
        auto answer = echo(r);
        if (r.path == "/late")
            answer.wait = 50ms;
        if (r.path == "/close")
            answer.then = ending::close;
        if (r.path == "/nothing" || r.path == "/reset")
            answer.is_silent = true;
        if (r.path == "/nothing")
            answer.then = ending::close;
        if (r.path == "/reset")
            answer.then = ending::reset;
        return answer;
    });
    const auto ask = [&](const std::string& path) {
        client peer(server.port());
        peer.send("GET " + path + " HTTP/1.1\r\nConnection: close\r\n\r\n");
        auto all = peer.read_all();
        return std::pair(all, peer.was_reset());
    };
    const auto begin = std::chrono::steady_clock::now();
    CHECK(is_status(ask("/late").first, 200));
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
    CHECK(is_status(ask("/close").first, 200));
    CHECK((ask("/nothing") == std::pair(std::string(), false)));
    CHECK((ask("/reset") == std::pair(std::string(), true)));
}

TEST_CASE("a server can be destroyed with connections in every state, and its port used again") {
    std::uint16_t port = 0;
    for (int i = 0; i < 10; ++i) {
        sink::http_options options;
        options.port = port;
        auto server = std::make_unique<sink::http_server>(options, [](const sink::http_request& r) {
            auto answer = echo(r);
            answer.is_silent = r.path == "/stall";
            if (answer.is_silent)
                answer.then = sink::http_answer::ending::stall;
            else
                answer.wait = 10s;
            return answer;
        });
        port = server->port();
        client idle(port);
        client halfway(port);
        halfway.send("GET / HT");
        client stalled(port);
        stalled.send("GET /stall HTTP/1.1\r\n\r\n");
        client late(port);
        late.send("GET /late HTTP/1.1\r\n\r\n");
        CHECK(wait_until([&] { return server->counts().requests == 2; }));
        server.reset();
        CHECK(idle.read_all().empty());
        CHECK(late.read_all().empty());
    }
}

TEST_CASE("an address that is not ours, or a port that is taken, keeps it from starting") {
    sink::http_options options;
    options.host = "192.0.2.1";
    CHECK_THROWS_AS(sink::http_server(options, echo), sink::start_error);
    sink::http_server server({}, echo);
    options.host = "127.0.0.1";
    options.port = server.port();
    CHECK_THROWS_AS(sink::http_server(options, echo), sink::start_error);
}
}
