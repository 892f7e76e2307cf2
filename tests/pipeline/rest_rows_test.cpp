#include "pipeline/rest_rows.hpp"
#include "support/records.hpp"

#include <monarc/field.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace monarc;
using namespace monarc::pipeline;
using support::made;
using support::run_time_record;
using support::second;

namespace {

constexpr auto fill = "fill"_class;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// `a=1,b="x"`, in the place of a value that is not finite `!`; `~` behind a null.
std::string shown(rest_rows& rows, const support::made_record& record) {
    rows.begin(record.view());
    const auto& row = rows.finish(record.view());
    std::string text;
    for (const auto& field : row.fields) {
        text += text.empty() ? "" : ",";
        text += field.key != key_without_room ? name_of(field.key).text : std::string(field.name);
        text += '=';
        text += field.is_not_finite ? "!" : std::string(field.value);
        text += field.is_null ? "~" : "";
    }
    return text;
}
template <class... Fields>
std::string values(const Fields&... fields) {
    rest_rows rows;
    return shown(rows, made(fill("1"), fields...));
}

} // namespace

TEST_SUITE("pipeline/rest_rows") {
TEST_CASE("values become JSON") {
    CHECK(values("n"_key = nullptr, "t"_key = true, "f"_key = false) == "n=null~,t=true,f=false");
    CHECK(
        values(
            "i"_key = -5,
            "u"_key = std::numeric_limits<std::uint64_t>::max(),
            "d"_key = 0.1,
            "one"_key = 1.0,
            "e"_key = 1e22) == "i=-5,u=18446744073709551615,d=0.1,one=1.0,e=1e+22");
    CHECK(values("s"_key = "a\"b\\c/d\n\x01") == "s=\"a\\\"b\\\\c/d\\n\\u0001\"");
    CHECK(values("p"_key = std::optional<int>(), "q"_key = std::optional(7)) == "p=null~,q=7");
}

TEST_CASE("many numbers, objects and arrays, one in the other, with texts behind them") {
    const std::vector<double> reals{1.5, 2};
    const std::array<std::int64_t, 3> integers{1, -2, 3};
    const std::string_view tail = "tail";

    CHECK(
        values("r"_key = reals, "i"_key = integers, "s"_key = tail) ==
        "r=[1.5,2.0],i=[1,-2,3],s=\"tail\"");
    CHECK(
        values(
            "o"_key = object("x"_key = "one", "p"_key = object("y"_key = 2, "z"_key = "three")),
            "a"_key = array(1, "two", array(true), nullptr),
            "s"_key = tail) ==
        "o={\"x\":\"one\",\"p\":{\"y\":2,\"z\":\"three\"}},a=[1,\"two\",[true],null],s=\"tail\"");
    CHECK(values("o"_key = object(), "a"_key = array()) == "o={},a=[]");
}

TEST_CASE(
    "D-4.5 a member that is not finite is left out, with what holds it up to the next object") {
    const std::vector<double> bad{1, nan};
    const std::vector<float> endless{std::numeric_limits<float>::infinity()};
    const std::string_view tail = "tail";
    rest_rows rows;

    CHECK(
        values("a"_key = nan, "b"_key = -std::numeric_limits<double>::infinity(), "c"_key = 1) ==
        "a=!,b=!,c=1");
    CHECK(values("v"_key = bad, "w"_key = endless, "c"_key = tail) == "v=!,w=!,c=\"tail\"");
    CHECK(
        values("o"_key = object("x"_key = nan, "s"_key = "in"), "c"_key = tail) ==
        "o={\"s\":\"in\"},c=\"tail\"");
    CHECK(values("a"_key = array("one", nan, "two"), "c"_key = tail) == "a=!,c=\"tail\"");
    CHECK(
        shown(
            rows,
            made(
                fill("1"),
                "o"_key = object("l"_key = array(1, array(nan, "deep")), "s"_key = "in"),
                "c"_key = tail)) == "o={\"s\":\"in\"},c=\"tail\"");
    CHECK(rows.not_finite_inside() == 1);
}

TEST_CASE("bytes that are no UTF-8 are repaired and counted, in values, ids and keys") {
    rest_rows rows;
    const auto record = made(fill("id\xff"), "s"_key = "x\xff");

    CHECK(shown(rows, record) == "s=\"x\xef\xbf\xbd\"");
    CHECK(rows.begin(record.view()).id == "id\xef\xbf\xbd");
    CHECK(rows.utf8_repaired() == 3);
    const support::made_record late = run_time_record<"fill">("1").add("k\xff", 1);
    CHECK(shown(rows, late) == "k\xef\xbf\xbd=1");
    CHECK(rows.utf8_repaired() == 4);
}

TEST_CASE("records with run-time keys keep reserved ones, and may hold a key twice") {
    rest_rows rows;
    const support::made_record record =
        run_time_record<"fill">("1").add("MONA_x", 1).add("a", "t").add("a", nullptr);

    CHECK(shown(rows, record) == "MONA_x=1,a=\"t\",a=null~");
    CHECK(rows.begin(record.view()).may_repeat_keys);
    CHECK(rest_rows::field_count(record.view()) == 3);
    CHECK_FALSE(rows.begin(made(fill("1"), "a"_key = 1).view()).may_repeat_keys == true);
}

TEST_CASE("whose a record is: class, id, time and action") {
    rest_rows rows;
    const class_name late("late");
    const auto row_of = [&](const support::made_record& record) {
        return rows.begin(record.view());
    };

    const auto plain = made(fill("7"), "a"_key = 1);
    CHECK(row_of(plain).id == "7");
    CHECK(row_of(plain).class_name == intern_key("fill"));
    CHECK_FALSE(row_of(plain).time);
    CHECK_FALSE(row_of(plain).what);

    const auto added = made(fill("7").as(action::add), "a"_key = 1);
    CHECK(row_of(added).class_name == intern_key("fill"));
    CHECK(row_of(added).what == action::add);

    const auto numbered = made(late(12).as(action::fresh), "a"_key = 1);
    CHECK(row_of(numbered).class_name == intern_key("late"));
    CHECK(row_of(numbered).id == "12");
    CHECK(row_of(numbered).what == action::fresh);

    const std::chrono::system_clock::time_point when(std::chrono::seconds(1'600'000'000));
    const auto both = made(fill("7").at(when).as(action::overwrite), "a"_key = 1);
    CHECK(row_of(both).time == 1'600'000'000);
    CHECK(row_of(both).what == action::overwrite);
    CHECK(
        row_of(made(fill("7").as(action::overwrite).at(when), "a"_key = 1)).time == 1'600'000'000);
}

TEST_CASE("a whole second is sent as one, another time in milliseconds") {
    CHECK(rest_time_of(1'600'000'000 * second) == 1'600'000'000);
    CHECK(rest_time_of(1'600'000'000 * second + 1'000'000) == 1'600'000'000'001);
    CHECK(rest_time_of(1'600'000'000 * second + 999'999) == 1'600'000'000'000);
    CHECK(rest_time_of(1 * second) == 1);
    CHECK(rest_time_of(0) == 0);
    CHECK(rest_time_of(500'000'000 * second + 5'000'000) == 500'000'000); // not of 13 digits
    CHECK(rest_time_of(-1) == -1);
}
}
