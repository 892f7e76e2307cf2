// A Keystone, a catalogue and a Monasca that are not what they should be, before the exporter and
// before the client of the API: what they say is told, bounded and never believed too much.

#include "support/endless_server.hpp"
#include "support/keystone_scene.hpp"

#include <monarc/error.hpp>
#include <monarc/monasca_client.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <string>
#include <system_error>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

using sink::http_answer;
using sink::http_request;

constexpr auto issued = "HTTP/1.1 201 Created\r\nX-Subject-Token: t\r\n\r\n";
constexpr int levels = 1'000'000;

// What the socket's buffers at both ends take beyond what is read.
constexpr std::uint64_t on_the_way = std::uint64_t{16} << 20;

std::string nested(std::string_view open, char close) {
    std::string text;
    text.reserve(levels * (open.size() + 1));
    for (int i = 0; i < levels; ++i) {
        text += open;
    }
    text.append(levels, close);
    return text;
}

monasca::client_options login_at(std::string auth_url) {
    monasca::client_options o;
    o.auth_url = std::move(auth_url);
    o.username = "agent";
    o.password = secret("s3cret-\"word");
    o.project = "metrics";
    return o;
}

std::string url_of(const endless_server& server, std::string_view path) {
    return fmt::format("http://127.0.0.1:{}{}", server.port(), path);
}

// The error of a question that a client with these options asks.
monasca::error why_not(monasca::client_options options) {
    monasca::client c(std::move(options));
    auto got = c.metrics().list().get();
    REQUIRE(!got);
    return got.error();
}

} // namespace

