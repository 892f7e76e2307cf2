#include "sink/monasca_api.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <string>
#include <string_view>
#include <vector>

using namespace monarc;

namespace {

constexpr std::int64_t start = 1'795'262'400'000; // 2026-11-21T12:00:00Z

class api {
public:
    sink::http_response
    ask(const std::string& method, const std::string& target, const std::string& body = {}) {
        sink::http_request request;
        request.method = method;
        const auto mark = target.find('?');
        request.path = "/v2.0/" + target.substr(0, mark);
        request.query = mark == std::string::npos ? "" : target.substr(mark + 1);
        request.fields = {
            {"Host", "mon"}, {"X-Auth-Token", "t"}, {"Content-Type", "application/json"}};
        request.body = body;
        return served_.serve(request, now);
    }
    int status(const std::string& method, const std::string& target, const std::string& body = {}) {
        return ask(method, target, body).status;
    }
    std::string get(const std::string& target) {
        const auto response = ask("GET", target);
        CAPTURE(target);
        CHECK(response.status == 200);
        return response.body;
    }
    // The id of what must be made.
    std::string make(const std::string& target, const std::string& body) {
        const auto made = ask("POST", target, body);
        CAPTURE(made.body);
        REQUIRE(made.status == 201);
        return made.body.substr(7, 36);
    }
    void measure(const std::string& host, double value) {
        CHECK(
            status(
                "POST",
                "metrics",
                fmt::format(
                    R"({{"name":"cpu","dimensions":{{"host":"{}"}},"value":{},"timestamp":{}}})",
                    host,
                    value,
                    now)) == 204);
    }
    // `name` of each element, or what else a member is.
    std::vector<std::string> all(const std::string& target, const std::string& member) {
        simdjson::dom::parser parser;
        simdjson::dom::element page;
        REQUIRE(parser.parse(get(target)).get(page) == simdjson::SUCCESS);
        std::vector<std::string> found;
        for (const auto element : page["elements"])
            found.emplace_back(element.at_pointer("/" + member).get_string().value());
        return found;
    }

