// The sink of monarc/testing.hpp, as a user's test sees it: linked is monarc_testing and nothing of
// the inside.

#include "support/sanitizer.hpp"

#include <monarc/monarc.hpp>
#include <monarc/testing.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace std::chrono_literals;
using support::is_sanitized;

namespace {

constexpr auto long_time = is_sanitized ? 120s : 30s;

bool is_settled(exporter& e) {
    return e.flush(long_time).is_clean();
}

} // namespace

TEST_SUITE("integration/testing") {
TEST_CASE("what was pushed is there after a flush, as JSON texts") {
    testing::sink sink;
    exporter e(sink.options());

    CHECK(e.push(
        "loan"_class("42"),
        "age"_key = 33,
        "share"_key = 1.0,
        "name"_key = "a \"b\"",
        "none"_key = nullptr,
        "missing"_key = std::optional<int>(),
        "list"_key = monarc::array(1, true),
        "part"_key = monarc::object("x"_key = -1)));
    CHECK(is_settled(e));

    const auto loan = sink.context("loan", "42");
    CHECK(loan.field("age") == "33");
    CHECK(loan.field("share") == "1.0");
    CHECK(loan.field("name") == R"("a \"b\"")");
    CHECK(loan.field("none") == "null");
    CHECK(loan.field("missing") == "null");
    CHECK(loan.field("list") == "[1,true]");
    CHECK(loan.field("part") == R"({"x":-1})");
    CHECK(loan.field("other") == "");
    CHECK(loan.fields().size() == 7);
}

TEST_CASE("nothing has arrived of what nobody pushed") {
    testing::sink sink;
    exporter e(sink.options());
    CHECK(e.push("loan"_class("42"), "age"_key = 33));
    CHECK(is_settled(e));

    CHECK(sink.context("loan", "43").records.empty());
    CHECK(sink.context("fill", "42").records.empty());
    CHECK(sink.context("loan", "43").field("age") == "");
    CHECK(sink.contexts("fill") == 0);
    CHECK(sink.measurements("latency").empty());
}

TEST_CASE("of a field that came several times the last value counts, and the records tell all") {
    testing::sink sink;
    exporter e(sink.options());
    const auto noon = std::chrono::system_clock::time_point(1'700'000'000s);

    for (int i = 1; i <= 3; ++i) {
        CHECK(e.push("run"_class("a").at(noon + i * 1s), "n"_key = i));
        CHECK(is_settled(e));
    }
    CHECK(e.push("run"_class("a"), "other"_key = true));
    CHECK(is_settled(e));

    const auto run = sink.context("run", "a");
    REQUIRE(run.records.size() == 4);
    CHECK(run.records[0].fields.at("n") == "1");
    CHECK(run.records[1].time == noon + 2s);
    CHECK(run.field("n") == "3");
    CHECK(run.fields() == testing::json_fields{{"n", "3"}, {"other", "true"}});
}

TEST_CASE("runs are counted by class, in the order of their arrival") {
    testing::sink sink;
    exporter e(sink.options());

    for (const auto* const id : {"b", "c", "a"}) {
        CHECK(e.push("loan"_class(id), "n"_key = 1));
        CHECK(is_settled(e));
    }
    CHECK(e.push("fill"_class("d"), "n"_key = 1));
    CHECK(is_settled(e));

    CHECK(sink.contexts("loan") == 3);
    CHECK(sink.ids("loan") == std::vector<std::string>{"b", "c", "a"});
    CHECK(sink.ids("fill") == std::vector<std::string>{"d"});
    CHECK(sink.records() == 4);
}

TEST_CASE("measurements are found by name and by some of their dimensions") {
    testing::sink sink;
    exporter e(sink.options());
    const auto now =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto every =
        e.open_series("load", {{"host", "a"}, {"cpu", "0"}}, {.kind = series_kind::every});

    CHECK(every.at(now).push(0.5, "source"_key = "proc"));
    CHECK(every.at(now + 1ms).push(0.75));
    CHECK(e.open_series("load", {{"host", "b"}}).push(2));
    CHECK(is_settled(e));

    CHECK(sink.measurements("load").size() == 3);
    CHECK(sink.measurements("load", {{"host", "a"}, {"cpu", "1"}}).empty());
    const auto of_a = sink.measurements("load", {{"host", "a"}});
    REQUIRE(of_a.size() == 2);
    CHECK(of_a[0].time == now);
    CHECK(of_a[0].value == 0.5);
    CHECK(of_a[0].value_meta == R"({"source":"proc"})");
    CHECK(of_a[1].value == 0.75);
    CHECK(of_a[1].value_meta == "");
    CHECK(of_a[1].dimensions == std::map<std::string, std::string>{{"cpu", "0"}, {"host", "a"}});
    CHECK(sink.measurements("load", {{"host", "b"}})[0].dimensions.size() == 1);
}

TEST_CASE("while it is stopped nothing arrives, and after a restart all of it, once") {
    testing::sink sink;
    exporter e(sink.options());
    const auto port = sink.port();
    const auto url = sink.monasca_url();
    const auto gauge = e.open_series("depth", {});
    CHECK(e.push("run"_class("a"), "n"_key = 1));
    CHECK(is_settled(e));

    sink.stop();
    CHECK(e.push("run"_class("a"), "n"_key = 2));
    CHECK(gauge.push(7));
    CHECK(e.flush(300ms).pending == 2);
    CHECK(sink.records() == 1);

    sink.restart();
    CHECK(sink.port() == port);
    CHECK(sink.monasca_url() == url);
    CHECK(is_settled(e));
    CHECK(sink.records() == 2);
    CHECK(sink.context("run", "a").field("n") == "2");
    REQUIRE(sink.measurements("depth").size() == 1);
    CHECK(sink.measurements("depth")[0].value == 7);
}

TEST_CASE("a sink that answers nothing takes all of it once, however often it is sent") {
    testing::sink sink;
    exporter e(sink.options());
    const auto gauge = e.open_series("depth", {});

    sink.set_answering(false);
    CHECK(e.push("run"_class("a"), "n"_key = 1));
    CHECK(gauge.push(7));
    CHECK(e.flush(10ms).error == errc::timed_out);
    CHECK(sink.wait_for_records(1, long_time));
    CHECK(sink.wait_until([&] { return sink.measurements("depth").size() == 1; }, long_time));
    const auto is_sent_again = [&] {
        const auto stats = e.stats();
        return stats.destinations[0].attempts > 1 && stats.destinations[1].attempts > 1;
    };
    for (auto end = std::chrono::steady_clock::now() + long_time;
         !is_sent_again() && std::chrono::steady_clock::now() < end;)
        std::this_thread::sleep_for(10ms);
    CHECK(is_sent_again());

    sink.restart(); // does not answer either, and knows what the one before has taken
    CHECK(e.flush(10ms).error == errc::timed_out);
    sink.set_answering(true);
    CHECK(is_settled(e));
    CHECK(sink.records() == 1);
    CHECK(sink.context("run", "a").records.size() == 1);
    CHECK(sink.measurements("depth").size() == 1);
}

TEST_CASE("waiting ends with the arrival, or with the time") {
    testing::sink sink;
    exporter e(sink.options());

    CHECK_FALSE(sink.wait_for_records(1, 20ms));
    std::thread later([&] {
        std::this_thread::sleep_for(50ms);
        CHECK(e.push("run"_class("a"), "n"_key = 1));
    });
    CHECK(sink.wait_for_records(1, long_time));
    later.join();
    CHECK_FALSE(sink.wait_until([] { return false; }, 20ms));
    CHECK(sink.wait_until([] { return true; }, 0ms));
}

TEST_CASE("two sinks share nothing") {
    testing::sink one;
    testing::sink two;
    exporter to_one(one.options());
    CHECK(one.port() != two.port());
    CHECK(to_one.push("run"_class("a"), "n"_key = 1));
    CHECK(is_settled(to_one));

    CHECK(one.records() == 1);
    CHECK(two.records() == 0);
}

TEST_CASE("many threads may ask while records arrive") {
    testing::sink sink;
    exporter e(sink.options());
    std::atomic<bool> is_over{false};
    std::vector<std::thread> askers;
    for (int i = 0; i < 2; ++i)
        askers.emplace_back([&] {
            std::uint64_t before = 0;
            while (!is_over) {
                const auto now = sink.contexts("run");
                CHECK(now >= before);
                before = now;
                std::this_thread::sleep_for(1ms);
            }
        });
    for (int i = 0; i < 500; ++i)
        CHECK(e.push("run"_class(i), "n"_key = i));
    CHECK(is_settled(e));
    is_over = true;
    for (auto& one : askers)
        one.join();
    CHECK(sink.contexts("run") == 500);
    CHECK(sink.context("run", "499").field("n") == "499");
}
}
