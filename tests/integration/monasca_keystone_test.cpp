// The Monasca destination with a Keystone: who logs in and how often, what a token is sent to, what
// a 401 and an identity service in trouble do (delivery.md section 11, monasca-api.md section 7).

#include "support/keystone_scene.hpp"
#include "support/temporary_folder.hpp"
#include "support/tls_front.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

TEST_SUITE("integration/monasca_keystone") {
TEST_CASE("a login by name: the catalogue says where, its token goes with each request") {
    keystone_scene s;
    s.monasca.start();
    exporter e(s.options());
    open_each(e).push(1);
    CHECK(e.flush(patience(5s)).is_clean());

    const auto asked = s.keystone.requests();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].http.path == "/v3/auth/tokens");
    CHECK(asked[0].http.query.empty());
    CHECK(asked[0].http.field("Content-Type") == "application/json");
    CHECK(
        asked[0].http.body ==
        R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"agent",)"
        R"("domain":{"name":"Default"},"password":"s3cret-\"word"}}},"scope":{"project":)"
        R"({"name":"metrics","domain":{"name":"Default"}}}}})");
    CHECK(s.monasca.requests()[0].http.field("X-Auth-Token") == "fake-token-1");
    CHECK(only(e.stats()).logins == 1);
    CHECK(s.log.count("s3cret") == 0);
    CHECK(s.log.count("fake-token") == 0);
    check_all_arrived(e.stats(), s, 1);
}

TEST_CASE("who logs in: ids, domains by id and name, a token, an application credential") {
    struct row {
        std::function<void(monasca_options&)> change;
        std::string body; // behind {"auth":{"identity":
    };
    const row rows[] = {
        {[](auto& o) {
             o.user_id = "u1";
             o.project_id = "p1";
         },
         R"({"methods":["password"],"password":{"user":{"id":"u1","password":"s3cret-\"word"}}},)"
         R"("scope":{"project":{"id":"p1"}}}})"},
        {[](auto& o) {
             o.user_domain = "users";
             o.project_domain_id = "d2";
         },
         R"({"methods":["password"],"password":{"user":{"name":"agent","domain":{"name":"users"},)"
         R"("password":"s3cret-\"word"}}},"scope":{"project":{"name":"metrics","domain":)"
         R"({"id":"d2"}}}}})"},
        {[](auto& o) {
             o.user_domain_id = "d1";
             o.project = "";
         },
         R"({"methods":["password"],"password":{"user":{"name":"agent","domain":{"id":"d1"},)"
         R"("password":"s3cret-\"word"}}}}})"},
        {[](auto& o) {
             o.username = "";
             o.password = {};
             o.token = secret("older-token");
         },
         R"({"methods":["token"],"token":{"id":"older-token"}},"scope":{"project":)"
         R"({"name":"metrics","domain":{"name":"Default"}}}}})"},
        {[](auto& o) {
             o.username = "";
             o.password = {};
             o.credential_id = "c1";
             o.credential_secret = secret("c-secret");
         },
         R"({"methods":["application_credential"],"application_credential":{"id":"c1",)"
         R"("secret":"c-secret"}}}})"},
    };
    for (const auto& [change, body] : rows) {
        keystone_scene s;
        s.monasca.start();
        auto options = s.options();
        change(*options.monasca);
        exporter e(options);
        open_each(e).push(1);
        CHECK(e.flush(patience(5s)).is_clean());

        const auto asked = s.keystone.requests();
        REQUIRE(asked.size() == 1);
        CHECK(asked[0].http.body == R"({"auth":{"identity":)" + body);
        CHECK(s.log.count("older-token") + s.log.count("c-secret") == 0);
    }
}

