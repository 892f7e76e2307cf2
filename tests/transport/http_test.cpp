#include "transport/http.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using namespace monarc::transport;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

using progress = http_answer_reader::progress;

struct seen {
    progress last = progress::partial;
    http_answer answer{};
    std::string why{};
};

// The pieces one after the other; then, if wanted, the end of the connection.
seen read(const std::vector<std::string_view>& pieces, bool closes = false) {
    http_answer_reader reader;
    seen all;
    for (const auto piece : pieces) {
        all.last = reader.append(piece);
        if (all.last == progress::broken) {
            all.why = reader.what();
            return all;
        }
    }
    if (closes) {
        all.last = reader.end();
    }
    if (all.last == progress::whole) {
        all.answer = reader.take();
    }
    all.why = reader.what();
    return all;
}

std::string shown(const seen& s) {
    std::string text = s.last == progress::partial  ? "partial"
                       : s.last == progress::broken ? "broken"
                                                    : "whole";
    if (s.last == progress::whole) {
        text += " " + std::to_string(s.answer.status) + " " + s.answer.reason + " '" +
                s.answer.body + "'" + (s.answer.is_reusable ? " reusable" : "");
        for (const auto& one : s.answer.retry_after) {
            text += " after '" + one + "'";
        }
    }
    return text;
}

// What comes of it whole, byte by byte and cut once at every place; they must agree.
std::string read_in_every_way(std::string_view text, bool closes = false) {
    const auto whole = shown(read({text}, closes));
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bytes.push_back(text.substr(i, 1));
    }
    if (const auto other = shown(read(bytes, closes)); other != whole) {
        return "byte by byte: " + other + ", whole: " + whole;
    }
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        const auto other = shown(read({text.substr(0, cut), text.substr(cut)}, closes));
        if (other != whole) {
            return "cut at " + std::to_string(cut) + ": " + other + ", whole: " + whole;
        }
    }
    return whole;
}

// Every true beginning of it, and then the connection is closed.
void check_every_beginning_is_broken(std::string_view text) {
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
        CAPTURE(cut);
        CHECK(shown(read({text.substr(0, cut)})) == "partial");
        CHECK(shown(read({text.substr(0, cut)}, true)) == "broken");
    }
}

} // namespace

