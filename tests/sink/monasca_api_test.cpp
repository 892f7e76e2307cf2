#include "compress/gzip.hpp"
#include "sink/monasca_api.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace monarc;
using sink::violation;

namespace {

constexpr std::int64_t now = 1'795'293'815'967; // 2026-11-21T20:43:35.967Z

class api {
public:
    explicit api(sink::monasca_options options = {}) : served_(std::move(options)) {}

    sink::http_response
    ask(const std::string& method,
        const std::string& target,
        const std::string& body = {},
        sink::http_fields fields = {}) {
        sink::http_request request;
        request.method = method;
        const auto mark = target.find('?');
        request.path = target.substr(0, mark);
        request.query = mark == std::string::npos ? "" : target.substr(mark + 1);
        request.fields = {{"Host", "mon:8070"}};
        if (!sink::has_field(fields, "X-Auth-Token"))
            request.fields.emplace_back("X-Auth-Token", "t");
        if (method == "POST" && !sink::has_field(fields, "Content-Type"))
            request.fields.emplace_back("Content-Type", "application/json");
        request.fields.insert(request.fields.end(), fields.begin(), fields.end());
        request.body = body;
        return served_.serve(request, now);
    }
    sink::http_response get(const std::string& target) { return ask("GET", target); }
    int post(const std::string& body, const std::string& query = {}) {
        return ask("POST", "/v2.0/metrics" + query, body).status;
    }
    // The elements of a page; the rest is checked to be there.
    std::string elements(const std::string& target) {
        const auto response = get(target);
        CHECK(response.status == 200);
        const auto at = response.body.find("\"elements\":");
        REQUIRE(at != std::string::npos);
        return response.body.substr(at + 11, response.body.size() - at - 12);
    }
    // What `next` links to, without the host; empty if there is none.
    std::string next(const std::string& target) {
        const auto response = get(target);
        simdjson::dom::parser parser;
        simdjson::dom::element all;
        REQUIRE(parser.parse(response.body).get(all) == simdjson::SUCCESS);
        std::string_view href;
        if (all.at_pointer("/links/1/href").get_string().get(href) != simdjson::SUCCESS)
            return {};
        const std::string_view base = "http://mon:8070";
        CHECK(href.starts_with(base));
        return std::string(href.substr(base.size()));
    }
    sink::monasca_summary snapshot() const { return served_.snapshot(); }

private:
    sink::monasca_api served_;
};

std::string metric(
    const std::string& name,
    const std::string& dimensions,
    std::int64_t milliseconds,
    const std::string& value) {
    return R"({"name":")" + name + R"(","dimensions":{)" + dimensions + R"(},"timestamp":)" +
           std::to_string(milliseconds) + R"(,"value":)" + value + "}";
}

const std::string host_a = R"("host":"a","zone":"x")";
const std::string host_b = R"("host":"b","zone":"x")";

} // namespace

TEST_SUITE("sink/monasca_api") {
TEST_CASE(
    "the first check that fails decides: token, resource, content type, role, JSON, metrics") {
    api a;
    const auto no_token = a.ask("POST", "/nowhere/at/all", "x", {{"X-Auth-Token", ""}});
    CHECK(no_token.status == 401);
    CHECK(
        no_token.body == R"({"error":{"code":401,"title":"Unauthorized","message":"The request )"
                         R"(you have made requires authentication."}})");
    CHECK(sink::field_of(no_token.fields, "www-authenticate").starts_with("Keystone uri="));

    const auto nowhere = a.get("/v2/metrics");
    CHECK(nowhere.status == 404);
    CHECK(nowhere.body == R"({"title":"404 Not Found"})");
    const auto wrong = a.ask("DELETE", "/v2.0/metrics");
    CHECK(wrong.status == 405);
    CHECK(wrong.body == R"({"title":"405 Method Not Allowed"})");
    CHECK(sink::field_of(wrong.fields, "allow") == "GET, POST, OPTIONS");
    CHECK(a.ask("OPTIONS", "/v2.0/metrics").status == 200);

    for (const std::string type : {"", "application/json; charset=utf-8", "Application/JSON"}) {
        const auto refused = a.ask("POST", "/v2.0/metrics", "x", {{"Content-Type", type}});
        CHECK(refused.status == 400);
        CHECK(
            refused.body ==
            R"({"title":"Bad request","description":"Bad content type. Must be application/json"})");
    }
    const auto no_json = a.ask("POST", "/v2.0/metrics", "x");
    CHECK(no_json.status == 400);
    CHECK(
        no_json.body ==
        R"({"title":"Bad request","description":"Request body is not valid JSON"})");
    const auto bad = a.ask("POST", "/v2.0/metrics", metric("t.case", R"("k":"a=b")", now, "1"));
    CHECK(bad.status == 422);
    CHECK(
        bad.body == R"({"title":"Unprocessable Entity","description":"invalid characters in )"
                    R"(dimension value a=b from key k: for metric t.case"})");
    CHECK(a.snapshot().posts == 5);
    CHECK(a.snapshot().responses.at(400) == 4);
}

