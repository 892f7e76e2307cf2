#include "send/cell_value.hpp"
#include "send/csv_rows.hpp"
#include "support/lines_of_text.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <string>
#include <variant>
#include <vector>

using namespace monarc::send;

namespace {

struct reader {
    explicit reader(std::string text, csv_options options = {}, std::size_t piece = 1000)
        : lines(reads_of(std::move(text), piece)), rows(lines, std::move(options)) {}

    found header() { return rows.read_header(why); }
    found next() { return rows.next(r, why); }

    line_reader lines;
    csv_rows rows;
    row r;
    std::string why;
};

std::string_view text_of(const value& what) {
    return std::get<std::string_view>(what);
}

} // namespace

TEST_SUITE("send/csv_rows") {
TEST_CASE("the header names the fields, cells have the types that JSON would give them") {
    reader from("\xef\xbb\xbfname,n,x,ok,none\r\nAda,-3,2.5,true,\r\n");
    REQUIRE(from.header() == found::row);
    REQUIRE(from.next() == found::row);
    const auto& f = from.r.fields;
    REQUIRE(f.size() == 4); // an empty cell is left out
    CHECK(f[0].name == "name");
    CHECK(text_of(f[0].what) == "Ada");
    CHECK(std::get<std::int64_t>(f[1].what) == -3);
    CHECK(std::get<double>(f[2].what) == 2.5);
    CHECK(std::get<bool>(f[3].what));
    CHECK(from.next() == found::end);
}

TEST_CASE("quoted cells may hold delimiters, quotes and line ends, in whatever pieces they come") {
    for (std::size_t piece = 1; piece < 40; ++piece) {
        reader from("a,b\n\"x,\"\"y\"\"\r\nz\n\",\"\"\n\n5\" pipe,2\n", {}, piece);
        REQUIRE(from.header() == found::row);
        REQUIRE(from.next() == found::row);
        CHECK(from.r.first_line == 2);
        CHECK(from.r.last_line == 4);
        REQUIRE(from.r.fields.size() == 1);
        CHECK(text_of(from.r.fields[0].what) == "x,\"y\"\r\nz\n");
        REQUIRE(from.next() == found::row);
        CHECK(from.r.first_line == 6);
        CHECK(text_of(from.r.fields[0].what) == "5\" pipe");
        CHECK(from.next() == found::end);
    }
}

TEST_CASE("rows with other numbers of cells, or text behind quotes, are bad, and reading goes on") {
    reader from("a,b\n1\n1,2,3\n\"x\"y,2\n\"x\" ,2\n3,4\n");
    REQUIRE(from.header() == found::row);
    for (const auto* const word :
         {"1 cell,", "3 cells", "behind the closing quote", "behind the"}) {
        CHECK(from.next() == found::bad_line);
        CHECK(from.why.find(word) != std::string::npos);
    }
    REQUIRE(from.next() == found::row);
    CHECK(from.r.first_line == 6);
}

TEST_CASE("a quote that is never closed takes the rest of the input with it") {
    reader from("a,b\n1,2\n3,\"4\n5,6\n7,8\n");
    REQUIRE(from.header() == found::row);
    CHECK(from.next() == found::row);
    CHECK(from.next() == found::bad_line);
    CHECK(from.why.find("never closed") != std::string::npos);
    CHECK(from.r.first_line == 3);
    CHECK(from.r.last_line == 5);
    CHECK(from.next() == found::end);
}

TEST_CASE("a row beyond 256 KiB is bad; its quotes are followed to its end") {
    const std::string long_cell = "\"" + std::string(1'000'000, 'x') + "\n,\"\"\n\"";
    reader from("a,b\n" + long_cell + ",1\n2,3\n");
    REQUIRE(from.header() == found::row);
    CHECK(from.next() == found::bad_line);
    CHECK(from.why.find("1000006 bytes long") != std::string::npos);
    REQUIRE(from.next() == found::row);
    CHECK(from.r.first_line == 5);
}

TEST_CASE("columns that are asked for come as text; one that is not there is named") {
    reader from("id,n\n007,1.50\n,2\n", {.columns = {"n", "id"}});
    REQUIRE(from.header() == found::row);
    REQUIRE(from.next() == found::row);
    CHECK(text_of(from.r.chosen[0]) == "1.50");
    CHECK(text_of(from.r.chosen[1]) == "007");
    REQUIRE(from.next() == found::row);
    CHECK(std::holds_alternative<missing>(from.r.chosen[1]));

    reader wrong("id,n\n", {.columns = {"nn"}});
    CHECK(wrong.header() == found::bad_line);
    CHECK(wrong.why == R"(there is no column "nn"; the header has "id", "n")");
    reader wrong_text("id,n\n", {.text_columns = {"nn"}});
    CHECK(wrong_text.header() == found::bad_line);
}

TEST_CASE("text can be forced, for a column and for all") {
    reader one("a,b\n1,2\n", {.text_columns = {"b"}});
    REQUIRE(one.header() == found::row);
    REQUIRE(one.next() == found::row);
    CHECK(std::get<std::int64_t>(one.r.fields[0].what) == 1);
    CHECK(text_of(one.r.fields[1].what) == "2");

    reader all("a,b\n1,true\n", {.is_all_text = true});
    REQUIRE(all.header() == found::row);
    REQUIRE(all.next() == found::row);
    CHECK(text_of(all.r.fields[0].what) == "1");
    CHECK(text_of(all.r.fields[1].what) == "true");
}

TEST_CASE("a column without a name is called after its place, a name stands only once") {
    reader from(",b\n1,2\n");
    REQUIRE(from.header() == found::row);
    REQUIRE(from.next() == found::row);
    CHECK(from.r.fields[0].name == "column_1");

    reader twice("a,a\n1,2\n");
    CHECK(twice.header() == found::bad_line);
    CHECK(twice.why.find("two columns have the name \"a\"") != std::string::npos);
}

TEST_CASE("a header of which nothing can come is refused") {
    reader returns("a,b\r1,2\r3,4\r");
    CHECK(returns.header() == found::bad_line);
    CHECK(returns.why == R"(a carriage return in "b\x0d1"; lines must end in LF or CRLF)");

    reader one("a;b\n1;2\n", {.columns = {"a"}});
    CHECK(one.header() == found::bad_line);
    CHECK(one.why.find("--delimiter") != std::string::npos);

    reader escape("a\x1b[2J,b\n", {.columns = {"c"}});
    CHECK(escape.header() == found::bad_line);
    CHECK(escape.why.find('\x1b') == std::string::npos);

    reader quoted("\"two\r\nlines\",b\r\n1,2\r\n");
    REQUIRE(quoted.header() == found::row);
    REQUIRE(quoted.next() == found::row);
    CHECK(quoted.r.fields[0].name == "two\r\nlines");
}

TEST_CASE("a header of 100 000 columns is read in no time") {
    reader wide(std::string(100'000, ',') + "\n" + std::string(100'000, ',') + "\n", {}, 1 << 20);
    const auto begun = std::chrono::steady_clock::now();
    REQUIRE(wide.header() == found::row);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10)); // it took minutes
    CHECK(wide.next() == found::row);
}

