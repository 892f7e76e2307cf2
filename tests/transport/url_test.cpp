#include "transport/url.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace monarc;
using namespace monarc::transport;
using namespace std::string_view_literals;

TEST_SUITE("transport/url") {
TEST_CASE("an http URL has host, port, path and what the Host header says") {
    const auto url = parse_http_url("http://mon.example:8070/v2.0");

    REQUIRE(url.has_value());
    CHECK_FALSE(url->is_tls);
    CHECK(url->host == "mon.example");
    CHECK(url->port == 8070);
    CHECK(url->path == "/v2.0");
    CHECK(url->authority == "mon.example:8070");
    CHECK(url->text() == "http://mon.example:8070/v2.0");
}

TEST_CASE("without a port it is the scheme's, and the Host header names none") {
    const auto plain = parse_http_url("http://h/p");
    const auto tls = parse_http_url("https://h/p");

    REQUIRE(plain.has_value());
    REQUIRE(tls.has_value());
    CHECK(plain->port == 80);
    CHECK(plain->authority == "h");
    CHECK(tls->port == 443);
    CHECK(tls->is_tls);
    CHECK(tls->text() == "https://h/p");
    CHECK(parse_http_url("http://h:/p")->port == 80);
}

TEST_CASE("the scheme may be written in any case") {
    CHECK(parse_http_url("HTTPS://h")->is_tls);
}

TEST_CASE("slashes at the end of the path are left out") {
    CHECK(parse_http_url("http://h")->path == "");
    CHECK(parse_http_url("http://h/")->path == "");
    CHECK(parse_http_url("http://h/a/b//")->path == "/a/b");
}

TEST_CASE("a path stays as it is written") {
    CHECK(parse_http_url("http://h/a%20b/c")->path == "/a%20b/c");
}

TEST_CASE("an IPv6 address is in brackets in the URL and in the Host header only") {
    const auto url = parse_http_url("http://[::1]:8070/v2.0");

    REQUIRE(url.has_value());
    CHECK(url->host == "::1");
    CHECK(url->authority == "[::1]:8070");
    CHECK(parse_http_url("http://127.0.0.1:1")->host == "127.0.0.1");
}

TEST_CASE("a port is 1 to 65535") {
    CHECK(parse_http_url("http://h:1")->port == 1);
    CHECK(parse_http_url("http://h:65535")->port == 65'535);
    for (const auto wrong :
         {"http://h:0"sv,
          "http://h:65536"sv,
          "http://h:99999999999"sv,
          "http://h:-1"sv,
          "http://h:x"sv,
          "http://h:80x/a"sv}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_http_url(wrong).has_value());
    }
}

TEST_CASE("anything but an absolute http URL without user, query and fragment is refused") {
    for (const auto wrong :
         {""sv,
          "h"sv,
          "h:8070"sv,
          "/v2.0"sv,
          "//h/v2.0"sv,
          "http:/v2.0"sv,
          "v:?"sv,
          "http:?"sv,
          "http://"sv,
          "http:///v2.0"sv,
          "http://:80/"sv,
          "ftp://h/"sv,
          "unix://h/"sv,
          "http://user@h/"sv,
          "http://user:word@h/"sv,
          "http://@h/"sv,
          "http://h/?a=b"sv,
          "http://h/?"sv,
          "http://h/#a"sv,
          "http://h/#"sv,
          " http://h/"sv,
          "http://h/ "sv,
          "http://h/a b"sv,
          "http://h/\r\nX: y"sv,
          "http://h\r\n/"sv,
          "http://h/\0"sv,
          "http://[::1/"sv,
          "http://h/%zz"sv,
          "http://h/\u00e9"sv}) {
        CAPTURE(wrong);
        const auto url = parse_http_url(wrong);
        REQUIRE_FALSE(url.has_value());
        CHECK(url.error() == errc::bad_options);
    }
}

TEST_CASE("no host holds a character that may not be sent") {
    for (const auto wrong :
         {"http://a%0d%0ab/"sv, "http://a%00b/"sv, "http://a%20b/"sv, "http://a%2fb/"sv}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_http_url(wrong).has_value());
    }
}

TEST_CASE("a target keeps its path and its query as given") {
    struct row {
        std::string_view text;
        std::string_view path;
    };
    const row rows[] = {
        {"http://h"sv, "/"sv},
        {"http://h/"sv, "/"sv},
        {"http://h/a/"sv, "/a/"sv},
        {"http://h:99/some/where?x=1&y=%20"sv, "/some/where?x=1&y=%20"sv},
        {"http://h?x"sv, "/?x"sv},
        {"http://h/?"sv, "/?"sv},
    };

    for (const auto& [text, path] : rows) {
        CAPTURE(text);
        const auto url = parse_http_target(text);
        REQUIRE(url.has_value());
        CHECK(url->path == path);
        CHECK(url->host == "h");
    }
    for (const auto wrong :
         {"ftp://h/"sv, "http://u@h/"sv, "http://h/#a"sv, "http:///"sv, "http://h/a b"sv, "h/"sv}) {
        CHECK_FALSE(parse_http_target(wrong).has_value());
    }
}
}