    std::int64_t now = start;

private:
    sink::monasca_api served_{{.seed = 3}};
};

using texts = std::vector<std::string>;

const std::string high =
    R"({"name":"high","expression":"max(cpu) > 10","match_by":["host"],"severity":"high"})";

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace

TEST_SUITE("sink/monasca_alarming") {
TEST_CASE("a notification method is made, shown, changed and deleted") {
    api a;
    const auto id =
        a.make("notification-methods", R"({"name":"n","type":"email","address":"a@b.example"})");
    const auto shown = a.get("notification-methods/" + id);
    CHECK(
        shown ==
        fmt::format(
            R"({{"id":"{0}","name":"n","type":"EMAIL","address":"a@b.example","period":0,)"
            R"("links":[{{"rel":"self","href":"http://mon/v2.0/notification-methods/{0}"}}]}})",
            id));
    const auto changed = a.ask("PATCH", "notification-methods/" + id, R"({"name":"m"})");
    CHECK(changed.status == 200);
    CHECK(has(changed.body, R"("name":"m","type":"EMAIL")"));
    CHECK(
        a.status(
            "PUT",
            "notification-methods/" + id,
            R"({"name":"w","type":"WEBHOOK","address":"https://h/x","period":60})") == 200);
    CHECK(a.all("notification-methods", "type") == texts{"WEBHOOK"});
    CHECK(a.status("DELETE", "notification-methods/" + id) == 204);
    for (const auto* method : {"GET", "DELETE"})
        CHECK(a.status(method, "notification-methods/" + id) == 404);
    CHECK(a.status("POST", "notification-methods/types") == 405);
}

TEST_CASE("whatever is wrong with a notification method is a 400, a name twice a 409") {
    api a;
    const auto refused = [&](const std::string& body) {
        const auto response = a.ask("POST", "notification-methods", body);
        CHECK(response.status == 400);
        return response.body;
    };
    CHECK(has(refused("["), "Request body is not valid JSON"));
    CHECK(has(refused("[]"), "expected a dictionary"));
    CHECK(has(refused("{}"), "required key not provided @ data['name']"));
    CHECK(
        has(refused(R"({"name":1,"type":"EMAIL","address":"a@b"})"),
            "expected str for dictionary value @ data['name']"));
    CHECK(has(
        refused(R"({"name":")" + std::string(251, 'n') + R"(","type":"EMAIL","address":"a@b"})"),
        "length of value must be at most 250"));
    CHECK(has(refused(R"({"name":"n","type":"EMAIL","address":"ab"})"), "not of correct format"));
    CHECK(has(refused(R"({"name":"n","type":"WEBHOOK","address":"ftp://h"})"), "scheme is not in"));
    CHECK(
        has(refused(R"({"name":"n","type":"EMAIL","address":"a@b","period":7})"),
            "7 is not in the configured list"));
    CHECK(has(refused(R"({"name":"n","type":"DOVE","address":"x"})"), "Not a valid notification"));
    const std::string good = R"({"name":"n","type":"EMAIL","address":"a@b"})";
    (void)a.make("notification-methods", good);
    const auto twice = a.ask("POST", "notification-methods", good);
    CHECK(twice.status == 409);
    CHECK(
        twice.body == R"({"title":"AlreadyExistsException","description":"A notification method )"
                      R"(with the name n already exists"})");
}

TEST_CASE("lists are sorted by id or as asked, in pages by a whole number") {
    api a;
    for (const auto* name : {"b", "c", "a"})
        (void)a.make(
            "notification-methods",
            fmt::format(R"({{"name":"{}","type":"EMAIL","address":"a@b"}})", name));
    auto ids = a.all("notification-methods", "id");
    CHECK(std::is_sorted(ids.begin(), ids.end()));
    CHECK(a.all("notification-methods?sort_by=name", "name") == texts{"a", "b", "c"});
    CHECK(a.all("notification-methods?sort_by=name%20desc", "name") == texts{"c", "b", "a"});
    const auto page = a.get("notification-methods?sort_by=name&limit=2");
    CHECK(has(
        page,
        R"({"rel":"next","href":"http://mon/v2.0/notification-methods?offset=2&sort_by=name&limit=2"})"));
    CHECK(a.all("notification-methods?offset=2&sort_by=name&limit=2", "name") == texts{"c"});
    CHECK_FALSE(has(a.get("notification-methods?offset=2&sort_by=name&limit=2"), "next"));
    CHECK(a.status("GET", "notification-methods?offset=x") == 422);
    CHECK(a.status("GET", "notification-methods?sort_by=colour") == 422);
    CHECK(a.status("GET", "notification-methods?sort_by=name%20up") == 422);
    CHECK(a.all("notification-methods?limit=0", "id").empty());
}

TEST_CASE("an alarm definition is made with defaults, shown, changed and deleted") {
    api a;
    const auto id = a.make("alarm-definitions", high);
    CHECK(
        a.get("alarm-definitions/" + id) ==
        fmt::format(
            R"({{"id":"{0}","name":"high","description":"","expression":"max(cpu) > 10",)"
            R"("deterministic":false,"match_by":["host"],"severity":"HIGH","actions_enabled":true,)"
            R"("alarm_actions":[],"ok_actions":[],"undetermined_actions":[],)"
            R"("links":[{{"rel":"self","href":"http://mon/v2.0/alarm-definitions/{0}"}}]}})",
            id));
    const auto changed = a.ask(
        "PATCH",
        "alarm-definitions/" + id,
        R"({"actions_enabled":false,"expression":"min(cpu) < 3","description":"d"})");
    CHECK(changed.status == 200);
    CHECK(has(changed.body, R"("description":"d","expression":"min(cpu) < 3")"));
    CHECK(has(changed.body, R"("actions_enabled":false)"));
    const auto put = [&](const std::string& match_by, const std::string& expression) {
        return a.status(
            "PUT",
            "alarm-definitions/" + id,
            R"({"name":"h","description":"","severity":"LOW","alarm_actions":[],"ok_actions":[],)"
            R"("undetermined_actions":[],"actions_enabled":true,"match_by":)" +
                match_by + R"(,"expression":")" + expression + "\"}");
    };
    CHECK(put(R"(["host"])", "max(cpu) > 1") == 200);
    CHECK(put(R"(["zone"])", "max(cpu) > 1") == 422);
    CHECK(put(R"(["host"])", "max(mem) > 1") == 422);
    CHECK(put(R"(["host"])", "max(cpu) > 1 or max(cpu) < 0") == 422);
    CHECK(a.status("PUT", "alarm-definitions/" + id, R"({"name":"h"})") == 422);
    CHECK(a.status("DELETE", "alarm-definitions/" + id) == 204);
    CHECK(a.status("GET", "alarm-definitions/" + id) == 404);
}

TEST_CASE("whatever is wrong with an alarm definition is a 422, a name twice a 409") {
    api a;
    const auto refused = [&](const std::string& members) {
        const auto response = a.ask("POST", "alarm-definitions", "{" + members + "}");
        CHECK(response.status == 422);
        return response.body;
    };
    CHECK(has(refused(R"("name":"n")"), "required key not provided @ data['expression']"));
    CHECK(
        refused(R"("name":"n","expression":"max(cpu")") ==
        R"({"title":"Invalid alarm expression","description":"parser failed on expression )"
        R"('max(cpu' at column 8: Expected \")\""})");
    const std::string good = R"("name":"n","expression":"cpu > 1",)";
    CHECK(has(refused(good + R"("severity":"huge")"), "data['severity']"));
    CHECK(has(refused(good + R"("match_by":"host")"), "data['match_by']"));
    CHECK(has(refused(good + R"("match_by":["_x"])"), "_x"));
    CHECK(has(refused(good + R"("ok_actions":[1])"), "data['ok_actions']"));
    CHECK(
        has(refused(good + R"("alarm_actions":["none"])"),
            "Non-existent notification id none submitted for ALARM notification action"));
    (void)a.make("alarm-definitions", high);
    CHECK(a.status("POST", "alarm-definitions", high) == 409);
    CHECK(a.status("GET", "alarm-definitions?severity=LOW|HUGE") == 422);
    CHECK(a.all("alarm-definitions?severity=LOW|HIGH", "name") == texts{"high"});
    CHECK(a.all("alarm-definitions?name=other", "name").empty());
}

TEST_CASE("an alarm appears for each value of match_by, and its state follows the values") {
    api a;
    const auto definition = a.make("alarm-definitions", high);
    CHECK(a.all("alarms", "id").empty());
    a.measure("a", 3);
    a.measure("b", 11);
    CHECK(a.all("alarms?sort_by=state", "state") == texts{"OK", "ALARM"});
    CHECK(a.all("alarms?state=alarm", "metrics/0/dimensions/host") == texts{"b"});
    CHECK(a.all("alarms?metric_dimensions=host:a", "state") == texts{"OK"});
    CHECK(a.all("alarms?metric_name=mem", "state").empty());
    CHECK(
        a.all("alarms?alarm_definition_id=" + definition + "&severity=HIGH", "state").size() == 2);
    CHECK(has(
        a.get("alarms?state=OK"),
        R"("lifecycle_state":null,"link":null,"state_updated_timestamp":"2026-11-21T12:00:00Z")"));

    a.now += 90'000; // the period with 11 is over
    a.measure("b", 2);
    CHECK(a.all("alarms", "state") == texts{"OK", "OK"});
    const auto history = a.all("alarms/state-history?dimensions=host:b", "new_state");
    CHECK(history == texts{"ALARM", "OK"});
    CHECK(has(
        a.get("alarms/state-history"),
        R"("reason":"Thresholds were exceeded for the sub-alarms: max(cpu) > 10 with the values: [11]")"));
    CHECK(a.status("DELETE", "alarm-definitions/" + definition) == 204);
    CHECK(a.all("alarms", "id").empty());
}

TEST_CASE("a metric without a value to match, or without its partners, makes no alarm") {
    api a;
    (void)a.make(
        "alarm-definitions", R"({"name":"z","expression":"max(cpu) > 1","match_by":["zone"]})");
    (void)a.make("alarm-definitions", R"({"name":"p","expression":"cpu > 1 and mem > 1"})");
    a.measure("a", 3);
    CHECK(a.all("alarms", "id").empty());
    CHECK(
        a.status("POST", "metrics", R"({"name":"mem","value":5,"timestamp":1795262400000})") ==
        204);
    CHECK(a.all("alarms", "state") == texts{"ALARM"});
    CHECK(a.all("alarms", "metrics/1/name") == texts{"mem"});
}

TEST_CASE("functions and periods: what a state is made of") {
    api a;
    const auto state_of = [&](const std::string& expression) {
        const auto id =
            a.make("alarm-definitions", R"({"name":"x","expression":")" + expression + "\"}");
        a.measure("a", 4); // the same again
        const auto state = a.all("alarms", "state");
        CHECK(a.status("DELETE", "alarm-definitions/" + id) == 204);
        REQUIRE(state.size() == 1);
        return state.front();
    };
    a.measure("b", 10);
    a.now += 60'000;
    a.measure("b", 2);
    a.measure("a", 4);
    CHECK(state_of("max(cpu) >= 4") == "ALARM");
    CHECK(state_of("max(cpu) > 4") == "OK");
    CHECK(state_of("max(cpu, 120) > 4") == "ALARM");
    CHECK(state_of("min(cpu) <= 2") == "ALARM");
    CHECK(state_of("avg(cpu) > 2.9 and avg(cpu) < 3.1") == "ALARM");
    CHECK(state_of("sum(cpu) > 5") == "ALARM");
    CHECK(state_of("count(cpu) > 1") == "ALARM");
    CHECK(state_of("last(cpu{host=a}) > 3") == "ALARM");
    CHECK(state_of("max(cpu) > 3 times 2") == "ALARM");
    CHECK(state_of("max(cpu) > 4 times 2") == "OK");
    CHECK(state_of("max(cpu) > 3 times 3") == "UNDETERMINED"); // nothing in the third
    CHECK(state_of("max(cpu) > 9 or min(cpu) < 3") == "ALARM");
    CHECK(state_of("max(cpu) > 3 times 3 and max(cpu) > 9") == "OK");
}

TEST_CASE("what is kept stays within bounds") {
    api a;
    CHECK(a.status("POST", "alarm-definitions", std::string(65'537, ' ')) == 413);
    for (int i = 0; i < 1000; ++i)
        (void)a.make(
            "notification-methods",
            fmt::format(R"({{"name":"{}","type":"EMAIL","address":"a@b"}})", i));
    const auto refused =
        a.ask("POST", "notification-methods", R"({"name":"n","type":"EMAIL","address":"a@b"})");
    CHECK(refused.status == 500);
    CHECK(has(refused.body, "the sink keeps 1000 of these"));
}

TEST_CASE("states, marks and links are set by hand, and that is history too") {
    api a;
    (void)a.make("alarm-definitions", high);
    a.measure("a", 30);
    const auto id = a.all("alarms", "id").front();
    const auto put = a.ask(
        "PUT", "alarms/" + id, R"({"state":"OK","lifecycle_state":"OPEN","link":"http://l"})");
    CHECK(put.status == 200);
    CHECK(has(put.body, R"("state":"OK","lifecycle_state":"OPEN","link":"http://l")"));
    CHECK(a.status("PUT", "alarms/" + id, R"({"state":"OK"})") == 422);
    CHECK(a.status("PATCH", "alarms/" + id, R"({"state":"SLEEPY"})") == 422);
    CHECK(a.status("PATCH", "alarms/" + id, R"({"link":")" + std::string(513, 'l') + "\"}") == 422);
    const auto patched = a.ask("PATCH", "alarms/" + id, R"({"lifecycle_state":"DONE"})");
    CHECK(has(patched.body, R"("state":"OK","lifecycle_state":"DONE","link":"http://l")"));
    CHECK(a.all("alarms?lifecycle_state=DONE&link=http://l", "id") == texts{id});
    const auto history = "alarms/" + id + "/state-history";
    CHECK(a.all(history, "new_state") == texts{"ALARM", "OK"});
    CHECK(has(a.get(history), R"("reason":"Alarm state updated via API")"));

    const auto first = a.get(history + "?limit=1");
    CHECK(has(first, "?offset=1795262400000_2026-11-21T12%3A00%3A00.000Z&limit=1"));
    CHECK(
        a.all(
            history + "?offset=1795262400000_2026-11-21T12%3A00%3A00.000Z&limit=1", "new_state") ==
        texts{"OK"});
    CHECK(a.status("GET", history + "?offset=x_y") == 500);
    CHECK(a.status("DELETE", "alarms/" + id) == 204);
    for (const auto* method : {"GET", "DELETE"})
        CHECK(a.status(method, "alarms/" + id) == 404);
}

TEST_CASE("alarms are counted, altogether or in groups") {
    api a;
    CHECK(has(a.get("alarms/count"), R"("columns":["count"],"counts":[[0]])"));
    CHECK(
        has(a.get("alarms/count?group_by=state"),
            R"("columns":["count","state"],"counts":[[0,null]])"));
    (void)a.make("alarm-definitions", high);
    a.measure("a", 3);
    a.measure("b", 11);
    a.measure("c", 12);
    CHECK(has(a.get("alarms/count"), R"("counts":[[3]])"));
    CHECK(has(
        a.get("alarms/count?group_by=state,severity"),
        R"("columns":["count","state","severity"],"counts":[[2,"ALARM","HIGH"],[1,"OK","HIGH"]])"));
    CHECK(has(a.get("alarms/count?group_by=dimension_value&state=OK"), R"("counts":[[1,"a"]])"));
    const auto page = a.get("alarms/count?group_by=dimension_value&limit=2");
    CHECK(has(page, R"("counts":[[1,"a"],[1,"b"]])"));
    CHECK(has(page, "offset=2&group_by=dimension_value&limit=2"));
    CHECK(has(
        a.get("alarms/count?offset=2&group_by=dimension_value&limit=2"), R"("counts":[[1,"c"]])"));
    CHECK(a.status("GET", "alarms/count?group_by=colour") == 422);
}
}