TEST_CASE("a token without the role is told so, by another 401") {
    api a({.switches = {.has_role = false}});
    const auto refused = a.ask("POST", "/v2.0/metrics", "x");
    CHECK(refused.status == 401);
    CHECK(
        refused.body ==
        R"({"title":"Forbidden","description":"The request does not have access to this service"})");
    CHECK(sink::field_of(refused.fields, "www-authenticate") == "T, o, k, e, n");
    CHECK(a.get("/v2.0/metrics").status == 401);
}

TEST_CASE("a token may be demanded") {
    api a({.token = "secret"});
    CHECK(a.get("/v2.0/metrics").status == 401);
    CHECK(a.ask("GET", "/v2.0/metrics", {}, {{"X-Auth-Token", "secret"}}).status == 200);
}

TEST_CASE("a header field beyond 8190 bytes is answered 400 before all else, and not in JSON") {
    api a;
    const auto with = [&](std::size_t bytes) {
        return a.ask("GET", "/v2.0/metrics", {}, {{"X-Auth-Token", std::string(bytes, 't')}});
    };
    CHECK(with(8190 - 14).status == 200);
    CHECK(with(8190 - 13).status == 400);
    CHECK(with(8190 - 13).body.starts_with("<html>"));
}

TEST_CASE("metrics are taken with a 204 and a request id") {
    api a;
    const auto taken = a.ask(
        "POST",
        "/v2.0/metrics/",
        "[" + metric("m", host_a, now, "1.5") + "," + metric("m", host_b, now, "2") + "]");
    CHECK(taken.status == 204);
    CHECK(taken.body.empty());
    CHECK(sink::field_of(taken.fields, "x-openstack-request-id").starts_with("req-"));
    const auto s = a.snapshot();
    CHECK(s.accepted == 2);
    REQUIRE(s.find("m") != nullptr);
    CHECK(s.find("m")->count == 2);
    CHECK(s.find("m")->sum == 3.5);
    CHECK(s.find("m")->series == 2);
    CHECK(s.violations == 0);
}

TEST_CASE("one bad metric keeps all of its batch out") {
    api a;
    CHECK(a.post("[" + metric("m", "", now, "1") + R"(,{"name":"x"}])") == 422);
    CHECK(a.snapshot().accepted == 0);
    CHECK(a.elements("/v2.0/metrics") == "[]");
}

TEST_CASE("what comes again counts, and is told apart") {
    api a;
    CHECK(a.post(metric("m", host_a, now, "1")) == 204);
    CHECK(a.post(metric("m", host_a, now, "1")) == 204);
    CHECK(a.post(metric("m", host_a, now, "5")) == 204);
    const auto s = a.snapshot();
    CHECK(s.accepted == 3);
    CHECK(s.repeats == 1);
    CHECK(s.overwritten == 1);
    CHECK(s.find("m")->sum == 7);
    CHECK(s.find("m")->repeated_sum == 1);
    CHECK(s.find("m")->series == 1);
}

