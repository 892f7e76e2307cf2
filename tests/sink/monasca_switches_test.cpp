#include "compress/gzip.hpp"
#include "sink/monasca_faults.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace monarc;
using namespace std::chrono_literals;
using ending = sink::http_answer::ending;

namespace {

constexpr std::int64_t now = 1'795'293'815'967;
const std::string one = R"([{"name":"m","value":1,"timestamp":1795293815967}])";

// A Monasca with what stands in front of it.
class front {
public:
    // Each switch must be one.
    front(std::initializer_list<const char*> switches = {}) {
        sink::monasca_switches all;
        for (const auto* text : switches)
            REQUIRE(sink::read_switch(text, all).empty());
        api.set_switches(all);
    }

    sink::http_answer
    ask(const std::string& method,
        const std::string& path,
        const std::string& body = {},
        sink::http_fields fields = {},
        std::size_t connection = 1,
        std::int64_t at = now) {
        sink::http_request request;
        request.connection = connection;
        request.method = method;
        request.path = path;
        request.fields = std::move(fields);
        if (!sink::has_field(request.fields, "X-Auth-Token"))
            request.fields.emplace_back("X-Auth-Token", "t");
        request.fields.emplace_back("Content-Type", "application/json");
        request.body = body;
        return faults.serve(request, at);
    }
    int post(const std::string& body = one, std::size_t connection = 1) {
        return ask("POST", "/v2.0/metrics", body, {}, connection).response.status;
    }
    int post_gzip() {
        const auto packed = compress::gzip(compress::codec::zlib, one);
        return ask("POST", "/v2.0/metrics", *packed, {{"Content-Encoding", "gzip"}})
            .response.status;
    }
    std::string refusal(const std::string& body) {
        return ask("POST", "/v2.0/metrics", body).response.body;
    }
    void set(const std::string& switches, int expected = 204) {
        const auto done = ask("PUT", "/sink/switches", switches);
        CHECK(done.response.status == expected);
    }

    sink::monasca_api api{{}};
    sink::monasca_faults faults{api};
};

std::string metric(const std::string& members) {
    return R"({"name":"m","value":1,"timestamp":1795293815967)" + members + "}";
}

} // namespace

