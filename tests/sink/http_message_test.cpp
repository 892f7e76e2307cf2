#include "sink/http_head.hpp"
#include "sink/http_message.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace monarc;

TEST_SUITE("sink/http_message") {
TEST_CASE("fields are found whatever their case") {
    const sink::http_fields fields{{"X-Auth-Token", "t"}, {"x-auth-token", "u"}};
    CHECK(sink::field_of(fields, "x-AUTH-token") == "t");
    CHECK(sink::has_field(fields, "X-AUTH-TOKEN"));
    CHECK(sink::field_of(fields, "x-auth").empty());
}

TEST_CASE("a response says how long it is and how the connection goes on") {
    sink::http_response response{.status = 422, .fields = {{"A", "b"}}, .body = "no"};
    CHECK(
        sink::to_wire(response, true, false) ==
        "HTTP/1.1 422 Unprocessable Entity\r\nA: b\r\nContent-Length: 2\r\n"
        "Connection: keep-alive\r\n\r\nno");
    CHECK(sink::to_wire(response, false, true).ends_with("Connection: close\r\n\r\n"));
}

TEST_CASE("a 204 has neither body nor length") {
    sink::http_response response{.status = 204, .body = "left out"};
    CHECK(
        sink::to_wire(response, false, false) ==
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST_CASE("a query is taken apart as Falcon does") {
    using params = sink::query_params;
    CHECK(
        (sink::read_query("a=1&b=x%20y+z&a=2&empty=&none&=v&c=%zz%4") ==
         params{{"a", "1"}, {"b", "x y z"}, {"a", "2"}, {"", "v"}, {"c", "%zz%4"}}));
    CHECK(sink::read_query("").empty());
    CHECK(sink::percent_encoded("a b:\xc3\xa9~") == "a%20b%3A%C3%A9~");
}
}

TEST_SUITE("sink/http_head") {
TEST_CASE("the end of a head is found whatever the pieces") {
    const std::string head = "GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
    for (std::size_t searched = 0; searched <= 20; ++searched)
        CHECK(sink::end_of_head(head, searched) == head.size() - 4);
    CHECK(sink::end_of_head("GET / HTTP/1.1\r\n", 0) == std::string::npos);
}

TEST_CASE("a head becomes a request") {
    sink::http_head head;
    REQUIRE(sink::read_head(
                "POST /v2.0/metrics?a=%20b HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\n"
                "Expect: 100-Continue\r\nX: 1\r\nx: 2\r\n\r\n",
                head)
                .empty());
    CHECK(head.request.method == "POST");
    CHECK(head.request.path == "/v2.0/metrics");
    CHECK(head.request.query == "a=%20b");
    CHECK(head.request.fields.size() == 5);
    CHECK(head.content_length == 12);
    CHECK(head.keeps_alive);
    CHECK(head.expects_continue);
    CHECK_FALSE(head.request.is_chunked);
}

TEST_CASE("who asks for a close, or speaks HTTP/1.0, gets one") {
    sink::http_head closing;
    CHECK(sink::read_head("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", closing).empty());
    CHECK_FALSE(closing.keeps_alive);
    sink::http_head old;
    CHECK(sink::read_head("GET / HTTP/1.0\r\n\r\n", old).empty());
    CHECK_FALSE(old.keeps_alive);
}

TEST_CASE("what could be read in two ways is refused") {
    const std::vector<std::string> heads{
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\nA: b\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET http://h/ HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "G{T / HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
    };
    for (const auto& text : heads) {
        CAPTURE(text);
        sink::http_head head;
        CHECK_FALSE(sink::read_head(text, head).empty());
    }
}
}