TEST_CASE("without /v3 the address is asked for its versions, once, and a 300 answers") {
    keystone_scene s;
    s.monasca.start();
    auto options = s.options();
    options.monasca->auth_url = fmt::format("http://127.0.0.1:{}/", s.keystone.port());
    exporter e(options);
    const auto each = open_each(e);
    each.push(1);
    CHECK(e.flush(patience(5s)).is_clean());
    s.keystone.revoke_all();
    std::this_thread::sleep_for(10ms);
    each.push(2);
    CHECK(e.flush(patience(10s)).is_clean());

    const auto asked = s.keystone.requests();
    REQUIRE(asked.size() == 3);
    CHECK(asked[0].http.method == "GET");
    CHECK(asked[0].http.path == "/");
    CHECK(asked[1].http.path == "/v3/auth/tokens");
    CHECK(asked[2].http.path == "/v3/auth/tokens");
}

TEST_CASE("an address that is given wins over the catalogue, which then is not asked for") {
    keystone_scene s;
    s.keystone.set_service("http://127.0.0.1:1/elsewhere");
    s.monasca.start();
    auto options = s.options();
    options.monasca->url = s.monasca.url();
    exporter e(options);
    open_each(e).push(1);
    CHECK(e.flush(patience(5s)).is_clean());

    CHECK(s.keystone.requests()[0].http.query == "nocatalog");
    check_all_arrived(e.stats(), s, 1);
}

TEST_CASE("tenant_id goes once into each request; without the role for it a warning says so") {
    constexpr auto tenant = "fedcba9876543210fedcba9876543210";
    for (const bool may_delegate : {false, true}) {
        keystone_scene s;
        if (may_delegate) {
            s.keystone.set_roles(R"([{"name":"monasca-agent"},{"name":"monitoring-delegate"}])");
        }
        s.monasca.start();
        auto options = s.options();
        options.monasca->tenant_id = tenant;
        exporter e(options);
        open_each(e).push(1);
        CHECK(e.flush(patience(5s)).is_clean());

        CHECK(s.monasca.requests()[0].http.query == fmt::format("tenant_id={}", tenant));
        CHECK(s.monasca.measurements()[0].tenant == tenant);
        CHECK(s.log.count("monasca.tenant_id") == (may_delegate ? 0u : 1u));
    }
}

TEST_CASE("F17 a 401 once: one new login, the payload goes again, nothing is lost or logged loud") {
    keystone_scene s;
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    each.push(1);
    CHECK(e.flush(patience(5s)).is_clean());
    s.keystone.revoke_all();
    std::this_thread::sleep_for(10ms);
    each.push(2);
    CHECK(e.flush(patience(10s)).is_clean());

    CHECK(s.keystone.logins() == 2);
    CHECK(s.refused == 1);
    CHECK(only(e.stats()).retries == 0); // not counted as a failed attempt
    check_all_arrived(e.stats(), s, 2);
}

TEST_CASE("F17 four payloads that get their 401 together cause one login") {
    keystone_scene s;
    std::atomic<int> waiting{0};
    s.also = [&](const monasca_request& r, monasca_reaction& reaction) {
        if (r.http.field("X-Auth-Token") == "fake-token-1" && r.number > 1) {
            ++waiting;
            reaction.wait = 300ms; // so that all four are under way
        }
    };
    s.monasca.start();
    auto options = s.options();
    options.batch.max_records = 1;
    exporter e(options);
    const auto each = open_each(e);
    each.push(0);
    CHECK(e.flush(patience(5s)).is_clean());
    s.keystone.revoke_all();
    const auto now = std::chrono::system_clock::now();
    for (int i = 1; i <= 4; ++i) {
        each.at(now - std::chrono::seconds(i)).push(i);
    }
    CHECK(e.flush(patience(15s)).is_clean());

    CHECK(waiting == 4);
    CHECK(s.keystone.logins() == 2);
    check_all_arrived(e.stats(), s, 5);
}

TEST_CASE("F17 a 401 for ever: a second login, then the waits of class auth; the data stays") {
    keystone_scene s;
    s.also = [](const monasca_request&, monasca_reaction& r) {
        r.refuse(401, {{"Content-Type", "application/json"}}, token_401);
    };
    s.monasca.start();
    exporter e(s.options());
    open_each(e).push(1);
    CHECK(wait_until(
        [&] { return only(e.stats()).state == health::rejected_credentials; }, patience(10s)));
    std::this_thread::sleep_for(2s);

    CHECK(s.keystone.logins() == 2);
    CHECK(s.monasca.requests().size() == 2);
    CHECK(only(e.stats()).pending == 1);
    CHECK(e.close(0ms).dropped == 1);
    CHECK(e.stats().is_exact());
}

