#include "mona_client/context_levels.hpp"

#include <doctest/doctest.h>

using monarc::mona_client::context_levels;
using closing = context_levels::closing;

TEST_SUITE("mona_client/context_levels") {
TEST_CASE("an id with dots opens a level for each part, empty ones too") {
    context_levels levels;

    levels.open("a..b.");

    CHECK(levels.depth() == 4);
    CHECK(levels.full_id() == "a..b.");
    levels.open_sub("x.y");
    CHECK(levels.full_id() == "a..b..x.y");
    CHECK(levels.close_sub("") == closing::closed);
    CHECK(levels.full_id() == "a..b..x");
}

TEST_CASE("the main level cannot be closed, nor one that is not there") {
    context_levels levels;
    CHECK(levels.close_sub("") == closing::nothing_to_close);

    levels.open("main");

    CHECK(levels.close_sub("") == closing::nothing_to_close);
    CHECK(levels.close_sub("main") == closing::nothing_to_close);
    CHECK(levels.close_sub("other") == closing::nothing_to_close);
    CHECK(levels.full_id() == "main");
}

TEST_CASE("a level is found by its name, the first of two, and takes all above it with it") {
    context_levels levels;
    levels.open("main");
    levels.open_sub("s");
    levels.open_sub("t");
    levels.open_sub("s");

    CHECK(levels.close_sub("s") == closing::closed);

    CHECK(levels.full_id() == "main");
}

TEST_CASE("what is guarded, and what is below it, is not closed by name") {
    context_levels levels;
    levels.open("main");
    levels.open_sub("by hand");
    levels.open_sub("scope");
    levels.guard_all();
    levels.open_sub("free");

    CHECK(levels.close_sub("by hand") == closing::is_guarded);
    CHECK(levels.close_sub("scope") == closing::is_guarded);
    CHECK(levels.close_sub("") == closing::closed);
    CHECK(levels.full_id() == "main.by hand.scope");
}

TEST_CASE("the end of a scope finds the depth that it found, whatever has the same name") {
    context_levels levels;
    levels.open("s");
    levels.guard_all();
    const auto depth = levels.depth();
    const auto guarded = levels.guarded();
    levels.open_sub("s");
    levels.guard_all();
    levels.open_sub("left open");

    levels.return_to(depth, guarded);

    CHECK(levels.full_id() == "s");
    CHECK(levels.has_guarded());
}

TEST_CASE("a reset leaves the guards, so that no main context can begin inside of a scope") {
    context_levels levels;
    levels.open("main");
    levels.guard_all();

    levels.reset();

    CHECK_FALSE(levels.is_open());
    CHECK(levels.full_id() == "");
    CHECK(levels.has_guarded());
    levels.return_to(1, 1);
    CHECK(levels.depth() == 0);
    levels.clear();
    CHECK_FALSE(levels.has_guarded());
}
}