TEST_CASE("a violation is answered 204, recorded, logged a few times, and not stored if it kills") {
    std::vector<std::string> lines;
    sink::monasca_options options;
    options.log = [&](std::string_view line) { lines.emplace_back(line); };
    api a(std::move(options));
    for (int i = 0; i < 20; ++i)
        CHECK(a.post(metric("m", R"("time":"a\u0007")", now, "1")) == 204);
    CHECK(a.post(R"({"name":"n","timestamp":NaN,"value":1})") == 204);
    CHECK(a.post(metric("o", "", now, "1"), "?tenant_id=a&tenant_id=b") == 204);
    CHECK(a.post(R"({"name":"o","name":"o","timestamp":0,"value":1})") == 204);
    CHECK(a.ask("POST", "/v2.0/metrics", "[]", {{"Expect", "100-continue"}}).status == 204);
    const auto s = a.snapshot();
    CHECK(s.violated(violation::time_key) == 20);
    CHECK(s.violated(violation::control) == 20);
    CHECK(s.violated(violation::timestamp_kind) == 1);
    CHECK(s.violated(violation::bad_tenant) == 1);
    CHECK(s.violated(violation::repeated_member) == 1);
    CHECK(s.violated(violation::expect) == 1);
    CHECK(s.violated(violation::empty_batch) == 1);
    CHECK(s.find("m")->count == 20);
    CHECK(s.find("m")->not_kept == 20);
    CHECK(s.find("n")->not_kept == 1);
    CHECK(lines.size() == 5 + 5 + 6);
    CHECK(
        lines[0] == "sink: monasca: contract violation: control: metric m: the dimension has a "
                    "control character");
}

TEST_CASE("gzip is no JSON, unless it is inflated") {
    const auto body = metric("m", "", now, "1");
    const auto packed = compress::gzip(compress::codec::zlib, body);
    REQUIRE(packed.has_value());
    const std::string bytes(packed->begin(), packed->end());
    const sink::http_fields gzip{{"Content-Encoding", "gzip"}};
    api stock;
    CHECK(stock.ask("POST", "/v2.0/metrics", bytes, gzip).status == 400);
    CHECK(stock.ask("POST", "/v2.0/metrics", body, gzip).status == 204); // a field, nothing more
    api apache({.switches = {.takes_gzip = true}});
    CHECK(apache.ask("POST", "/v2.0/metrics", bytes, gzip).status == 204);
    CHECK(apache.ask("POST", "/v2.0/metrics", bytes.substr(0, 20), gzip).status == 400);
    const auto bomb = compress::gzip(compress::codec::zlib, std::string(65 << 20, ' '));
    REQUIRE(bomb.has_value());
    CHECK(
        apache.ask("POST", "/v2.0/metrics", std::string(bomb->begin(), bomb->end()), gzip).status ==
        413);
}

TEST_CASE("an error is JSON, XML or nothing, as was asked for") {
    api a;
    const auto with = [&](const std::string& accept) {
        return a.ask("POST", "/v2.0/metrics", "x<", {{"Content-Type", "<"}, {"Accept", accept}});
    };
    CHECK(with("*/*").body.starts_with("{\"title\""));
    CHECK(with("application/json").body.starts_with("{\"title\""));
    CHECK(
        with("application/xml").body ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><error><title>Bad request</title>"
        "<description>Bad content type. Must be application/json</description></error>");
    CHECK(with("text/html").body.empty());
}