TEST_CASE("F17 a role that is lost is of class config: no login storm, and it resumes by itself") {
    keystone_scene s;
    std::atomic<bool> has_role{false};
    s.also = [&](const monasca_request&, monasca_reaction& r) {
        if (!has_role) {
            r.refuse(401, {{"Content-Type", "application/json"}}, role_401);
        }
    };
    s.monasca.start();
    exporter e(s.options());
    open_each(e).push(1);
    CHECK(wait_until([&] { return only(e.stats()).retries >= 2; }, patience(15s)));
    CHECK(only(e.stats()).state != health::rejected_credentials);
    has_role = true;
    CHECK(e.flush(patience(20s)).is_clean());

    CHECK(s.keystone.logins() == 1);
    check_all_arrived(e.stats(), s, 1);
}

TEST_CASE("F18 Keystone away while the token is valid: sending goes on") {
    keystone_scene s;
    s.keystone.set_life(4s); // refreshed after 2 s
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    each.push(0);
    CHECK(e.flush(patience(5s)).is_clean());
    s.keystone.set_life(1h);
    const auto begin = steady::now();
    s.keystone.stop();
    int pushed = 1;
    for (; since(begin) < 2500ms; ++pushed) {
        each.push(pushed);
        CHECK(e.flush(patience(5s)).is_clean());
        std::this_thread::sleep_for(100ms);
    }
    s.keystone.start();
    std::this_thread::sleep_for(2s);
    each.push(pushed++);
    CHECK(e.flush(patience(30s)).is_clean());

    const auto stats = e.stats();
    CHECK(only(stats).failed_logins >= 1);
    CHECK(s.log.count("the present token goes on being used") == 1);
    CHECK(s.keystone.issued() == 2);
    check_all_arrived(stats, s, static_cast<std::uint64_t>(pushed));
}

TEST_CASE("F18 Keystone away and no token: the data waits, and it resumes by itself") {
    for (const bool refuses : {false, true}) {
        keystone_scene s;
        if (refuses) {
            s.keystone.stop();
        } else {
            s.keystone.set_hook([](const auto&, sink::http_answer& answer) {
                answer.response = {503, {}, "in trouble"};
            });
        }
        s.monasca.start();
        exporter e(s.options());
        open_each(e).push(1);
        CHECK(wait_until([&] { return only(e.stats()).failed_logins >= 2; }, patience(15s)));
        CHECK(s.monasca.requests().empty());
        CHECK(only(e.stats()).pending == 1);
        CHECK(only(e.stats()).last_error.find("Keystone: ") == 0);
        if (refuses) {
            s.keystone.start();
        } else {
            s.keystone.set_hook({});
        }
        CHECK(e.flush(patience(30s)).is_clean());

        CHECK(s.keystone.issued() == 1);
        check_all_arrived(e.stats(), s, 1);
    }
}

TEST_CASE("D-11.3 a refused login waits long, and shows no secret that Keystone repeats") {
    keystone_scene s;
    s.keystone.set_hook([](const sink::http_request& r, sink::http_answer& answer) {
        answer.response = {401, {{"Content-Type", "application/json"}}, r.body};
    });
    s.monasca.start();
    exporter e(s.options());
    open_each(e).push(1);
    CHECK(wait_until(
        [&] { return only(e.stats()).state == health::rejected_credentials; }, patience(10s)));
    std::this_thread::sleep_for(2s);

    CHECK(s.keystone.logins() == 1);
    CHECK(s.log.count("401") == 1);
    CHECK(s.log.count("s3cret") == 0);
    CHECK(only(e.stats()).last_error.find("s3cret") == std::string::npos);
    e.retry_now(); // D-6.7: this is somebody who knows that it is worth it
    CHECK(wait_until([&] { return s.keystone.logins() == 2; }, patience(5s)));
    CHECK(e.close(0ms).dropped == 1);
}

