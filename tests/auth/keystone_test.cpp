#include "auth/keystone.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace monarc;
using namespace monarc::auth;

namespace {

std::string body_of(const keystone_login& login) {
    return std::string(login_body(login).reveal());
}

keystone_login user() {
    return {.user_name = "u", .user_domain = {.name = "D"}, .password = secret("p\"\xc3\xb6")};
}

constexpr std::string_view who =
    R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"u","domain":{"name":"D"},"password":"p\"ö"}}})";

transport::http_answer issued(std::string body, std::string token = "issued") {
    transport::http_answer answer;
    answer.status = 201;
    answer.body = std::move(body);
    answer.subject_token = std::move(token);
    return answer;
}

constexpr std::string_view whole_token = R"({"token":{
    "issued_at":"2026-11-21T20:39:44.000000Z","expires_at":"2026-11-21T21:39:44.000000Z",
    "project":{"id":"4a24"},"roles":[{"name":"monasca-user"},{"name":"admin"}],
    "catalog":[
        {"type":"identity","name":"keystone","endpoints":[]},
        {"type":"monitoring","name":"monasca","endpoints":[
            {"interface":"public","region_id":"One","region":"x","url":"http://one/v2.0"},
            {"interface":"internal","region":"One","url":"http://inside/v2.0"},
            {"interface":"public","region_id":"Two","url":"http://two/v2.0"}]}]}})";

} // namespace

TEST_SUITE("auth/keystone") {
TEST_CASE("a user by name brings its domain, by id none; the id wins") {
    auto login = user();
    CHECK(body_of(login) == std::string(who) + "}}");

    login.user_id = "I";
    CHECK(
        body_of(login) ==
        R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"I","password":"p\"ö"}}}}})");

    login = user();
    login.user_domain = {.id = "d", .name = "D"};
    CHECK(body_of(login).find(R"("domain":{"id":"d"})") != std::string::npos);

    login.user_domain = {};
    CHECK(body_of(login).find("domain") == std::string::npos);
}

TEST_CASE("a project wins over a domain, a domain over a trust; the id over the name") {
    struct row {
        keystone_login login;
        std::string scope;
    };
    const auto with = [](auto set) {
        auto login = user();
        set(login);
        return login;
    };
    const row rows[] = {
        {with([](auto& l) {
             l.project_name = "P";
             l.project_domain.name = "PD";
             l.domain.name = "X";
         }),
         R"({"project":{"name":"P","domain":{"name":"PD"}}})"},
        {with([](auto& l) {
             l.project_id = "i";
             l.project_name = "P";
             l.project_domain.id = "pd";
         }),
         R"({"project":{"id":"i"}})"},
        {with([](auto& l) {
             l.domain.id = "x";
             l.trust_id = "t";
         }),
         R"({"domain":{"id":"x"}})"},
        {with([](auto& l) { l.trust_id = "t"; }), R"({"OS-TRUST:trust":{"id":"t"}})"},
        {with([](auto& l) { l.is_for_system = true; }), R"({"system":{"all":true}})"}};

    for (const auto& [login, scope] : rows) {
        CHECK(body_of(login) == std::string(who) + R"(,"scope":)" + scope + "}}");
    }
}

TEST_CASE("a token for a token") {
    CHECK(
        body_of({.method = keystone_method::token, .token = secret("t"), .project_id = "p"}) ==
        R"({"auth":{"identity":{"methods":["token"],"token":{"id":"t"}},"scope":{"project":{"id":"p"}}}})");
}

TEST_CASE("an application credential has no scope, by name it has its user") {
    keystone_login login{
        .method = keystone_method::application_credential,
        .user_name = "u",
        .user_domain = {.id = "d"},
        .credential_name = "n",
        .credential_secret = secret("s"),
        .project_id = "p"};
    CHECK(
        body_of(login) ==
        R"({"auth":{"identity":{"methods":["application_credential"],"application_credential":{"name":"n","user":{"name":"u","domain":{"id":"d"}},"secret":"s"}}}})");

    login.credential_id = "i";
    CHECK(
        body_of(login) ==
        R"({"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"i","secret":"s"}}}})");
}

TEST_CASE("what is shown of a login has stars for its secrets") {
    auto login = user();
    CHECK(shown_login_body(login).find(R"("password":"***")") != std::string::npos);
    CHECK(shown_login_body(login).find("p\\\"") == std::string::npos);

    login.method = keystone_method::token;
    login.token = secret("older-token");
    CHECK(shown_login_body(login).find("older-token") == std::string::npos);
}

