#include "sink/monasca_expression.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace monarc;
using sink::alarm_expression;

namespace {

std::string refusal(const std::string& text) {
    try {
        (void)sink::read_expression(text);
    } catch (const sink::expression_error& wrong) {
        return std::to_string(wrong.column) + ": " + wrong.what();
    }
    return "none";
}

} // namespace

TEST_SUITE("sink/monasca_expression") {
TEST_CASE("a subexpression has function, metric, dimensions, period, comparison and periods") {
    const auto read = sink::read_expression(
        "AVG(-_.größe{ host = a b , zone=x}, deterministic, 120) LTE -1.5 times 3");
    REQUIRE(read.subs.size() == 1);
    const auto& sub = read.subs.front();
    CHECK(sub.function == sink::alarm_function::avg);
    CHECK(sub.metric == "-_.größe");
    CHECK(sub.dimensions == sink::dimension_list{{"host", "a b"}, {"zone", "x"}});
    CHECK(sub.is_deterministic);
    CHECK(sub.period == 120);
    CHECK(sub.comparison == sink::alarm_comparison::lte);
    CHECK(sub.threshold == -1.5);
    CHECK(sub.periods == 3);
    CHECK(read.is_deterministic());
    CHECK(sub.text() == "avg(-_.größe{host=a b, zone=x}, deterministic, 120) <= -1.5 times 3");
}

TEST_CASE("without a function it is max or min, whichever the comparison makes sense with") {
    CHECK(sink::read_expression("cpu > 1").subs[0].function == sink::alarm_function::max);
    CHECK(sink::read_expression("cpu lt 1").subs[0].function == sink::alarm_function::min);
    const auto plain = sink::read_expression("maximum>=0");
    CHECK(plain.subs[0].metric == "maximum");
    CHECK(plain.subs[0].period == 60);
    CHECK_FALSE(plain.is_deterministic());
}

TEST_CASE("and binds more than or, brackets more than both") {
    const auto both = alarm_expression::both;
    const auto either = alarm_expression::either;
    CHECK(
        sink::read_expression("a > 1 or b > 1 and c > 1").steps ==
        std::vector{0, 1, 2, both, either});
    CHECK(
        sink::read_expression("(a > 1 || b > 1) && c > 1").steps ==
        std::vector{0, 1, either, 2, both});
}

TEST_CASE("what is no expression is refused with the column where it stops") {
    CHECK(refusal("") == "1: Expected a name");
    CHECK(refusal("max(cpu > 2") == "9: Expected \")\"");
    CHECK(refusal("max(cpu) 2") == "10: Expected one of <, <=, >, >=");
    CHECK(refusal("max(cpu) > x") == "12: Expected a number");
    CHECK(refusal("max(cpu) > 1 2") == "14: Expected end of text");
    CHECK(refusal("max(cpu{a}) > 1") == "10: Expected \"=\"");
    CHECK(refusal("max(cpu, 0) > 1").ends_with("Period must not be 0"));
    CHECK(refusal("max(cpu, 90) > 1").ends_with("Period 90 must be a multiple of 60"));
    CHECK(refusal("cpu > 1 times 0").ends_with("Periods 0 must be 1 or greater"));
    CHECK(refusal(std::string(1'000'000, '(')).ends_with("Nested too deeply"));
    std::string many = "a>1";
    for (int i = 0; i < 32; ++i)
        many += "or a>1";
    CHECK(refusal(many).ends_with("More than 32 subexpressions"));
}

TEST_CASE("a metric is meant that has the name and at least these dimensions") {
    const auto sub = sink::read_expression("max(cpu{host=a}) > 1").subs.front();
    CHECK(sub.admits("cpu", {{"host", "a"}, {"zone", "x"}}));
    CHECK_FALSE(sub.admits("cpu", {{"host", "b"}}));
    CHECK_FALSE(sub.admits("cpu", {}));
    CHECK_FALSE(sub.admits("cpu2", {{"host", "a"}}));
}
}
