#include "auth/mona_login.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>

using namespace monarc;
using namespace monarc::auth;
using namespace std::chrono_literals;

namespace {

// {"tenantId":"tenant1"} between a header and a signature that nobody checks.
constexpr std::string_view jwt =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0ZW5hbnRJZCI6InRlbmFudDEifQ.c2ln";

mona_login_answer
read(unsigned status, std::string body, mona_auth_mode mode = mona_auth_mode::mona) {
    transport::http_answer answer;
    answer.status = status;
    answer.body = std::move(body);
    return read_login_answer(answer, mode);
}

} // namespace

TEST_SUITE("auth/mona_login") {
TEST_CASE("section 2: what is asked, by mode") {
    const mona_rest_options mona{.api_key = secret("key\"1"), .secret = secret("sec1")};
    const mona_rest_options oidc{
        .api_key = secret("key 1"),
        .secret = secret("s&c=\xc3\xa9"),
        .auth = mona_auth_mode::oidc,
        .oidc_scope = "a b"};

    CHECK(mona_login_body(mona).reveal() == "{\"clientId\":\"key\\\"1\",\"secret\":\"sec1\"}");
    CHECK(
        mona_login_body(oidc).reveal() ==
        "client_id=key+1&client_secret=s%26c%3D%C3%A9&grant_type=client_credentials&scope=a+b");
    CHECK(mona_refresh_body(secret("r1")).reveal() == "{\"refreshToken\":\"r1\"}");
    CHECK(login_content_type(mona_auth_mode::mona) == "application/json");
    CHECK(login_content_type(mona_auth_mode::oidc) == "application/x-www-form-urlencoded");
}

TEST_CASE("section 1: where tokens are had and replaced") {
    CHECK(login_url({}) == "https://monalabs.frontegg.com/identity/resources/auth/v1/api-token");
    CHECK(
        refresh_url({}) ==
        "https://monalabs.frontegg.com/identity/resources/auth/v1/api-token/token/refresh");
    CHECK(refresh_url({.token_url = "https://h/t"}) == "https://h/t/token/refresh");
    CHECK(refresh_url({.token_url = "https://h/t", .refresh_url = "https://h/r"}) == "https://h/r");
}

TEST_CASE("an answer with a token") {
    const auto mona = read(
        200,
        "{\"accessToken\":\"" + std::string(jwt) +
            "\",\"refreshToken\":\"r1\",\"expiresIn\":14400,\"expires\":\"whenever\"}");
    const auto oidc = read(200, R"({"access_token":"o1","expires_in":0.5})", mona_auth_mode::oidc);

    REQUIRE(mona.token);
    CHECK(mona.token->access.reveal() == jwt);
    CHECK(mona.token->refresh.reveal() == "r1");
    CHECK(mona.token->life == 4h);
    CHECK(mona.token->tenant == "tenant1");
    REQUIRE(oidc.token);
    CHECK(oidc.token->access.reveal() == "o1");
    CHECK(oidc.token->refresh.is_empty());
    CHECK(oidc.token->life == 500ms);
}

TEST_CASE("without a life the token is used until it is refused") {
    CHECK(read(200, R"({"accessToken":"t"})").token->life == 0ms);
    CHECK(read(200, R"({"accessToken":"t","expiresIn":"soon"})").token->life == 0ms);
    CHECK(read(200, R"({"accessToken":"t","expiresIn":1e300})").token->life > 0ms);
}

TEST_CASE("answers without a token: what they mean, and whether another attempt may help") {
    struct row {
        unsigned status;
        std::string body;
        bool is_json;
        failure kind;
        std::string why;
    };
    const row rows[] = {
        {401,
         R"({"errors":["Invalid authentication"]})",
         true,
         failure::auth,
         "401: Invalid authentication"},
        {400, R"({"error":"invalid_client"})", true, failure::auth, "400: invalid_client"},
        {429, R"({"message":"slow\ndown"})", true, failure::throttle, "429: slow down"},
        {500, "{}", true, failure::throttle, "500"},
        {502,
         "<html>bad gateway</html>",
         false,
         failure::throttle,
         "502 with an answer that is no JSON"},
        {403, "", false, failure::auth, "403 with an answer that is no JSON"},
        {200, "<html>hello</html>", false, failure::throttle, "200 with an answer that is no JSON"},
        {200, "{}", true, failure::throttle, "200 without a usable token"},
        {200, "[]", true, failure::throttle, "200 without a usable token"},
        {200, R"({"accessToken":"a b"})", true, failure::throttle, "200 without a usable token"},
        {200,
         R"({"accessToken":"a\r\nX: y"})",
         true,
         failure::throttle,
         "200 without a usable token"},
        {200,
         R"({"accessToken":"t","expiresIn":0})",
         true,
         failure::throttle,
         "a token that is expired already (it lasts 0 s)"},
        {200,
         R"({"accessToken":"t","expiresIn":-60})",
         true,
         failure::throttle,
         "a token that is expired already (it lasts -60 s)"},
    };

    for (const auto& [status, body, is_json, kind, why] : rows) {
        CAPTURE(body);
        const auto got = read(status, body);
        CHECK_FALSE(got.token);
        CHECK(got.is_json == is_json);
        CHECK(got.kind == kind);
        CHECK(got.why == why);
    }
}

TEST_CASE("what an error says is told only if it is short") {
    CHECK(read(401, "{\"error\":\"" + std::string(121, 'x') + "\"}").why == "401");
    CHECK(read(401, R"({"error":{"deep":"no"}})").why == "401");
}

TEST_CASE("the tenant of a token that is none, or names none, is empty") {
    CHECK(tenant_of(jwt) == "tenant1");
    CHECK(tenant_of("") == "");
    CHECK(tenant_of("one.two") == "");
    CHECK(tenant_of("..") == "");
    CHECK(tenant_of("a.!!!.c") == "");
    CHECK(tenant_of("a.eyJ0ZW5hbnRJZCI6NX0.c") == ""); // a number
}
}
