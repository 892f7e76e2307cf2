#include "monasca/text_table.hpp"

#include <doctest/doctest.h>

using namespace monarc::tool;

TEST_SUITE("monasca/text_table") {
TEST_CASE("cells of several lines are filled up below") {
    text_table table({"name", "value"});
    table.add({"a", "1\n2"});
    table.add({"", "a longer value"});

    CHECK(
        table.drawn() == "+------+----------------+\n"
                         "| name | value          |\n"
                         "+------+----------------+\n"
                         "| a    | 1              |\n"
                         "|      | 2              |\n"
                         "|      | a longer value |\n"
                         "+------+----------------+\n");
}

TEST_CASE("without rows there is one empty line and no head") {
    CHECK(text_table({"name"}).drawn() == "\n");
    CHECK(text_table({"name"}).as_csv() == "name\n");
    CHECK(text_table({"name"}).as_values() == "");
}

TEST_CASE("a line takes as many cells as a terminal shows") {
    CHECK(cells_of("") == 0);
    CHECK(cells_of("abc") == 3);
    CHECK(cells_of("température") == 11);
    CHECK(cells_of("温度") == 4);
    CHECK(cells_of("🔥") == 2);
    CHECK(cells_of("e\xcc\x81") == 1); // e and a combining accent
    CHECK(cells_of("ｱ") == 1);         // half as wide as others of its script
    CHECK(cells_of("\033[1;31mred\033[0m") == 3);
}

TEST_CASE("a line with a control character counts as PrettyTable counts it") {
    CHECK(cells_of("a\tb") == -1);
    CHECK(cells_of("a\rb") == -1);
    CHECK(cells_of("\x7f") == -1);
    CHECK(cells_of("\033[x") == -1);
}

TEST_CASE("csv quotes what it must") {
    text_table table({"a", "b"});
    table.add({"x,y", "say \"no\""});
    table.add({"two\nlines", "plain"});

    CHECK(table.as_csv() == "a,b\n\"x,y\",\"say \"\"no\"\"\"\n\"two\nlines\",plain\n");
    CHECK(table.as_values() == "x,y say \"no\"\ntwo lines plain\n");
}
}