TEST_CASE("a Keystone that answers anything else than a token is named, and the data waits") {
    struct row {
        sink::http_response answer;
        std::string told;
    };
    const row rows[] = {
        {{200, {{"Content-Type", "text/html"}}, "<html>hello</html>"}, "without a token"},
        {{201, {{"X-Subject-Token", "t"}}, "<html>"}, "without a token"},
        {{201, {{"X-Subject-Token", std::string(8001, 't')}}, "{\"token\":{}}"}, "8001 bytes"},
        {{201, {{"X-Subject-Token", "t"}}, "{\"token\":{}}"}, "of no project"},
        {{201, {{"X-Subject-Token", "t"}}, std::string(2u << 20, '[')}, "without a token"},
        {{404, {}, "not here"}, "404"},
    };
    for (const auto& one : rows) {
        keystone_scene s;
        s.keystone.set_hook([&](const auto&, sink::http_answer& a) { a.response = one.answer; });
        s.monasca.start();
        exporter e(s.options());
        open_each(e).push(1);
        CHECK(wait_until([&] { return s.log.count(one.told) >= 1; }, patience(10s)));

        CHECK(s.monasca.requests().empty());
        CHECK(e.close(0ms).dropped == 1);
        CHECK(e.stats().is_exact());
    }
}

TEST_CASE("F19 a redirect is not followed, by Monasca or by Keystone: the other sees no byte") {
    for (const int status : {301, 302, 307, 308}) {
        for (const bool by_keystone : {false, true}) {
            keystone_scene s;
            monasca_receiver decoy;
            decoy.start();
            const sink::http_fields there{{"Location", decoy.url() + "/metrics"}};
            if (by_keystone) {
                s.keystone.set_hook([&](const auto&, sink::http_answer& answer) {
                    answer.response = {status, there, ""};
                });
            } else {
                s.also = [&](const monasca_request&, monasca_reaction& r) {
                    r.refuse(status, there);
                };
            }
            s.monasca.start();
            exporter e(s.options());
            open_each(e).push(1);
            CHECK(wait_until(
                [&] { return s.log.count(fmt::format(": {} ", status)) >= 1; }, patience(10s)));

            CHECK(only(e.stats()).pending == 1);
            CHECK(e.close(0ms).dropped == 1);
            CHECK(decoy.connections() == 0);
        }
    }
}

TEST_CASE("F20 a catalogue is not believed about user information or link-local addresses") {
    monasca_receiver decoy;
    decoy.start();
    struct row {
        std::string address;
        std::string told;
    };
    const row rows[] = {
        {fmt::format("http://user:pass-word@127.0.0.1:{}/v2.0", decoy.port()), "user information"},
        {"http://169.254.169.254/v2.0", "169.254.169.254"},
        {"http://[fe80::1]/v2.0", "fe80::1"},
        {"http://mon.example/v2.0", "mon.example"}, // plain to another machine
        {"ftp://127.0.0.1/", "no http:// or https://"},
        {"", "no http:// or https://"},
    };
    for (const auto& one : rows) {
        keystone_scene s;
        s.keystone.set_service(one.address);
        exporter e(s.options());
        open_each(e).push(1);
        CHECK(wait_until([&] { return s.log.count(one.told) >= 1; }, patience(10s)));

        CHECK(s.log.count("pass-word") == 0);
        CHECK(only(e.stats()).state != health::rejected_credentials); // class config
        CHECK(only(e.stats()).pending == 1);
        CHECK(e.close(0ms).dropped == 1);
    }
    CHECK(decoy.connections() == 0);
}

