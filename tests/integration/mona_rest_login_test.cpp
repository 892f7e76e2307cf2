// Mona's token service and its like: how tokens are had, replaced and lost (mona-rest.md section 2,
// delivery.md section 11).

#include "pipeline/rest_access.hpp"
#include "support/rest_receiver.hpp"
#include "support/three_counts.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::literals;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

constexpr auto fill = "fill"_class;
using answer = std::optional<rest_receiver::answer>;

exporter_options options_for(const rest_receiver& receiver, mona_rest_options rest = {}) {
    exporter_options options;
    rest.api_key = secret("the-key");
    if (rest.secret.is_empty()) {
        rest.secret = secret("the-secret");
    }
    rest.token_url = receiver.url("/auth");
    rest.host = receiver.host();
    rest.use_tls = false;
    rest.login_retry_wait = 10ms;
    options.mona = std::move(rest);
    options.queue.capacity = 4096;
    options.batch.max_delay = 1h; // a batch is what a flush seals
    options.response_timeout = 1s;
    options.log = [](const log_line&) {};
    return options;
}

const destination_stats& only(const exporter_stats& stats) {
    REQUIRE(stats.destinations.size() == 1);
    return stats.destinations[0];
}

std::string paths(const rest_receiver& receiver) {
    std::string all;
    for (const auto& one : receiver.requests()) {
        all += (all.empty() ? "" : " ") + one.path;
    }
    return all;
}

bool is_refused_by(const exporter& e) {
    return e.stats().destinations[0].state == health::rejected_credentials;
}

std::string bearer(std::string_view tenant, int number = 1) {
    return "Bearer " + jwt_of(tenant, number);
}

} // namespace

