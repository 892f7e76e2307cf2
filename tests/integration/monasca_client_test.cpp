// The client of Monasca's API against a receiver that answers as the test says.

#include "support/monasca_receiver.hpp"

#include <monarc/monasca_client.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

using namespace monarc;
using namespace monarc::support;
using namespace monarc::monasca;

namespace {

// Answers everything with one status and body; keeps what was asked.
struct scene {
    explicit scene(int status, std::string body) {
        receiver.on_request([=](const monasca_request&, monasca_reaction& reaction) {
            reaction.refuse(status, {{"Content-Type", "application/json"}}, body);
        });
        receiver.start();
    }
    client connect() const {
        return client(
            {.url = receiver.url(),
             .login = login_method::fixed_token,
             .token = secret("a-token")});
    }
    std::string target() const {
        const auto last = receiver.requests().back().http;
        return last.path + (last.query.empty() ? "" : '?' + last.query);
    }
    std::string method() const { return receiver.requests().back().http.method; }
    std::string body() const { return receiver.requests().back().http.body; }

    monasca_receiver receiver;
};

} // namespace

TEST_SUITE("integration/monasca_client") {
TEST_CASE("metrics that are created arrive as the store wants them, values and all") {
    monasca_receiver receiver;
    receiver.start();
    client c(
        {.url = receiver.url(), .login = login_method::fixed_token, .token = secret("a-token")});

    CHECK(c.metrics().create({.name = "m", .value = 1.5, .dimensions = {{"a", "b"}}}).get());
    CHECK(
        c.metrics()
            .create_json(R"([{"name":"n","timestamp":)" + std::to_string(1'000) + R"(,"value":2}])")
            .get());
    const auto nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(!c.metrics().create({.name = "m", .value = nan}).get());

    CHECK(receiver.requests().size() == 2);
    CHECK(receiver.summary().find("m")->sum == 1.5);
    CHECK(receiver.measurements()[0].what.dimensions.size() == 1);
    CHECK(receiver.connections() == 1);
}

TEST_CASE("a request that is thrown away sends nothing, one that is asked twice sends twice") {
    scene s(200, R"({"links":[],"elements":[]})");
    auto c = s.connect();
    {
        auto unused = c.metrics().list();
        (void)unused;
    }
    CHECK(s.receiver.requests().empty());

    auto names = c.metrics().list_names({.dimensions = {{"a", "b"}, {"c", ""}}, .limit = "5"});
    CHECK(names.get());
    CHECK(names.get());
    CHECK(s.receiver.requests().size() == 2);
    CHECK(s.target() == "/v2.0/metrics/names?dimensions=a%3Ab%2Cc&limit=5");
}

TEST_CASE("lists are elements with the JSON they came as") {
    scene s(
        200,
        R"({"links":[{"rel":"next","href":"http://elsewhere/x/metrics?offset=1&name=a"}],)"
        R"("elements":[{"id":"0","name":"a","dimensions":{"h":"x","n":5}},{"odd":true}]})");
    auto c = s.connect();
    const auto got = c.metrics().list({.name = "a", .extra = {{"start_time", "t"}}}).get();

    REQUIRE(got);
    REQUIRE(got->elements.size() == 2);
    CHECK(got->elements[0].name == "a");
    CHECK(got->elements[0].dimensions == ordered_pairs{{"h", "x"}, {"n", "5"}});
    CHECK(got->elements[1].name == "");
    CHECK(got->elements[1].json == R"({"odd":true})");
    CHECK(s.target() == "/v2.0/metrics?name=a&start_time=t");

    const auto after = c.follow(*got).get();
    REQUIRE(after);
    CHECK(s.target() == "/v2.0/metrics?offset=1&name=a"); // the API's own address
    CHECK(after->path == "/metrics");
}

TEST_CASE("measurements and statistics") {
    {
        scene s(
            200,
            R"({"links":[],"elements":[{"name":"m","dimensions":{"a":"b"},"columns":["timestamp",)"
            R"("value","value_meta"],"measurements":[["t1",1.5,{"rc":"403"}],["t2",3,null]]}]})");
        const auto got =
            s.connect()
                .metrics()
                .list_measurements({.name = "m", .start_time = "t", .merge_metrics = true})
                .get();
        REQUIRE(got);
        const auto& values = got->elements.at(0).values;
        REQUIRE(values.size() == 2);
        CHECK(values[0].value == 1.5);
        CHECK(values[0].value_meta == ordered_pairs{{"rc", "403"}});
        CHECK(values[1].timestamp == "t2");
        CHECK(s.target() == "/v2.0/metrics/measurements?name=m&start_time=t&merge_metrics=True");
    }
    scene s(
        200, R"([{"name":"m","columns":["avg","timestamp","max"],"statistics":[[1,"t",2.5]]}])");
    const auto got = s.connect()
                         .metrics()
                         .list_statistics({.name = "m", .start_time = "t", .statistics = "avg,max"})
                         .get();
    REQUIRE(got);
    CHECK(got->elements.at(0).columns == std::vector<std::string>{"avg", "max"});
    CHECK(got->elements.at(0).values.at(0).timestamp == "t");
    CHECK(got->elements.at(0).values.at(0).values == std::vector<double>{1, 2.5});
}

TEST_CASE("notifications, definitions and alarms go where they belong") {
    scene s(
        200,
        R"({"id":"1","name":"n","type":"EMAIL","period":60,"expression":"x>1",)"
        R"("actions_enabled":true,"match_by":["a"],"alarm_definition":{"id":"d","severity":"LOW"},)"
        R"("metrics":[{"name":"m","dimensions":{}}],"state":"OK"})");
    auto c = s.connect();

    auto notification =
        c.notifications().create({.name = "n", .type = "EMAIL", .address = "a@b"}).get();
    REQUIRE(notification);
    CHECK(notification->period == 60);
    CHECK(s.method() == "POST");
    CHECK(s.body() == R"({"name":"n","type":"EMAIL","address":"a@b"})");

    CHECK(c.notifications().patch("1", {.period = 0}).get());
    CHECK(s.body() == R"({"period":0})");
    CHECK(s.target() == "/v2.0/notification-methods/1");

    const auto definition =
        c.alarm_definitions().update("1", {.actions_enabled = false, .ok_actions = {{"i"}}}).get();
    REQUIRE(definition);
    CHECK(definition->actions_enabled);
    CHECK(definition->match_by == std::vector<std::string>{"a"});
    CHECK(s.method() == "PUT");
    CHECK(s.body() == R"({"actions_enabled":false,"ok_actions":["i"]})");

    const auto alarm = c.alarms().patch("1", {.state = "OK"}).get();
    REQUIRE(alarm);
    CHECK(alarm->definition_id == "d");
    CHECK(alarm->severity == "LOW");
    CHECK(alarm->metrics.at(0).name == "m");

    CHECK(c.alarms().remove("1").get());
    CHECK(s.method() == "DELETE");
    CHECK(s.target() == "/v2.0/alarms/1");
    CHECK(!c.alarms().list().get()); // no list
}

TEST_CASE("counts and history") {
    scene s(200, R"({"columns":["count","state"],"counts":[[7,"OK"],[1,null]]})");
    const auto counts = s.connect().alarms().count({.group_by = "state"}).get();
    REQUIRE(counts);
    CHECK(counts->columns == std::vector<std::string>{"count", "state"});
    CHECK(counts->rows.at(0) == std::vector<std::string>{"7", "OK"});
    CHECK(s.target() == "/v2.0/alarms/count?group_by=state");

    CHECK(!s.connect().alarms().history("1").get());
    CHECK(s.target() == "/v2.0/alarms/1/state-history");
}

TEST_CASE("an error carries status, title, description, address and code") {
    scene s(401, R"({"title":"Unauthorized","description":"no"})");
    auto c = s.connect();
    auto got = c.alarms().show("1").get();

    REQUIRE(!got);
    CHECK(got.error().status == 401);
    CHECK(got.error().code == errc::unauthorized);
    CHECK(got.error().title == "Unauthorized");
    CHECK(got.error().description == "no");
    CHECK(got.error().method == "GET");
    CHECK(got.error().url == s.receiver.url() + "/alarms/1");
    CHECK_THROWS_AS(got.value(), request_error);
    CHECK(s.receiver.requests().size() == 1); // a fixed token is not tried again
}

TEST_CASE("options that cannot work are refused at once, by name") {
    const auto wrong = [](client_options options) {
        try {
            client c(std::move(options));
        } catch (const std::system_error& why) {
            CHECK(why.code() == errc::bad_options);
            return std::string(why.what());
        }
        return std::string();
    };

    CHECK(wrong({.login = login_method::fixed_token}).starts_with("url must be set"));
    CHECK(wrong({}).starts_with("auth_url must be http"));
    CHECK(wrong({.url = "ftp://h", .auth_url = "http://k"}).starts_with("url must be http"));
    CHECK(wrong({.auth_url = "http://k", .token = secret("a b")}).starts_with("token must be"));
}
}