TEST_CASE("another delimiter; skipped lines; an empty input has no header") {
    reader from("a;b\n1;2\n3;4\n", {.delimiter = ';', .skip_lines = 2});
    REQUIRE(from.header() == found::row);
    REQUIRE(from.next() == found::row);
    CHECK(std::get<std::int64_t>(from.r.fields[0].what) == 3);

    reader empty("");
    CHECK(empty.header() == found::end);
    CHECK(empty.next() == found::end);
}
}

TEST_SUITE("send/cell_value") {
TEST_CASE("only what JSON would call a number is one") {
    CHECK(std::get<std::int64_t>(cell_value("0")) == 0);
    CHECK(std::get<std::int64_t>(cell_value("-0")) == 0);
    CHECK(
        std::get<std::int64_t>(cell_value("-9223372036854775808")) ==
        std::numeric_limits<std::int64_t>::min());
    CHECK(std::get<std::uint64_t>(cell_value("18446744073709551615")) == 18446744073709551615u);
    CHECK(std::get<double>(cell_value("1e3")) == 1000.0);
    CHECK(std::get<double>(cell_value("-0.25E-1")) == -0.025);
    for (const auto* const text :
         {"007",
          "-",
          "-a",
          "1.",
          ".5",
          "1.e3",
          "1e",
          "1e+",
          "+1",
          " 1",
          "1 ",
          "0x10",
          "1_000",
          "1,5",
          "NaN",
          "inf",
          "-Infinity",
          "18446744073709551616",
          "-9223372036854775809",
          "1e999",
          "TRUE",
          "True",
          "tru",
          "12:30",
          "2026-01-31"}) {
        CAPTURE(text);
        CHECK(text_of(cell_value(text)) == text);
    }
    CHECK_FALSE(std::get<bool>(cell_value("false")));
    CHECK(std::holds_alternative<missing>(cell_value("")));
}
}
