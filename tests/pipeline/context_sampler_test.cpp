#include "pipeline/context_sampler.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace monarc;
using namespace monarc::pipeline;

namespace {

double never() {
    FAIL("an id decides by itself");
    return 0;
}

} // namespace

TEST_SUITE("pipeline/context_sampler") {
TEST_CASE("8.1 the hash arithmetic of the contract's table") {
    struct row {
        std::string id;
        double place;
        bool is_in_half;
        bool is_in_tenth;
    };
    const row rows[] = {
        {"a", 0.3363797, true, false},
        {"b", 0.8422679, false, false},
        {"c", 0.3645018, true, false},
        {"ctx-1", 0.5985542, false, false},
        {"ctx-2", 0.7330438, false, false},
        {"ctx-3", 0.3638201, true, false},
        {"0", 0.5252372, false, false},
        {"user-0", 0.0380891, true, true},
        {"user-1", 0.8637705, false, false},
        {"user-20", 0.041707, true, true},
        {"id.with.dots", 0.5726736, false, false},
        {std::string(100, 'A'), 0.9502275, false, false},
        {"CONTEXT_INSTANCE_UNIQUE_ID", 0.6730933, false, false},
        {"550e8400-e29b-41d4-a716-446655440000", 0.3872478, true, false},
    };
    const auto of = intern_key("CLS");
    context_sampler half({{"*", 0.5}}, never);
    context_sampler tenth({{"*", 0.1}}, never);

    for (const auto& [id, place, is_in_half, is_in_tenth] : rows) {
        CAPTURE(id);
        CHECK(sampling_place_of(id) == place);
        CHECK(half.keeps(of, id) == is_in_half);
        CHECK(tenth.keeps(of, id) == is_in_tenth);
        CHECK(context_sampler({{"*", place}}, never).keeps(of, id)); // equal counts as in
        CHECK_FALSE(context_sampler({{"*", 0.0}}, never).keeps(of, id));
        CHECK(context_sampler({{"*", 1.0}}, never).keeps(of, id));
    }
}

TEST_CASE("the share of the class counts, else the default, else everything is kept") {
    context_sampler both({{"half", 0.5}, {"*", 0.0}}, never);
    context_sampler one({{"half", 0.5}}, never);
    const auto half = intern_key("half");
    const auto other = intern_key("other");

    CHECK(both.keeps(half, "a"));
    CHECK_FALSE(both.keeps(half, "b"));
    CHECK_FALSE(both.keeps(other, "a"));
    CHECK(one.keeps(other, "b"));
    CHECK_FALSE(one.keeps(half, "b"));
    CHECK(both.is_active());
    CHECK_FALSE(context_sampler({}, never).is_active());
}

TEST_CASE("without an id a random number decides, and equal counts as in") {
    const std::vector<double> numbers{0.1, 0.9, 0.5, 0.500001};
    std::size_t next = 0;
    context_sampler half({{"*", 0.5}}, [&] { return numbers[next++]; });
    const auto of = intern_key("CLS");

    CHECK(half.keeps(of, ""));
    CHECK_FALSE(half.keeps(of, ""));
    CHECK(half.keeps(of, ""));
    CHECK_FALSE(half.keeps(of, ""));
}

TEST_CASE("ids outside ASCII are hashed by their UTF-8 bytes") {
    CHECK(sampling_place_of("\xc3\xa9") >= 0);
    CHECK(sampling_place_of("\xc3\xa9") < 1);
    CHECK(sampling_place_of("\xc3\xa9") != sampling_place_of("e"));
}
}
