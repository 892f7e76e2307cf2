#include "monasca_client/refusal.hpp"
#include "monasca_client/target.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace monarc;
using namespace monarc::monasca_client;

namespace {

std::string told(unsigned status, std::string body, std::string type = "application/json") {
    transport::http_answer answer;
    answer.status = status;
    answer.body = std::move(body);
    answer.content_type = std::move(type);
    const auto why = read_refusal(answer);
    return why.title + "|" + why.description;
}

} // namespace

TEST_SUITE("monasca_client/target") {
TEST_CASE("queries are encoded as forms are, in the order given") {
    CHECK(
        encoded_query({{"name", "a b&c=d/é+%"}, {"dimensions", "k:v,x|y"}, {"name", "~_.-"}}) ==
        "name=a+b%26c%3Dd%2F%C3%A9%2B%25&dimensions=k%3Av%2Cx%7Cy&name=~_.-");
    CHECK(encoded_query({}) == "");
}

TEST_CASE("ids go into paths as they are typed, what no URL may hold escaped") {
    CHECK(encoded_path("/n/a b/c?d") == "/n/a%20b/c?d");
    CHECK(encoded_path("/n/a#b") == "/n/a%23b");
    CHECK(encoded_path("/n/%7e%zz%") == "/n/%7e%25zz%25");
    CHECK(encoded_path("/n/é\r\nX: y") == "/n/%C3%A9%0D%0AX:%20y");
}

TEST_CASE("a redirect is followed only within scheme, host and port") {
    const auto origin = *transport::parse_http_url("http://h:8070/v2.0");
    const auto to = [&](const std::string& location) {
        return redirected_target(location, origin, "/v2.0/metrics?name=a");
    };

    CHECK(to("http://h:8070/moved?x=1") == "/moved?x=1");
    CHECK(to("http://h:8070") == "/");
    CHECK(to("http://h:8070/moved?x=1#part") == "/moved?x=1");
    CHECK(to("/moved") == "/moved");
    CHECK(to("moved/here") == "/v2.0/moved/here");
    CHECK(to("/a b\r\nX: y") == "/a%20b%0D%0AX:%20y");
    for (const std::string location :
         {"https://h:8070/x",
          "http://h:8071/x",
          "http://other:8070/x",
          "http://h:8070@other/x",
          "//other/x",
          "ftp://h:8070/x",
          "javascript:alert(1)",
          ""}) {
        CAPTURE(location);
        CHECK(to(location) == "");
    }
    CHECK(is_redirect(308));
    CHECK(!is_redirect(300));
    CHECK(!is_redirect(304));
}

TEST_CASE("errors of every kind of server are understood") {
    CHECK(told(400, R"({"title":"Bad Request","description":"d"})") == "Bad Request|d");
    CHECK(
        told(409, R"({"error":{"message":"already there","details":"look elsewhere"}})") ==
        "already there|look elsewhere");
    CHECK(told(401, R"({"error":{"code":401,"title":"t","message":"m"}})") == "m|");
    CHECK(
        told(422, R"({"unprocessable_entity":{"code":422,"message":"m","details":"d"}})") ==
        "Unprocessable Entity|m\nd");
    CHECK(told(401, R"({"unauthorized":{"message":"bad token"}})") == "Unauthorized|bad token");
    CHECK(told(502, "<h1>Bad</h1>", "text/html; charset=utf-8") == "Bad Gateway|<h1>Bad</h1>");
    CHECK(told(503, "", "") == "Service Unavailable|");
    CHECK(told(404, "[]") == "Not Found|");
    CHECK(told(498, "{}") == "HTTP Client Error|");
    CHECK(told(590, "{\"title\":5}") == "HTTP Server Error|");
}
}