TEST_CASE("F20 behind a Keystone with TLS no plain endpoint is used, another host with TLS is") {
    const temporary_folder folder;
    const certificate_authority authority("ours");
    const auto of_address = authority.issue({.addresses = {"127.0.0.1"}});
    const auto of_name = authority.issue({.hosts = {"localhost"}});
    const auto ca_file = folder.write("ca.pem", authority.certificate(), 0600);
    keystone_scene s;
    s.monasca.start();
    tls_front keystone(s.keystone.port(), {.own = of_address});
    tls_front monasca(s.monasca.port(), {.own = of_name});
    auto options = s.options();
    options.monasca->auth_url = fmt::format("https://127.0.0.1:{}/v3", keystone.port());
    options.tls.ca_file = ca_file;

    s.keystone.set_service(s.monasca.url());
    {
        exporter e(options);
        open_each(e).push(1);
        CHECK(wait_until([&] { return s.log.count("plain http") >= 1; }, patience(10s)));
        CHECK(e.close(0ms).dropped == 1);
        CHECK(s.monasca.connections() == 0);
    }
    options.monasca->catalogue = catalogue_mode::trust;
    {
        exporter e(options);
        open_each(e).push(2);
        CHECK(e.flush(patience(10s)).is_clean());
        CHECK(s.monasca.measurements().size() == 1);
    }
    options.monasca->catalogue = catalogue_mode::check;
    s.keystone.set_service(fmt::format("https://localhost:{}/v2.0", monasca.port()));
    {
        exporter e(options);
        open_each(e).push(3);
        CHECK(e.flush(patience(10s)).is_clean());
        CHECK(s.monasca.measurements().size() == 2);
        CHECK(monasca.handshakes() >= 1);
    }
}

TEST_CASE("D-11.6 proxies that the environment names are not used, and the log says so once") {
    keystone_scene s;
    s.monasca.start();
    monasca_receiver decoy;
    decoy.start();
    const auto proxy = fmt::format("http://127.0.0.1:{}", decoy.port());
    ::setenv("https_proxy", proxy.c_str(), 1);
    ::setenv("HTTP_PROXY", proxy.c_str(), 1);
    {
        exporter e(s.options());
        open_each(e).push(1);
        CHECK(e.flush(patience(5s)).is_clean());
    }
    ::unsetenv("https_proxy");
    ::unsetenv("HTTP_PROXY");

    CHECK(s.log.count("no proxy is used") == 1);
    CHECK(decoy.connections() == 0);
    CHECK(s.monasca.measurements().size() == 1);
}

// 15 s here; MONARC_TEST_TOKEN_SECONDS=120 is the run of two minutes.
TEST_CASE("D-11.2 tokens of 5 s under load: no loss, at most one login every two seconds") {
    const auto length = length_of_run("MONARC_TEST_TOKEN_SECONDS", 15s);
    keystone_scene s;
    s.keystone.set_life(5s);
    std::atomic<int> to_refuse{0};
    s.keystone.set_hook([&](const sink::http_request& r, sink::http_answer& answer) {
        if (r.method == "POST" && to_refuse > 0) {
            --to_refuse;
            answer.response = {503, {}, "in trouble"};
        }
    });
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    const auto begin = steady::now();
    std::uint64_t pushed = 0;
    bool has_refused = false;
    while (since(begin) < length) {
        pushed += each.push(static_cast<double>(pushed)) ? 1 : 0;
        if (!has_refused && since(begin) > length / 3) { // the old token is valid meanwhile
            has_refused = true;
            to_refuse = 1;
        }
        std::this_thread::sleep_for(3ms); // one of kind every has a millisecond of its own
    }
    CHECK(e.flush(patience(15s)).is_clean());

    const auto lasted = since(begin);
    const auto stats = e.stats();
    CHECK(stats.is_exact());
    CHECK(only(stats).delivered == pushed);
    CHECK(s.refused == 0); // never a token that had ended
    const auto asked = s.keystone.requests();
    CHECK(s.keystone.issued() <= 1 + static_cast<std::size_t>(lasted / 2200ms)); // 55 in 120 s
    CHECK(s.keystone.issued() >= static_cast<std::size_t>(length.count() / 6));
    CHECK(only(stats).logins == s.keystone.issued());
    CHECK(only(stats).failed_logins == 1);
    for (std::size_t i = 1; i < asked.size(); ++i) {
        const auto apart = asked[i].arrived - asked[i - 1].arrived;
        CHECK(apart > (asked[i - 1].status == 201 ? 1000ms : 400ms)); // never two for one token
    }
    MESSAGE(
        length.count() << " s, " << pushed << " records, " << asked.size() << " logins, "
                       << s.monasca.requests().size() << " requests");
}
}