TEST_CASE("an answer gives the token, how long it lives, its project, roles and catalogue") {
    const auto token = read_token(issued(std::string(whole_token)));

    REQUIRE(token.has_value());
    CHECK(token->token == secret("issued"));
    CHECK(token->life == std::chrono::hours(1));
    CHECK(token->project_id == "4a24");
    CHECK(token->roles == std::vector<std::string>{"monasca-user", "admin"});
    CHECK(token->catalogue.size() == 2);
}

TEST_CASE("the endpoint is the first of the type with interface and region") {
    const auto token = read_token(issued(std::string(whole_token)));
    const auto url =
        [&](std::string_view type, std::string_view interface, std::string_view region) {
            const auto* const found = find_endpoint(token->catalogue, type, interface, region);
            return found == nullptr ? std::string("none") : found->url;
        };

    CHECK(url("monitoring", "public", "") == "http://one/v2.0");
    CHECK(url("monitoring", "public", "Two") == "http://two/v2.0");
    CHECK(url("monitoring", "internal", "One") == "http://inside/v2.0");
    CHECK(url("monitoring", "admin", "") == "none");
    CHECK(url("monitoring", "public", "Mars") == "none");
    CHECK(url("identity", "public", "") == "none");
    CHECK(url("nothing", "public", "") == "none");
}

TEST_CASE("an answer that is none is refused, whatever it looks like") {
    const std::string body(whole_token);
    for (const std::string& text :
         {"", "{}", "[]", "null", "<html>", R"({"token":5})", R"({"token":null})"}) {
        CAPTURE(text);
        CHECK(read_token(issued(text)).error() == errc::bad_data);
    }
    CHECK(read_token(issued(body, "")).error() == errc::bad_data);
    CHECK(read_token(issued(body, "with blank")).error() == errc::bad_data);
    CHECK(read_token(issued(body, std::string(8000, 't'))).has_value());
    CHECK(read_token(issued(body, std::string(8001, 't'))).error() == errc::too_large);
    CHECK(read_token(issued(std::string(2'000'000, '['))).error() == errc::bad_data);
}

TEST_CASE("odd parts of an answer are left out") {
    for (
        const std::string text :
        {R"({"token":{}})",
         R"({"token":{"catalog":5,"roles":{},"project":[],"issued_at":"x","expires_at":7}})",
         R"({"token":{"issued_at":"2026-11-21T20:39:44Z","expires_at":"2020-11-21T20:39:44Z"}})"}) {
        CAPTURE(text);
        const auto token = read_token(issued(text));
        REQUIRE(token.has_value());
        CHECK(token->life == std::chrono::seconds(0));
        CHECK(token->catalogue.empty());
    }
    const auto token =
        read_token(issued(R"({"token":{"catalog":[5,{"type":"t","endpoints":[7]}]}})"));
    REQUIRE(token.has_value());
    CHECK(token->catalogue.size() == 2);
}

TEST_CASE("the newest v3 of both forms of version document") {
    const auto version = [](const std::string& id, const std::string& href) {
        return R"({"id":")" + id + R"(","links":[{"rel":"self","href":")" + href + R"("}]})";
    };
    const auto one = version("v3.14", "http://k/v3/");

    CHECK(*newest_v3(R"({"version":)" + one + "}") == "http://k/v3/");
    CHECK(
        *newest_v3(
            R"({"versions":{"values":[)" + version("v2.0", "http://k/v2.0/") + "," +
            version("v3.9", "http://k/old/") + "," + one + "]}}") == "http://k/v3/");
    for (const std::string& text :
         {std::string("<html>"),
          std::string("{}"),
          R"({"version":)" + version("v2.0", "http://k/v2.0/") + "}",
          std::string(R"({"version":{"id":"v3.1"}})"),
          std::string(R"({"version":{"id":"v3.1","links":[{"rel":"other","href":"x"}]}})"),
          std::string(R"({"versions":{"values":[1,"a",null]}})")}) {
        CAPTURE(text);
        CHECK(newest_v3(text).error() == errc::bad_data);
    }
}

TEST_CASE("an error's message, else its title") {
    CHECK(error_message(R"({"error":{"code":401,"message":"m","title":"t"}})") == "m");
    CHECK(error_message(R"({"error":{"title":"t"}})") == "t");
    CHECK(error_message("<html>") == "");
    CHECK(error_message("{}") == "");
}
}