TEST_SUITE("sink/monasca_switches") {
TEST_CASE("a switch that is none is refused with what there is, and nothing changes") {
    sink::monasca_switches all;
    CHECK(sink::read_switch("gzp=accept", all).starts_with("there is no switch 'gzp'; there are "));
    CHECK(sink::read_switch("gzip=yes", all) == "gzip wants accept or refuse, got 'yes'");
    CHECK(sink::read_switch("gzip", all) == "gzip wants accept or refuse, got ''");
    CHECK(
        sink::read_switch("slow=-1", all) == "slow wants a duration such as 2s or 300ms, got '-1'");
    CHECK(sink::read_switch("413_over=", all) == "413_over wants a whole number, got ''");
    CHECK(sink::read_switch("kafka=gone", all) == "kafka wants up, down or wedged, got 'gone'");
    CHECK(all == sink::monasca_switches{});
    CHECK(sink::read_switch("slow=2s", all).empty());
    CHECK(all.slow == 2000ms);
    CHECK(sink::read_switch("slow=7", all).empty());
    CHECK(all.slow == 7ms);
    CHECK(sink::read_switch("token_life=7", all).empty());
    CHECK(all.token_life == 7000ms);
}

TEST_CASE(
    "gzip is no JSON to a server as it is, and is inflated with gzip=accept and profile=java") {
    CHECK(front().post_gzip() == 400);
    CHECK(front().post() == 204);
    for (const auto* switched : {"gzip=accept", "profile=java"}) {
        front f({switched});
        CHECK(f.post_gzip() == 204);
        CHECK(f.post() == 204);
        CHECK(f.api.snapshot().accepted == 2);
    }
}

TEST_CASE("profile=java refuses more, and says so in a form of its own") {
    front f({"profile=java"});
    CHECK(f.post(metric("")) == 204);
    const auto strict = f.ask("POST", "/v2.0/metrics", metric(R"(,"dimensions":{"k":"a|b"})"));
    CHECK(strict.response.status == 422);
    CHECK(strict.response.body.starts_with(R"({"unprocessable_entity":{"code":422,"message":")"));
    CHECK(f.post(metric(R"(,"extra":1)")) == 400);
    CHECK(f.refusal("{").starts_with(R"({"bad_request":{"code":400,"message":")"));
    const auto unknown = f.ask("POST", "/v2.0/metrics", one, {{"X-Auth-Token", ""}});
    CHECK(unknown.response.status == 401);
    CHECK(unknown.response.body.starts_with(R"({"unauthorized":{"code":401,)"));
    f.set("no_role");
    const auto refused = f.ask("POST", "/v2.0/metrics", one);
    CHECK(refused.response.status == 403);
    CHECK(refused.response.body.starts_with(R"({"forbidden":{"code":403,)"));
}

TEST_CASE("profile=java wants times within 14 days and 2 minutes, but not of an admin") {
    const std::string old = R"({"name":"m","value":1,"timestamp":1694080000000})";
    front admin({"profile=java"});
    CHECK(admin.post(old) == 204);
    sink::monasca_api user({.may_delegate = false, .switches = {.is_java = true}});
    sink::monasca_faults faults(user);
    sink::http_request request{.method = "POST", .path = "/v2.0/metrics"};
    request.fields = {{"X-Auth-Token", "t"}, {"Content-Type", "application/json"}};
    request.body = old;
    CHECK(faults.serve(request, now).response.status == 422);
}

TEST_CASE(
    "kafka=down takes 1000 measurements in 2 s each request, then 500; they come with kafka=up") {
    front f({"kafka=down"});
    const auto first = f.ask("POST", "/v2.0/metrics", one);
    CHECK(first.response.status == 204);
    CHECK(first.wait == 2s);
    CHECK(f.ask("GET", "/v2.0/metrics").wait == 0s);
    CHECK(f.ask("GET", "/healthcheck").response.status == 503);
    std::string many = "[";
    for (int i = 0; i < 1001; ++i)
        many += (i == 0 ? "" : ",") + metric(R"(,"dimensions":{"n":")" + std::to_string(i) + "\"}");
    const auto full = f.ask("POST", "/v2.0/metrics", many + "]");
    CHECK(full.response.status == 500);
    CHECK(sink::field_of(full.response.fields, "content-type") == "text/html");
    CHECK(full.wait == 0s);
    CHECK(f.api.snapshot().pending == 1000);
    CHECK(f.api.snapshot().accepted == 0);

    f.set("kafka=up");
    CHECK(f.api.snapshot().pending == 0);
    CHECK(f.api.snapshot().accepted == 1000);
    CHECK(f.post() == 204);
}

TEST_CASE("kafka=wedged fails connections that were there and every second new one") {
    front f;
    CHECK(f.post(one, 3) == 204);
    f.set("kafka=wedged");
    CHECK(f.post(one, 1) == 500);
    CHECK(f.post(one, 3) == 500);
    CHECK(f.post(one, 4) == 500);
    CHECK(f.post(one, 5) == 204);
    CHECK(f.post(one, 4) == 500);
    CHECK(f.ask("GET", "/healthcheck").response.status == 200);
    CHECK(f.api.snapshot().accepted == 2);
}

TEST_CASE("revoke=N ends each token after N requests, no_role is the other kind of 401") {
    front f({"revoke=2"});
    for (const auto& token : {"a", "b"}) {
        const auto status = [&] {
            return f.ask("POST", "/v2.0/metrics", one, {{"X-Auth-Token", token}}).response.status;
        };
        CHECK(status() == 204);
        CHECK(status() == 204);
        CHECK(status() == 401);
    }
    front without({"no_role"});
    CHECK(without.post() == 401);
    CHECK(without.refusal(one).starts_with(R"({"title":"Forbidden")"));
    CHECK(without.ask("GET", "/v2.0/alarms").response.status == 401);
}

TEST_CASE("keystone=down: 503 for tokens that were not seen") {
    front f;
    CHECK(f.post() == 204);
    f.set("keystone=down");
    CHECK(f.post() == 204);
    const auto unseen = f.ask("POST", "/v2.0/metrics", one, {{"X-Auth-Token", "new"}});
    CHECK(unseen.response.status == 503);
    f.set("keystone=up");
    CHECK(f.ask("POST", "/v2.0/metrics", one, {{"X-Auth-Token", "new"}}).response.status == 204);
}

TEST_CASE("the network's faults: slow, reset, half closed") {
    front slow({"slow=300ms"});
    CHECK(slow.ask("GET", "/").wait == 300ms);

    front cut({"reset_after=2"});
    CHECK(cut.post() == 204);
    CHECK(cut.post() == 204);
    const auto third = cut.ask("POST", "/v2.0/metrics", one);
    CHECK(third.is_silent);
    CHECK(third.then == ending::reset);
    CHECK(cut.api.snapshot().accepted == 2);
    cut.set("reset_after=off");
    CHECK(cut.post() == 204);

    front half({"half_close"});
    const auto none = half.ask("POST", "/v2.0/metrics", one);
    CHECK(none.is_silent);
    CHECK(none.then == ending::half_close);
    CHECK(half.api.snapshot().accepted == 0);
}

TEST_CASE("a proxy's limits: 413 for large bodies, 429 for too many in a second") {
    front large({"413_over=60"});
    CHECK(large.post() == 204);
    CHECK(large.post(std::string(61, ' ')) == 413);

    front often({"429=2"});
    CHECK(often.post() == 204);
    CHECK(often.post() == 204);
    const auto third = often.ask("POST", "/v2.0/metrics", one);
    CHECK(third.response.status == 429);
    CHECK(sink::field_of(third.response.fields, "retry-after") == "1");
    CHECK(often.ask("POST", "/v2.0/metrics", one, {}, 1, now + 1000).response.status == 204);
}

TEST_CASE("switches are set all together or not at all while it runs") {
    front f;
    f.set("no_role\ngzip=maybe\n", 400);
    CHECK(f.post() == 204);
    f.set("no_role\nslow=1\n");
    CHECK(f.post() == 401);
    CHECK(f.ask("GET", "/sink/switches").response.status == 405);
}
}