TEST_SUITE("transport/http") {
TEST_CASE("an answer with Content-Length ends with its last byte") {
    const auto text = "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 5\r\n\r\nhello"sv;

    CHECK(read_in_every_way(text) == "whole 422 Unprocessable Entity 'hello' reusable");
    check_every_beginning_is_broken(text);
}

TEST_CASE("an answer of length 0 is whole with its header") {
    CHECK(
        read_in_every_way("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") ==
        "whole 200 OK '' reusable");
}

TEST_CASE("a chunked answer ends with its last chunk") {
    const auto text = "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nabc\r\n5;name=value\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n"sv;

    CHECK(read_in_every_way(text) == "whole 500 No 'abcdefgh' reusable");
    check_every_beginning_is_broken(text);
}

TEST_CASE("an answer without a length ends with the connection, which is not used again") {
    const auto text = "HTTP/1.1 200 OK\r\n\r\nhello"sv;

    CHECK(read_in_every_way(text) == "partial");
    CHECK(read_in_every_way(text, true) == "whole 200 OK 'hello'");
}

TEST_CASE("a 204 has no body, whatever its header says") {
    CHECK(
        read_in_every_way("HTTP/1.1 204 No Content\r\n\r\n") == "whole 204 No Content '' reusable");
    CHECK(
        read_in_every_way("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n") ==
        "whole 204 No Content '' reusable");
}

TEST_CASE("a reason that is missing is the standard's") {
    CHECK(read_in_every_way("HTTP/1.1 204 \r\n\r\n") == "whole 204 No Content '' reusable");
}

TEST_CASE("answers of class 1xx come before the one that counts") {
    CHECK(
        read_in_every_way("HTTP/1.1 100 Continue\r\n\r\n"
                          "HTTP/1.1 103 Early Hints\r\nLink: x\r\nRetry-After: 9\r\n\r\n"
                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") ==
        "whole 200 OK 'ok' reusable");
    CHECK(read_in_every_way("HTTP/1.1 100 Continue\r\n\r\n") == "partial");
    CHECK(read_in_every_way("HTTP/1.1 100 Continue\r\n\r\n", true) == "broken");
}

TEST_CASE("D-13.1 a folded header line breaks the answer") {
    CHECK(
        read_in_every_way("HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n") ==
        "broken");
    CHECK(
        read_in_every_way("HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\nContent-Length: 0\r\n\r\n") ==
        "broken");
    CHECK(
        read_in_every_way("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\nA: b\r\n c\r\n\r\n") ==
        "broken");
    CHECK(
        read_in_every_way("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\n b") ==
        "whole 200 OK '\n b' reusable");
}

TEST_CASE("D-13.1 two lengths break the answer, also if they are the same") {
    CHECK(
        read_in_every_way(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", true) ==
        "broken");
    CHECK(
        read_in_every_way(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", true) ==
        "broken");
    CHECK(
        read_in_every_way("HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc", true) == "broken");
    CHECK(
        read_in_every_way(
            "HTTP/1.1 204 No\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", true) == "broken");
}

TEST_CASE("D-13.1 Content-Length with Transfer-Encoding breaks the answer, in either order") {
    CHECK(
        read_in_every_way(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            "0\r\n\r\n",
            true) == "broken");
    CHECK(
        read_in_every_way(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
            "0\r\n\r\n",
            true) == "broken");
}

TEST_CASE("a length that is no number breaks the answer") {
    for (const auto length :
         {"-1"sv, "x"sv, "1x"sv, "99999999999999999999999"sv, "0x10"sv, "+5"sv, ""sv}) {
        CAPTURE(length);
        const auto text =
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::string(length) + "\r\n\r\nabcde";
        CHECK(read_in_every_way(text, true) == "broken");
    }
}

TEST_CASE("a chunk that is none breaks the answer") {
    const auto head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"s;
    for (const auto chunk :
         {"x\r\nabc\r\n"sv,
          "-1\r\nabc\r\n"sv,
          "3\r\nabcd\r\n0\r\n\r\n"sv,
          "ffffffffffffffffff\r\n"sv}) {
        CAPTURE(chunk);
        CHECK(read_in_every_way(head + std::string(chunk), true) == "broken");
    }
}

TEST_CASE("D-13.1 bytes behind the end of the answer break it") {
    const auto length = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"s;
    CHECK(shown(read({length + "okx"})) == "broken");
    CHECK(shown(read({length + "ok" + length + "ok"})) == "broken");
    CHECK(shown(read({"HTTP/1.1 204 No Content\r\n\r\nx"})) == "broken");
    CHECK(shown(read({"HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx"})) == "broken");
    CHECK(
        shown(read({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx"})) ==
        "broken");

    http_answer_reader late;
    CHECK(late.append(length + "ok") == progress::whole);
    CHECK(late.append("") == progress::whole);
    CHECK(late.append("x") == progress::broken);
    CHECK(late.what() == "bytes behind the end of the answer");
}

TEST_CASE("D-13.1 a header longer than 8 KiB breaks the answer, one within is taken") {
    const auto with = [](std::size_t bytes) {
        auto text = "HTTP/1.1 204 No\r\nA: "s;
        text += std::string(bytes - text.size() - 4, 'a') + "\r\n\r\n";
        return text;
    };
    const auto good = with(8000);
    CHECK(shown(read({good})) == "whole 204 No '' reusable");
    CHECK(shown(read({with(8193 + 64)})) == "broken");
    CHECK(read({with(20'000)}).last == progress::broken);
}

TEST_CASE("F25 endless headers break the answer when they pass 8 KiB, whatever the pieces") {
    for (const std::size_t piece_bytes : {1u, 7u, 1000u, 4096u, 100'000u}) {
        std::string endless = "HTTP/1.1 200 OK\r\n";
        while (endless.size() < 200'000) {
            endless += "X-Header: value\r\n";
        }
        http_answer_reader reader;
        std::size_t fed = 0;
        auto last = progress::partial;
        while (last == progress::partial && fed < endless.size()) {
            const auto piece = std::string_view(endless).substr(fed, piece_bytes);
            last = reader.append(piece);
            fed += piece.size();
        }

        CAPTURE(piece_bytes);
        CHECK(last == progress::broken);
        CHECK(fed <= 8192 + piece_bytes);
    }
}

TEST_CASE("F25 one endless header line, name or status line breaks the answer as well") {
    for (const auto begin :
         {"HTTP/1.1 200 OK\r\nA: "sv, "HTTP/1.1 200 OK\r\n"sv, "HTTP/1.1 200 "sv}) {
        CAPTURE(begin);
        CHECK(shown(read({begin, std::string(10'000, 'a')})) == "broken");
    }
}

TEST_CASE("D-5 of a body longer than 64 KiB no more is read: the status decides") {
    const auto known =
        read({"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 1073741824\r\n\r\nab"});
    CHECK(known.last == progress::whole);
    CHECK(known.answer.status == 503);
    CHECK(known.answer.retry_after == std::vector<std::string>{"7"});
    CHECK_FALSE(known.answer.is_reusable);

    const std::string much(70'000, 'b');
    const auto closed = read({"HTTP/1.1 200 OK\r\n\r\n", much});
    CHECK(closed.last == progress::whole);
    CHECK(closed.answer.status == 200);
    CHECK_FALSE(closed.answer.is_reusable);
    CHECK(closed.answer.body.size() <= 65'536);

    const auto chunked =
        read({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + much + "\r\n"});
    CHECK(chunked.last == progress::whole);
    CHECK_FALSE(chunked.answer.is_reusable);
    CHECK(chunked.answer.body.size() <= 65'536);
}

TEST_CASE("a body of 64 KiB is read to its end") {
    const std::string body(65'536, 'b');
    const auto all = read({"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n", body});

    CHECK(all.last == progress::whole);
    CHECK(all.answer.body == body);
    CHECK(all.answer.is_reusable);
}

TEST_CASE("an endless body of small chunks ends within its bound as well") {
    http_answer_reader reader;
    reader.append("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::size_t fed = 0;
    auto last = progress::partial;
    while (last == progress::partial && fed < 1'000'000) {
        last = reader.append("a\r\n0123456789\r\n");
        fed += 10;
    }

    CHECK(last == progress::whole);
    CHECK(fed <= 65'550);
    CHECK_FALSE(reader.take().is_reusable);
}

TEST_CASE("an endless body without a length ends within its bound, in small pieces too") {
    http_answer_reader reader;
    reader.append("HTTP/1.1 200 OK\r\n\r\n");
    std::size_t fed = 0;
    while (reader.append("0123456789") == progress::partial && fed < 1'000'000) {
        fed += 10;
    }

    CHECK(fed <= 65'536);
}

TEST_CASE("keep-alive is HTTP/1.1's rule and HTTP/1.0's exception") {
    const auto with = [](std::string_view version, std::string_view connection) {
        return "HTTP/" + std::string(version) + " 200 OK\r\nContent-Length: 0\r\n" +
               std::string(connection) + "\r\n";
    };

    CHECK(read_in_every_way(with("1.1", "")) == "whole 200 OK '' reusable");
    CHECK(read_in_every_way(with("1.1", "Connection: close\r\n")) == "whole 200 OK ''");
    CHECK(read_in_every_way(with("1.1", "Connection: x, Close\r\n")) == "whole 200 OK ''");
    CHECK(read_in_every_way(with("1.0", "")) == "whole 200 OK ''");
    CHECK(
        read_in_every_way(with("1.0", "Connection: keep-alive\r\n")) == "whole 200 OK '' reusable");
}

TEST_CASE("an answer of HTTP/1.0 without a length ends with the connection") {
    CHECK(read_in_every_way("HTTP/1.0 200 OK\r\n\r\nhello", true) == "whole 200 OK 'hello'");
}

TEST_CASE("what is no HTTP breaks at once, or when the connection closes") {
    for (const auto text :
         {"SSH-2.0-x\r\n"sv,
          "HTTP/2.0 200 OK\r\n\r\n"sv,
          "HTTP/1.1 20 OK\r\n\r\n"sv,
          "HTTP/1.1 2000 OK\r\n\r\n"sv,
          "HTTP/1.1 abc OK\r\n\r\n"sv,
          "http/1.1 200 OK\r\n\r\n"sv,
          "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"sv,
          "HTTP/1.1 200 OK\r\n: no name\r\n\r\n"sv,
          "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"sv,
          "HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n"sv,
          "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n"sv,
          "\r\n\r\n"sv,
          "\x15\x03\x01\x00\x02\x02\x46"sv}) {
        CAPTURE(text);
        CHECK(read_in_every_way(text, true) == "broken");
    }
}

TEST_CASE("a connection that closes before a byte came has no answer") {
    http_answer_reader reader;

    CHECK(reader.end() == progress::broken);
    CHECK_FALSE(reader.has_begun());
    CHECK(reader.what() == "closed before an answer");
}

TEST_CASE("a connection that closes in the middle says so") {
    http_answer_reader reader;
    reader.append("");
    CHECK_FALSE(reader.has_begun());
    reader.append("H");
    CHECK(reader.has_begun());

    CHECK(reader.end() == progress::broken);
    CHECK(reader.what() == "closed in the middle of the answer");
}

TEST_CASE("the end of the connection behind a whole answer changes nothing") {
    CHECK(
        read_in_every_way("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true) ==
        "whole 200 OK 'ok' reusable");
}

TEST_CASE("each Retry-After, the date and the request's id are handed over") {
    const auto all =
        read({"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              "retry-after:  Sun, 06 Nov 1994 08:49:38 GMT \r\nRetry-After:\r\n"
              "X-OpenStack-Request-ID: req-1\r\nContent-Length: 0\r\n\r\n"});

    REQUIRE(all.last == progress::whole);
    CHECK(
        all.answer.retry_after ==
        std::vector<std::string>{"5", "Sun, 06 Nov 1994 08:49:38 GMT", ""});
    CHECK(all.answer.date == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(all.answer.request_id == "req-1");
}

TEST_CASE("headers that somebody asks for are kept as they came") {
    const auto got = read({"HTTP/1.1 302 Found\r\nLocation: /x?y\r\nContent-Type: text/html\r\n"
                           "X-Subject-Token: t\r\nx-openstack-request-id: req-1\r\n"
                           "Content-Length: 0\r\n\r\n"sv});

    CHECK(got.answer.location == "/x?y");
    CHECK(got.answer.content_type == "text/html");
    CHECK(got.answer.subject_token == "t");
    CHECK(got.answer.request_id == "req-1");
    CHECK(!got.answer.is_cut);
}

TEST_CASE("a body beyond the limit is cut, which the answer says") {
    http_answer_reader reader({.header_bytes = 1024, .body_bytes = 4});

    CHECK(reader.append("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") == progress::whole);
    const auto answer = reader.take();
    CHECK(answer.is_cut);
    CHECK(!answer.is_reusable);
    CHECK(answer.status == 200);
}
}
