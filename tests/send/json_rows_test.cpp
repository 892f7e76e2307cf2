#include "send/json_rows.hpp"
#include "support/lines_of_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

using namespace monarc::send;

namespace {

struct reader {
    explicit reader(std::string text, std::vector<std::string> columns = {}, std::uint64_t skip = 0)
        : lines(reads_of(std::move(text), 1000)), rows(lines, std::move(columns), skip) {}

    found next() { return rows.next(r, why); }

    line_reader lines;
    json_rows rows;
    row r;
    std::string why;
};

std::string_view text_of(const value& what) {
    return std::get<std::string_view>(what);
}

} // namespace

TEST_SUITE("send/json_rows") {
TEST_CASE("each line is an object with its members; blank lines are passed over") {
    reader from("\xef\xbb\xbf{\"a\":1}\r\n\n \t\n{\"b\":\"x\",\"c\":null}");

    REQUIRE(from.next() == found::row);
    CHECK(from.r.first_line == 1);
    REQUIRE(from.r.fields.size() == 1);
    CHECK(from.r.fields[0].name == "a");
    CHECK(std::get<std::int64_t>(from.r.fields[0].what) == 1);
    CHECK(from.r.is_flat);

    REQUIRE(from.next() == found::row);
    CHECK(from.r.first_line == 4);
    CHECK(from.r.json == "{\"b\":\"x\",\"c\":null}");
    CHECK(std::holds_alternative<std::nullptr_t>(from.r.fields[1].what));
    CHECK(from.next() == found::end);
}

TEST_CASE("the types of JSON are kept") {
    reader from(R"({"i":-5,"n":18446744073709551615,"d":0.5,"b":true,"o":{},"l":[1]})");
    REQUIRE(from.next() == found::row);
    const auto& f = from.r.fields;
    CHECK(std::get<std::int64_t>(f[0].what) == -5);
    CHECK(std::get<std::uint64_t>(f[1].what) == 18446744073709551615u);
    CHECK(std::get<double>(f[2].what) == 0.5);
    CHECK(std::get<bool>(f[3].what));
    CHECK(std::holds_alternative<nested>(f[4].what));
    CHECK(std::holds_alternative<nested>(f[5].what));
    CHECK_FALSE(from.r.is_flat);
}

TEST_CASE("a column is a member, with dots also a member of a member; the later of two counts") {
    reader from(
        R"({"a":{"b":{"c":"deep"},"b.c":"dotted"},"id":"first","id":"second","x.y":7,"x":{"y":8}})",
        {"a.b.c", "id", "x.y", "no", "a.no", "id.no", "a"});
    REQUIRE(from.next() == found::row);
    CHECK(text_of(from.r.chosen[0]) == "dotted");
    CHECK(text_of(from.r.chosen[1]) == "second");
    CHECK(std::get<std::int64_t>(from.r.chosen[2]) == 7);
    CHECK(std::holds_alternative<missing>(from.r.chosen[3]));
    CHECK(std::holds_alternative<missing>(from.r.chosen[4]));
    CHECK(std::holds_alternative<missing>(from.r.chosen[5]));
    CHECK(std::holds_alternative<nested>(from.r.chosen[6]));
}

TEST_CASE("a member of a member is looked for in the one that is sent") {
    reader from(
        R"({"a":{"b":1},"a":5}
{"a":5,"a":{"b":2}})",
        {"a.b"});
    REQUIRE(from.next() == found::row);
    CHECK(std::holds_alternative<missing>(from.r.chosen[0]));
    REQUIRE(from.next() == found::row);
    CHECK(std::get<std::int64_t>(from.r.chosen[0]) == 2);
}

TEST_CASE("a bad line says what is wrong, and the next one is read") {
    const std::string deep = std::string(12, '[') + std::string(12, ']');
    for (const auto& [line, word] : std::vector<std::pair<std::string, std::string>>{
             {"{\"a\":}", "no JSON"},
             {"nonsense", "--format csv"},
             {"id,age", "--format csv"},
             {"{\"a\":1e400}", "in quotes"},
             {"[{\"a\":1}]", "array"},
             {"17", "no JSON object"},
             {"{\"a\":1} {\"b\":2}", "no JSON"},
             {"{\"a\":100000000000000000000}", "beyond 64 bits"},
             {"{\"a\":" + deep + "}", "deep"}}) {
        CAPTURE(line);
        reader from(line + "\n{\"good\":1}\n");
        CHECK(from.next() == found::bad_line);
        CHECK(from.why.find(word) != std::string::npos);
        CHECK(from.r.first_line == 1);
        CHECK(from.next() == found::row);
        CHECK(from.r.first_line == 2);
    }
}

TEST_CASE("twelve levels are taken, as by the exporter") {
    reader from("{\"a\":" + std::string(11, '[') + std::string(11, ']') + "}");
    CHECK(from.next() == found::row);
}

TEST_CASE("a line beyond 256 KiB is bad, whatever it holds, also one larger than the buffer") {
    for (const std::size_t bytes : {std::size_t{256 * 1024 + 1}, std::size_t{3'000'000}}) {
        const auto line = "{\"a\":\"" + std::string(bytes - 8, 'x') + "\"}";
        reader from(line + "\n{\"good\":1}\n");
        CHECK(from.next() == found::bad_line);
        CHECK(from.why.find(std::to_string(bytes)) != std::string::npos);
        CHECK(from.next() == found::row);
        CHECK(from.r.first_line == 2);
    }
    reader from("{\"a\":\"" + std::string(256 * 1024 - 8, 'x') + "\"}");
    CHECK(from.next() == found::row);
}

TEST_CASE("an input that ends inside of an object says so") {
    reader from("{\"a\":1}\n{\"a\":");
    CHECK(from.next() == found::row);
    CHECK(from.next() == found::bad_line);
    CHECK(from.why.find("the input ends here") != std::string::npos);
}

TEST_CASE("bytes that are not UTF-8 are left to the exporter, which counts them") {
    reader from("{\"id\":\"a\xff\"}", {"id"});
    REQUIRE(from.next() == found::row);
    CHECK_FALSE(from.r.is_flat);
    CHECK(from.r.json == "{\"id\":\"a\xff\"}");
    CHECK(text_of(from.r.chosen[0]) == "a\xef\xbf\xbd");
}

TEST_CASE("the first lines can be skipped, bad and long ones as well") {
    reader from("nonsense\n" + std::string(2'000'000, 'x') + "\n{\"a\":1}\n{\"a\":2}\n", {}, 3);
    REQUIRE(from.next() == found::row);
    CHECK(from.r.first_line == 4);
    CHECK(from.next() == found::end);
}
}