TEST_SUITE("integration/mona_rest_login") {
TEST_CASE("a key and its secret become a token, and the token's tenant the user") {
    rest_receiver receiver([](const rest_request& r) -> answer {
        return r.path == "/auth" ? answer(rest_receiver::token(jwt_of("tenant1"), "r1", 14'400))
                                 : std::nullopt;
    });
    application app;
    exporter e(options_for(receiver));

    for (int i = 0; i < 2; ++i) { // the first is encoded before the user is known
        app.count(e.push(fill(i), "a"_key = i));
        CHECK(e.flush(patience(5s)).is_clean());
    }

    CHECK(paths(receiver) == "/auth /export /export");
    const auto requests = receiver.requests();
    CHECK(requests[0].body == R"({"clientId":"the-key","secret":"the-secret"})");
    CHECK(requests[0].content_type == "application/json");
    for (const auto i : {1u, 2u}) {
        CHECK(requests[i].authorization == bearer("tenant1"));
        CHECK(requests[i].body.starts_with(R"({"userId":"tenant1","messages":[{)"));
    }
    CHECK(only(e.stats()).logins == 1);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("a user that the options name wins over the token's") {
    rest_receiver receiver([](const rest_request& r) -> answer {
        return r.path == "/auth" ? answer(rest_receiver::token(jwt_of("tenant1"), "r1", 14'400))
                                 : std::nullopt;
    });
    application app;
    exporter e(options_for(receiver, {.user_id = "mine"}));

    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());
    const auto where = pipeline::rest_sign_in(e, patience(5s));

    CHECK(receiver.requests_to("/export").at(0).body.starts_with(R"({"userId":"mine",)"));
    REQUIRE(where.has_value());
    CHECK(where->user_id == "mine");
    CHECK(where->url == receiver.url("/export"));
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("OIDC logs in with a form, and again when the token's time is over") {
    rest_receiver receiver([](const rest_request& r) -> answer {
        if (r.path != "/auth") {
            return std::nullopt;
        }
        return rest_receiver::reply(
            200,
            fmt::format(
                R"({{"access_token":"oidc-{}","expires_in":{}}})",
                r.number,
                r.number == 1 ? 1 : 3600));
    });
    application app;
    exporter e(options_for(
        receiver, {.user_id = "u1", .auth = mona_auth_mode::oidc, .oidc_scope = "mona"}));

    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());
    std::this_thread::sleep_for(1200ms);
    app.count(e.push(fill(2), "a"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());

    CHECK(paths(receiver) == "/auth /export /auth /export");
    const auto requests = receiver.requests();
    CHECK(
        requests[0].body == "client_id=the-key&client_secret=the-secret&grant_type="
                            "client_credentials&scope=mona");
    CHECK(requests[0].content_type == "application/x-www-form-urlencoded");
    CHECK(requests[1].authorization == "Bearer oidc-1");
    CHECK(requests[3].authorization == "Bearer oidc-2");
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("a token given by hand is used as it is; 401 to it is class auth") {
    std::atomic<bool> is_refused{false};
    rest_receiver receiver([&](const rest_request&) -> answer {
        return is_refused ? answer(rest_receiver::reply(401)) : std::nullopt;
    });
    application app;
    exporter e(options_for(
        receiver, {.user_id = "u1", .secret = secret("tok-123"), .auth = mona_auth_mode::token}));

    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());
    is_refused = true;
    app.count(e.push(fill(2), "a"_key = 1));
    CHECK(e.flush(50ms).pending == 1);
    CHECK(wait_until([&] { return is_refused_by(e); }, patience(5s)));

    CHECK(paths(receiver) == "/export /export");
    CHECK(receiver.requests()[0].authorization == "Bearer tok-123");
    e.close(0ms);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-11.5 a token whose time is over is refreshed, and by a login where that fails") {
    for (const bool can_refresh : {true, false}) {
        CAPTURE(can_refresh);
        rest_receiver receiver([&](const rest_request& r) -> answer {
            if (r.path == "/auth") {
                return rest_receiver::token(
                    jwt_of("tenant1", static_cast<int>(r.number)), "r1", r.number == 1 ? 1 : 3600);
            }
            if (r.path == "/auth/token/refresh") {
                return can_refresh ? rest_receiver::token(jwt_of("tenant1", 7), "r2", 3600)
                                   : rest_receiver::reply(403, R"({"errors":["no"]})");
            }
            return std::nullopt;
        });
        application app;
        exporter e(options_for(receiver));

        app.count(e.push(fill(1), "a"_key = 1));
        CHECK(e.flush(patience(5s)).is_clean());
        std::this_thread::sleep_for(1200ms);
        app.count(e.push(fill(2), "a"_key = 1));
        CHECK(e.flush(patience(5s)).is_clean());

        CHECK(
            paths(receiver) == (can_refresh ? "/auth /export /auth/token/refresh /export"
                                            : "/auth /export /auth/token/refresh /auth /export"));
        CHECK(receiver.requests_to("/auth/token/refresh")[0].body == R"({"refreshToken":"r1"})");
        CHECK(
            receiver.requests_to("/export")[1].authorization ==
            bearer("tenant1", can_refresh ? 7 : 2));
        check_rest_ledger(app, e.stats(), receiver);
    }
}

TEST_CASE("with refresh tokens switched off there is a new login") {
    rest_receiver receiver([&](const rest_request& r) -> answer {
        return r.path == "/auth"
                   ? answer(rest_receiver::token(jwt_of("tenant1"), "r1", r.number == 1 ? 1 : 3600))
                   : std::nullopt;
    });
    application app;
    exporter e(options_for(receiver, {.use_refresh_tokens = false}));

    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());
    std::this_thread::sleep_for(1200ms);
    app.count(e.push(fill(2), "a"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());

    CHECK(paths(receiver) == "/auth /export /auth /export");
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("F17 after a 401 the token is replaced and the payload sent again at once") {
    rest_receiver receiver([](const rest_request& r) -> answer {
        if (r.path == "/auth") {
            return rest_receiver::token(jwt_of("tenant1", 1), "r1", 14'400);
        }
        if (r.path == "/auth/token/refresh") {
            return rest_receiver::token(jwt_of("tenant1", 2), "r2", 14'400);
        }
        return r.authorization == bearer("tenant1", 1) ? answer(rest_receiver::reply(401))
                                                       : std::nullopt;
    });
    application app;
    exporter e(options_for(receiver));

    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(patience(10s)).is_clean());

    CHECK(paths(receiver) == "/auth /export /auth/token/refresh /export");
    CHECK(only(e.stats()).delivered == 1);
    CHECK(only(e.stats()).logins == 2);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE(
    "F17 a second 401 with a fresh token is class auth: the data is kept, nobody is hammered") {
    rest_receiver receiver([](const rest_request& r) -> answer {
        return r.path == "/export"
                   ? rest_receiver::reply(401)
                   : rest_receiver::token(
                         jwt_of("tenant1", static_cast<int>(r.number)), "r", 14'400);
    });
    application app;
    exporter e(options_for(receiver));

    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(50ms).pending == 1);
    CHECK(wait_until([&] { return is_refused_by(e); }, patience(10s)));
    std::this_thread::sleep_for(300ms);

    CHECK(receiver.requests_to("/export").size() == 2);
    CHECK(only(e.stats()).last_error.find("401") != std::string::npos);
    e.close(0ms);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("a token service that answers HTML, 500 or an expired token is asked again, data kept") {
    struct row {
        std::string name;
        rest_receiver::answer first;
        std::string why;
    };
    const row rows[] = {
        {"HTML",
         rest_receiver::reply(200, "<html>hello</html>"),
         "200 with an answer that is no JSON"},
        {"500 in HTML", rest_receiver::reply(500, "<html/>"), "500 with an answer that is no JSON"},
        {"500 in JSON", rest_receiver::reply(500, R"({"message":"broken"})"), "500: broken"},
        {"an expired token",
         rest_receiver::token(jwt_of("tenant1"), "r", 0),
         "a token that is expired already (it lasts 0 s)"},
        {"a token without a tenant",
         rest_receiver::reply(200, R"({"accessToken":"t"})"),
         "the token names no tenant: set mona.user_id"},
        {"silence", rest_receiver::silence(), "no answer in time"},
    };
    for (const auto& [name, first, why] : rows) {
        CAPTURE(name);
        rest_receiver receiver([&, said = first](const rest_request& r) -> answer {
            if (r.path != "/auth") {
                return std::nullopt;
            }
            return r.number == 1 ? said : rest_receiver::token(jwt_of("tenant1"), "r", 14'400);
        });
        log_book log;
        application app;
        auto options = options_for(receiver, {.login_retries = 0});
        options.log = log.writer();
        exporter e(options);

        app.count(e.push(fill(1), "a"_key = 1));
        CHECK(e.flush(patience(20s)).is_clean());

        CHECK(log.count(why) == 1);
        CHECK(only(e.stats()).failed_logins == 1);
        CHECK(receiver.requests_to("/auth").size() == 2);
        check_rest_ledger(app, e.stats(), receiver);
    }
}

TEST_CASE("within one login an answer that is no JSON is asked for again, a JSON error is not") {
    rest_receiver receiver([](const rest_request& r) -> answer {
        if (r.path != "/auth") {
            return std::nullopt;
        }
        return r.number < 3 ? rest_receiver::reply(502, "<html>bad gateway</html>")
                            : rest_receiver::token(jwt_of("tenant1"), "r", 14'400);
    });
    application app;
    exporter e(options_for(receiver));

    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(patience(10s)).is_clean());

    CHECK(paths(receiver) == "/auth /auth /auth /export");
    CHECK(only(e.stats()).failed_logins == 0);

    rest_receiver refusing([](const rest_request&) {
        return rest_receiver::reply(401, R"({"errors":["Invalid authentication"]})");
    });
    exporter refused(options_for(refusing));
    refused.push(fill(1), "a"_key = 1);
    CHECK(refused.flush(50ms).pending == 1);
    CHECK(wait_until([&] { return is_refused_by(refused); }, patience(5s)));
    std::this_thread::sleep_for(1500ms);
    CHECK(paths(refusing) == "/auth"); // D-11.3: clouds lock accounts
    CHECK(
        only(refused.stats()).last_error.find("401: Invalid authentication") != std::string::npos);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("F18 while a token is valid sending goes on, whatever the token service does") {
    rest_receiver receiver([](const rest_request& r) -> answer {
        if (r.path == "/auth" && r.number == 1) {
            return rest_receiver::token(jwt_of("tenant1"), "", 3600);
        }
        return r.path == "/auth" ? answer(rest_receiver::silence()) : std::nullopt;
    });
    application app;
    // Due as soon as that may be, a second after the login.
    exporter e(options_for(receiver, {.refresh_margin = 3600s}));

    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());
    std::this_thread::sleep_for(1200ms);
    for (int i = 0; i < 3; ++i) {
        app.count(e.push(fill(i), "a"_key = 1));
        CHECK(e.flush(patience(5s)).is_clean());
    }

    CHECK(receiver.requests_to("/auth").size() >= 2);
    CHECK(receiver.requests_to("/export").size() == 4);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-1.4 a token that cannot be replaced is said once, and that it could be in the end") {
    rest_receiver receiver([](const rest_request& r) -> answer {
        if (r.path != "/auth") {
            return std::nullopt;
        }
        return r.number == 1 || r.number > 3 ? rest_receiver::token(jwt_of("tenant1"), "", 3600)
                                             : rest_receiver::reply(503, R"({"message":"broken"})");
    });
    log_book log;
    application app;
    // Due as soon as that may be, a second after the login.
    auto options = options_for(receiver, {.refresh_margin = 3600s});
    options.log = log.writer();
    exporter e(options);

    const auto begin = steady::now();
    for (int i = 0; log.count("a new token") == 0 && since(begin) < patience(20s); ++i) {
        app.count(e.push(fill(i), "a"_key = 1));
        CHECK(e.flush(patience(5s)).is_clean());
        std::this_thread::sleep_for(50ms);
    }

    const auto failed = only(e.stats()).failed_logins;
    CHECK(failed >= 1);
    CHECK(log.count("503: broken; the present token goes on being used") == 1);
    CHECK(log.count(fmt::format("/auth: a new token after {} failed logins", failed)) == 1);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-6.4 a token service that wants to be left alone is, whatever it answers") {
    for (const auto* const body : {"<html>later</html>", R"({"message":"later"})"}) {
        rest_receiver receiver([&](const rest_request& r) -> answer {
            if (r.path != "/auth") {
                return std::nullopt;
            }
            return r.number == 1 ? rest_receiver::reply(429, body, {{"Retry-After", "2"}})
                                 : rest_receiver::token(jwt_of("tenant1"), "r", 14'400);
        });
        application app;
        exporter e(options_for(receiver));
        const auto begin = steady::now();
        app.count(e.push(fill(1), "a"_key = 1));
        CHECK(e.flush(patience(20s)).is_clean());

        CHECK(since(begin) >= 2s);
        CHECK(paths(receiver) == "/auth /auth /export");
        CHECK(only(e.stats()).failed_logins == 1);
        check_rest_ledger(app, e.stats(), receiver);
    }
}

TEST_CASE("close ends a login that hangs") {
    rest_receiver receiver([](const rest_request&) { return rest_receiver::silence(); });
    application app;
    auto options = options_for(receiver);
    options.response_timeout = 60s;
    exporter e(options);
    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(100ms).pending == 1);

    const auto begin = steady::now();
    e.close(100ms);

    CHECK(since(begin) < patience(350ms) + 650ms);
    CHECK(only(e.stats()).dropped[reason::shutdown] == 1);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-11.8 no line of the log and no last_error holds a token, the key or its secret") {
    const auto echo = [](const rest_request& r) {
        return "{\"error\":\"you sent the-secret of the-key\",\"got\":\"" + r.authorization + "\"}";
    };
    std::atomic<int> turn{0};
    rest_receiver receiver([&](const rest_request& r) -> answer {
        if (r.path == "/auth") {
            return r.number == 1 ? rest_receiver::reply(500, echo(r))
                                 : rest_receiver::token(jwt_of("tenant1"), "refresh-token", 14'400);
        }
        switch (turn++) {
        case 0: return rest_receiver::reply(503, echo(r), {{"Retry-After", "0"}});
        case 1: return rest_receiver::reply(409, echo(r));
        default: return std::nullopt;
        }
    });
    std::mutex lock;
    std::string said;
    auto options = options_for(receiver, {.login_retries = 0});
    options.log = [&](const log_line& line) {
        const std::lock_guard guard(lock);
        said += std::string(line.text) + '\n';
    };
    application app;
    {
        exporter e(options);
        app.count(e.push(fill(1), "a"_key = 1));
        CHECK(e.flush(patience(20s)).dead == 1);
        const auto stats = e.stats();
        const std::lock_guard guard(lock);
        said += stats.destinations[0].last_error;
        check_rest_ledger(app, stats, receiver);
    }

    const std::lock_guard guard(lock);
    CHECK(said.find("409") != std::string::npos);
    for (const auto& hidden :
         {std::string("the-secret"),
          std::string("the-key"),
          jwt_of("tenant1"),
          std::string("refresh-token")}) {
        CHECK(said.find(hidden) == std::string::npos);
    }
}

TEST_CASE("a secret that stands in the words of an answer changes nothing of what it means") {
    rest_receiver receiver([](const rest_request&) {
        return rest_receiver::reply(400, R"({"failed":1,"failure_reasons":{"1":"failed"}})");
    });
    application app;
    exporter e(options_for(
        receiver,
        {.user_id = "u1",
         .secret = secret("failed"),
         .auth = mona_auth_mode::token,
         .merge = merge_mode::off}));

    app.count(e.push(fill(1), "a"_key = 1));
    app.count(e.push(fill(2), "a"_key = 1));
    const auto flushed = e.flush(patience(10s));

    CHECK(flushed.delivered == 1);
    CHECK(flushed.dead == 1);
    CHECK(receiver.requests().size() == 1);
    CHECK(only(e.stats()).last_error.find("\"***\"") != std::string::npos);
    check_rest_ledger(app, e.stats(), receiver);
}
}