TEST_CASE("versions and health") {
    api a;
    const std::string element =
        R"({"id":"v2.0","links":[{"rel":"self","href":"http://mon:8070/v2.0"}],)"
        R"("status":"CURRENT","updated":"2013-03-06T00:00:00.000Z"})";
    CHECK(
        a.get("/").body ==
        R"({"links":[{"rel":"self","href":"http://mon:8070/"}],"elements":[)" + element + "]}");
    CHECK(a.get("/v2.0").body == element);
    const auto version = a.get("/v3.0");
    CHECK(version.status == 422);
    CHECK(
        version.body ==
        R"({"title":"Invalid version","description":"No versions found matching v3.0"})");
    CHECK(a.ask("GET", "/", {}, {{"X-Auth-Token", ""}}).status == 401);
    const auto health = a.ask("GET", "/healthcheck", {}, {{"X-Auth-Token", ""}});
    CHECK(health.status == 200);
    CHECK(health.body == R"({"kafka":"OK","alarms_database":"OK","metrics_database":"OK"})");
    CHECK(a.ask("HEAD", "/healthcheck", {}, {{"X-Auth-Token", ""}}).status == 204);
}

TEST_CASE("series are listed, filtered and paged") {
    api a;
    CHECK(
        a.post(
            "[" + metric("m", host_a, now, "1") + "," + metric("m", host_b, now - 1000, "1") + "," +
            metric("n", R"("host":"b")", now, "1") + "]") == 204);
    const std::string first = R"({"id":"0","name":"m","dimensions":{"host":"a","zone":"x"}})";
    const std::string second = R"({"id":"1","name":"m","dimensions":{"host":"b","zone":"x"}})";
    const std::string third = R"({"id":"2","name":"n","dimensions":{"host":"b"}})";
    CHECK(a.elements("/v2.0/metrics") == "[" + first + "," + second + "," + third + "]");
    CHECK(a.elements("/v2.0/metrics?name=m") == "[" + first + "," + second + "]");
    CHECK(a.elements("/v2.0/metrics?dimensions=zone,host:a%7Cc") == "[" + first + "]");
    CHECK(a.elements("/v2.0/metrics?dimensions=nowhere") == "[]");
    CHECK(
        a.elements("/v2.0/metrics?name=m&start_time=2026-11-21T20:43:35.5Z") == "[" + first + "]");
    CHECK(a.elements("/v2.0/metrics?name=m&limit=2") == "[" + first + "," + second + "]");

    CHECK(a.next("/v2.0/metrics?name=m&limit=2").empty());
    CHECK(a.next("/v2.0/metrics?limit=2") == "/v2.0/metrics?offset=1&limit=2");
    CHECK(a.elements(a.next("/v2.0/metrics?limit=2")) == "[" + third + "]");
    CHECK(a.elements("/v2.0/metrics?limit=0") == "[]");
    CHECK(a.get("/v2.0/metrics?offset=x").status == 500);
    CHECK(
        a.get("/v2.0/metrics?name=m&limit=1")
            .body.starts_with(
                R"({"links":[{"rel":"self","href":"http://mon:8070/v2.0/metrics?name=m&limit=1"},)"
                R"({"rel":"next","href":"http://mon:8070/v2.0/metrics?offset=0&name=m&limit=1"}],)"));
}

TEST_CASE("names and dimensions are listed in order, once each, and paged") {
    api a;
    CHECK(
        a.post(
            "[" + metric("m", host_b, now, "1") + "," + metric("n", host_a, now, "1") + "," +
            metric("n", R"("other":"o")", now, "1") + "]") == 204);
    CHECK(a.elements("/v2.0/metrics/names") == R"([{"name":"m"},{"name":"n"}])");
    CHECK(a.elements("/v2.0/metrics/names?dimensions=host:b") == R"([{"name":"m"}])");
    CHECK(
        a.elements("/v2.0/metrics/dimensions/names?metric_name=m") ==
        R"([{"dimension_name":"host"},{"dimension_name":"zone"}])");
    const std::string values = "/v2.0/metrics/dimensions/names/values";
    CHECK(
        a.elements(values + "?dimension_name=host") ==
        R"([{"dimension_value":"a"},{"dimension_value":"b"}])");
    CHECK(
        a.next(values + "?dimension_name=host&limit=1") ==
        values + "?offset=a&dimension_name=host&limit=1");
    CHECK(
        a.elements(values + "?offset=a&dimension_name=host&limit=1") ==
        R"([{"dimension_value":"b"}])");
    CHECK(
        a.get(values).body ==
        R"({"title":"Unprocessable Entity","description":"Missing dimension_name"})");
}

TEST_CASE("measurements: of one series, merged, in groups, and paged") {
    api a;
    CHECK(
        a.post(
            "[" + metric("m", host_a, now, "1.5") + "," + metric("m", host_b, now + 1, "2") + "," +
            metric("m", host_a, now + 2, "3") + "]") == 204);
    const std::string path = "/v2.0/metrics/measurements";
    const std::string since = path + "?start_time=2026-11-21T00:00:00Z&name=m";
    const std::string columns = R"("columns":["timestamp","value","value_meta"],"measurements":)";
    CHECK(
        a.elements(since + "&dimensions=host:a") ==
        R"([{"id":"0","name":"m","dimensions":{"host":"a","zone":"x"},)" + columns +
            R"([["2026-11-21T20:43:35.967Z",1.5,{}],["2026-11-21T20:43:35.969Z",3,{}]]}])");
    const auto several = a.get(since);
    CHECK(several.status == 409);
    CHECK(several.body.starts_with(R"({"title":"MultipleMetrics","description":"Found multiple)"));
    CHECK(
        a.elements(since + "&merge_metrics=true") ==
        R"([{"id":"0","name":"m","dimensions":{},)" + columns +
            R"([["2026-11-21T20:43:35.967Z",1.5,{}],["2026-11-21T20:43:35.968Z",2,{}],)"
            R"(["2026-11-21T20:43:35.969Z",3,{}]]}])");
    CHECK(
        a.elements(since + "&group_by=host&limit=10") ==
        R"([{"id":"0","name":"m","dimensions":{"host":"a"},)" + columns +
            R"([["2026-11-21T20:43:35.967Z",1.5,{}],["2026-11-21T20:43:35.969Z",3,{}]]},)"
            R"({"id":"1","name":"m","dimensions":{"host":"b"},)" +
            columns + R"([["2026-11-21T20:43:35.968Z",2,{}]]}])");

    // One row a page, whatever the groups: each comes once.
    for (const std::string how : {"&merge_metrics=true", "&group_by=*"}) {
        std::string target = since + how + "&limit=1";
        std::vector<std::string> seen;
        while (!target.empty() && seen.size() < 10) {
            const auto page = a.elements(target);
            const auto at = page.find("\"measurements\":");
            seen.push_back(page.substr(at + 15));
            target = a.next(target);
        }
        CHECK(seen.size() == 3);
    }
    CHECK(
        a.next(since + "&merge_metrics=true&limit=2")
            .find("offset=0_2026-11-21T20%3A43%3A35.968Z") != std::string::npos);
    CHECK(a.elements(since + "&merge_metrics=true&limit=0") == "[]");
    CHECK(a.elements(path + "?name=nothing&start_time=2026-11-21T00:00:00Z") == "[]");
    // From the start, before the end.
    CHECK(
        a.elements(
            path + "?name=m&merge_metrics=true&start_time=2026-11-21T20:43:35.968Z"
                   "&end_time=2026-11-21T20:43:35.969Z") ==
        R"([{"id":"0","name":"m","dimensions":{},)" + columns +
            R"([["2026-11-21T20:43:35.968Z",2,{}]]}])");
}

TEST_CASE("statistics by period, of one series, in groups, and paged") {
    api a;
    const std::int64_t noon = 1'795'262'400'000;
    std::string body = "[" + metric("m", host_a, noon, "1");
    body += "," + metric("m", host_a, noon + 299'999, "2");
    body += "," + metric("m", host_a, noon + 300'000, "4.5");
    body += "," + metric("m", host_a, noon + 900'000, "8");
    body += "," + metric("m", host_b, noon, "16") + "]";
    CHECK(a.post(body) == 204);
    const std::string since =
        "/v2.0/metrics/statistics?name=m&start_time=2026-11-21T12:00:00Z&statistics=";
    CHECK(
        a.elements(since + "avg,count,SUM,min,max&dimensions=host:a") ==
        R"([{"id":"0","name":"m","dimensions":{"host":"a","zone":"x"},)"
        R"("columns":["timestamp","avg","count","sum","min","max"],"statistics":[)"
        R"(["2026-11-21T12:00:00Z",1.5,2,3,1,2],["2026-11-21T12:05:00Z",4.5,1,4.5,4.5,4.5],)"
        R"(["2026-11-21T12:15:00Z",8,1,8,8,8]]}])");
    CHECK(
        a.elements(since + "count&dimensions=host:a&period=3600") ==
        R"([{"id":"0","name":"m","dimensions":{"host":"a","zone":"x"},)"
        R"("columns":["timestamp","count"],"statistics":[["2026-11-21T12:00:00Z",4]]}])");
    CHECK(
        a.elements(since + "sum&merge_metrics=true&period=3600")
            .find(R"(["2026-11-21T12:00:00Z",31.5])") != std::string::npos);
    CHECK(
        a.next(since + "sum&dimensions=host:a&limit=1").find("offset=2026-11-21T12%3A00%3A00Z&") !=
        std::string::npos);
    for (const std::string how : {"&dimensions=host:a", "&group_by=host"}) {
        std::string target = since + "sum&limit=1" + how;
        std::size_t pages = 0;
        for (; !target.empty() && pages < 10; ++pages)
            target = a.next(target);
        CHECK(pages == (how == "&group_by=host" ? 4 : 3));
    }
    CHECK(a.get(since + "sum&dimensions=host:a&period=0").status == 500);
}

TEST_CASE("reads are refused in Monasca's words") {
    struct row {
        std::string target;
        int status;
        std::string description;
    };
    const std::string path = "/v2.0/metrics/statistics";
    const std::vector<row> rows{
        {path, 422, "Missing name"},
        {path + "?name=a%20b", 422, "invalid characters in metric name: a b"},
        {path + "?name=m", 422, "Missing start time"},
        {path + "?name=m&start_time=2026-11-21T00:00:00Z", 422, "Missing statistics"},
        {path + "?name=m&start_time=2026-11-21T00:00:00Z&statistics=median",
         422,
         "Invalid statistic"},
        {path + "?name=m&start_time=yesterday", 422, "Unable to parse date string 'yesterday'"},
        {path + "?name=m&start_time=2026-11-21&end_time=2026-11-20",
         400,
         "start_time must be before end_time"},
        {path + "?name=m&start_time=2026-11-21&statistics=sum&period=x",
         422,
         "Period must be a valid integer"},
        {path + "?name=m&start_time=2026-11-21&statistics=sum&period=-1",
         422,
         "Period must be a positive integer"},
        {"/v2.0/metrics?limit=x", 422, "Limit parameter must be a positive integer"},
        {"/v2.0/metrics?dimensions=_k:v", 422, "Dimension key _k may not start with '_'"},
        {"/v2.0/metrics?dimensions=k:a%3Db",
         422,
         "invalid characters in dimension value a=b from key k"},
        {"/v2.0/metrics?end_time=2026-11-20",
         500,
         "'<' not supported between instances of 'NoneType' and 'float'"},
    };
    api a;
    for (const auto& [target, status, description] : rows) {
        CAPTURE(target);
        const auto response = a.get(target);
        CHECK(response.status == status);
        CHECK(response.body.ends_with("\"description\":\"" + description + "\"}"));
    }
}

TEST_CASE("tenant_id leads to another project, for those who may") {
    const std::string other = "?tenant_id=ffffffffffffffffffffffffffffffff";
    api a;
    CHECK(a.post(metric("m", "", now, "1"), other) == 204);
    CHECK(a.elements("/v2.0/metrics") == "[]");
    CHECK(a.elements("/v2.0/metrics/names" + other) == R"([{"name":"m"}])");
    api without({.may_delegate = false});
    CHECK(without.post(metric("m", "", now, "1"), other) == 204);
    CHECK(without.elements("/v2.0/metrics/names") == R"([{"name":"m"}])");
}

TEST_CASE("names beyond the limit are counted together") {
    api a({.max_metrics = 2});
    for (const std::string name : {"a", "b", "c", "d"})
        CHECK(a.post(metric(name, "", now, "1")) == 204);
    const auto s = a.snapshot();
    CHECK(s.metrics.size() == 2);
    CHECK(s.other_metrics.count == 2);
    CHECK(s.other_metrics.sum == 2);
    CHECK(s.metrics_full);
    CHECK(s.accepted == 4);
}

TEST_CASE("the summary is JSON with the exact sums") {
    api a;
    CHECK(
        a.post(
            "[" + metric("m", "", now, "0.1") + "," + metric("m", "", now + 1, "0.2") + "," +
            metric("m", "", now + 2, "-0.3") + "]") == 204);
    const auto json = to_json(a.snapshot());
    simdjson::dom::parser parser;
    simdjson::dom::element all;
    REQUIRE(parser.parse(json).get(all) == simdjson::SUCCESS);
    // What Python's math.fsum says.
    CHECK(all.at_pointer("/metrics/m/sum").get_double().value_unsafe() == 2.7755575615628914e-17);
    CHECK(all.at_pointer("/responses/204").get_uint64().value_unsafe() == 1);
    CHECK(
        to_text(a.snapshot()).find("metric    m: 3 measurements in 1 series") != std::string::npos);
}
}