TEST_SUITE("integration/monasca_bad_input") {
TEST_CASE("F25 a Keystone whose answer has no end: the exporter reads 1 MiB and keeps the data") {
    for (const auto* const path : {"/v3", "/"}) { // the login, the question for versions
        for (const bool is_header : {false, true}) {
            CAPTURE(path);
            CAPTURE(is_header);
            endless_server keystone(
                is_header ? "HTTP/1.1 201 Created\r\n" : issued,
                is_header ? "X-More: and more\r\n" : std::string(65'536, ' '));
            keystone_scene s;
            s.monasca.start();
            auto options = s.options();
            options.monasca->auth_url = url_of(keystone, path);
            exporter e(options);
            open_each(e).push(1);
            CHECK(wait_until([&] { return only(e.stats()).failed_logins >= 1; }, patience(10s)));

            CHECK(wait_until([&] { return keystone.ended() >= 1; }, patience(10s)));
            CHECK(keystone.most_bytes() < on_the_way);
            CHECK(s.log.count("Keystone: ") == 1);
            CHECK(s.log.count("s3cret") == 0);
            CHECK(only(e.stats()).pending == 1);
            CHECK(s.monasca.requests().empty());
            CHECK(e.close(0ms).dropped == 1);
            CHECK(e.stats().is_exact());
        }
    }
}

TEST_CASE("F25 a Monasca whose answer has no end: the status decides, no more is read") {
    endless_server endless("HTTP/1.1 204 No Content\r\nX-More: ", std::string(65'536, 'x'));
    endless_server bodied("HTTP/1.1 200 OK\r\n\r\n", std::string(65'536, ' '));
    for (auto* const one : {&endless, &bodied}) {
        log_book log;
        exporter_options options;
        options.monasca =
            monasca_options{.url = url_of(*one, "/v2.0"), .token = secret("t"), .interval = 1s};
        options.queue.capacity = 4096;
        options.batch.max_delay = 5ms;
        options.response_timeout = 5s;
        options.log = log.writer();
        exporter e(options);
        open_each(e).push(1);
        CHECK(wait_until([&] { return one->ended() >= 1; }, patience(10s)));

        CHECK(one->most_bytes() < on_the_way);
        const auto ended = e.close(one == &bodied ? patience(5s) : 0ms);
        CHECK(ended.delivered == (one == &bodied ? 1 : 0));
        CHECK(e.stats().is_exact());
    }
}

TEST_CASE(
    "F25 JSON nested a million deep, of Keystone or of Monasca, is an answer like any other") {
    const std::string deep[] = {nested("[", ']'), nested("{\"token\":", '}'), nested("[", ' ')};
    for (const auto& body : deep) {
        for (const auto* const path : {"/v3", "/"}) {
            keystone_scene s;
            s.keystone.set_hook([&](const http_request&, http_answer& answer) {
                answer.response = {201, {{"X-Subject-Token", "t"}}, body};
            });
            s.monasca.start();
            auto options = s.options();
            options.monasca->auth_url =
                fmt::format("http://127.0.0.1:{}{}", s.keystone.port(), path);
            exporter e(options);
            open_each(e).push(1);
            CHECK(wait_until(
                [&] { return s.log.count("is monasca.auth_url the address of Keystone?") == 1; },
                patience(10s)));

            CHECK(e.close(0ms).dropped == 1);
            CHECK(e.stats().is_exact());
        }
        keystone_scene s; // a 401 is told apart by its JSON
        std::atomic<int> asked{0};
        s.also = [&](const monasca_request&, monasca_reaction& r) {
            if (asked++ == 0) {
                r.refuse(401, {{"Content-Type", "application/json"}}, body);
            }
        };
        s.monasca.start();
        exporter e(s.options());
        open_each(e).push(1);
        CHECK(e.flush(patience(20s)).is_clean());
        check_all_arrived(e.stats(), s, 1);
    }
}

TEST_CASE("a token of 8000 bytes is sent, one of 8001 is refused by its length") {
    for (const std::size_t length : {8000u, 8001u}) {
        keystone_scene s;
        const std::string token(length, 't');
        s.keystone.set_hook([&](const http_request&, http_answer& answer) {
            for (auto& [name, value] : answer.response.fields) {
                value = name == "X-Subject-Token" ? token : value;
            }
        });
        std::atomic<std::size_t> sent{0};
        monasca_receiver taking;
        taking.on_request([&](const monasca_request& r, monasca_reaction& reaction) {
            sent = r.http.field("X-Auth-Token").size();
            if (r.http.method == "GET") {
                reaction.refuse(200, {}, R"({"links":[],"elements":[]})");
            }
        });
        taking.start();
        s.keystone.set_service(taking.url());
        {
            exporter e(s.options());
            open_each(e).push(1);
            if (length == 8000) {
                CHECK(e.flush(patience(5s)).is_clean());
                CHECK(sent == 8000);
            } else {
                CHECK(wait_until([&] { return s.log.count("8001 bytes") == 1; }, patience(10s)));
                CHECK(e.close(0ms).dropped == 1);
                CHECK(sent == 0);
            }
        }
        monasca::client c(login_at(s.keystone.url()));
        auto got = c.metrics().list().get();
        CHECK(static_cast<bool>(got) == (length == 8000));
        if (!got) {
            CHECK(got.error().code == errc::too_large);
            CHECK(got.error().is_of_login);
            CHECK(got.error().title.find("issued a token of 8001 bytes") != std::string::npos);
            CHECK(sent == 0);
        }
    }
}

TEST_CASE("a token of more than 8000 bytes that is given to the client is refused, by its length") {
    try {
        monasca::client c(
            {.url = "http://127.0.0.1:1/v2.0",
             .login = monasca::login_method::fixed_token,
             .token = secret(std::string(8001, 't'))});
        FAIL("it was taken");
    } catch (const std::system_error& why) {
        CHECK(why.code() == errc::bad_options);
        CHECK(std::string(why.what()).starts_with("token must be at most 8000 bytes, got 8001"));
    }
}

TEST_CASE("the client goes where the catalogue sends it, over plain http to another host, too") {
    keystone_scene s;
    s.also = [](const monasca_request&, monasca_reaction& r) {
        r.refuse(200, {}, R"({"links":[],"elements":[]})");
    };
    s.monasca.start();
    s.keystone.set_service(fmt::format("http://localhost:{}/v2.0///", s.monasca.port()));
    monasca::client c(login_at(s.keystone.url()));

    CHECK(c.metrics().list().get());
    const auto asked = s.monasca.requests();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].http.path == "/v2.0/metrics");
    CHECK(asked[0].http.field("Host") == fmt::format("localhost:{}", s.monasca.port()));
    CHECK(asked[0].http.field("X-Auth-Token") == "fake-token-1");
}

TEST_CASE("the client and a catalogue with a link-local address, or with none that can be asked") {
    keystone_scene s;
    s.monasca.start();
    for (const auto* const address :
         {"", "file:///etc/passwd", "//h/v2.0", "v:?", "http://u:hidden@h/", "http://h/?a=b"}) {
        CAPTURE(address);
        s.keystone.set_service(address);
        const auto why = why_not(login_at(s.keystone.url()));

        CHECK(why.code == errc::bad_data);
        CHECK(why.is_of_login);
        CHECK(why.title.find("the catalogue's address is no http or https URL") == 0);
        CHECK(why.title.find("hidden") == std::string::npos);
    }
    s.keystone.set_service("http://[fe80::1]:9/v2.0"); // nothing says on which network that is
    auto options = login_at(s.keystone.url());
    options.connect_timeout = 2s;
    const auto why = why_not(options);
    CHECK(why.status == 0);
    CHECK(why.url == "http://[fe80::1]:9/v2.0/metrics");
    CHECK(why.title.find("Unable to establish connection to http://[fe80::1]:9/") == 0);
}

TEST_CASE("the client and a Keystone that is none: HTML, JSON without a token or a million deep") {
    const auto deep = nested("{\"token\":", '}');
    struct row {
        std::string body;
        std::string path;
        std::string title;
    };
    const row rows[] = {
        {"<html>hello</html>", "/v3", "answered without a token; is it Keystone?"},
        {"<html>hello</html>", "/", "names no Keystone v3"},
        {"{\"token\":5}", "/v3", "answered without a token; is it Keystone?"},
        {deep, "/v3", "answered without a token; is it Keystone?"},
        {deep, "/", "names no Keystone v3"},
    };
    for (const auto& [body, path, title] : rows) {
        keystone_scene s;
        s.keystone.set_hook([&, said = body](const http_request&, http_answer& answer) {
            answer.response = {201, {{"X-Subject-Token", "t"}}, said};
        });
        const auto why =
            why_not(login_at(fmt::format("http://127.0.0.1:{}{}", s.keystone.port(), path)));

        CHECK(why.is_of_login);
        CHECK(why.title.find(title) != std::string::npos);
        CHECK((why.title + why.description).find("s3cret") == std::string::npos);
    }
}

TEST_CASE("the client and an API that answers HTML or JSON a million deep") {
    for (const auto& body : {std::string("<html>hello</html>"), nested("[", ']')}) {
        keystone_scene s;
        s.also = [&](const monasca_request&, monasca_reaction& r) { r.refuse(200, {}, body); };
        s.monasca.start();
        const auto why = why_not(login_at(s.keystone.url()));

        CHECK(why.code == errc::bad_data);
        CHECK(!why.is_of_login);
    }
}

TEST_CASE("the client and an answer without an end: of Keystone 1 MiB is read, of a list 64 MiB") {
    const std::string blanks(65'536, ' ');
    for (const auto* const path : {"/v3", "/"}) {
        endless_server keystone(issued, blanks);
        const auto why = why_not(login_at(url_of(keystone, path)));

        CHECK(why.is_of_login);
        CHECK(wait_until([&] { return keystone.ended() >= 1; }, patience(10s)));
        CHECK(keystone.most_bytes() < on_the_way);
    }
    endless_server api("HTTP/1.1 200 OK\r\n\r\n", blanks);
    const auto why = why_not(
        {.url = url_of(api, "/v2.0"),
         .login = monasca::login_method::fixed_token,
         .token = secret("t")});
    CHECK(why.code == errc::too_large);
    CHECK(why.title.find("the answer is larger than 67108864 bytes") != std::string::npos);
    CHECK(wait_until([&] { return api.ended() >= 1; }, patience(10s)));
    CHECK(api.most_bytes() < (std::uint64_t{64} << 20) + on_the_way);
}
}
