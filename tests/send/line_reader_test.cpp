#include "send/line_reader.hpp"
#include "support/lines_of_text.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <system_error>
#include <vector>

using namespace monarc::send;

namespace {

std::vector<std::string> lines_of(const std::string& text, std::size_t piece, std::size_t buffer) {
    line_reader lines(reads_of(text, piece), buffer);
    std::vector<std::string> all;
    std::uint64_t number = 0;
    bool is_whole = true;
    while (auto part = lines.next().value()) {
        CHECK(part->is_begin == is_whole);
        if (part->is_begin) {
            ++number;
            all.emplace_back();
        }
        CHECK(part->line == number);
        all.back() += part->text;
        is_whole = part->is_end;
    }
    CHECK(is_whole);
    return all;
}

} // namespace

TEST_SUITE("send/line_reader") {
TEST_CASE("an empty input has no line, one line feed is one empty line") {
    CHECK(lines_of("", 1, 8).empty());
    CHECK(lines_of("\n", 1, 8) == std::vector<std::string>{""});
    CHECK(lines_of("\n\n", 1, 8) == std::vector<std::string>{"", ""});
}

TEST_CASE("the last line needs no line feed, and says that it has none") {
    CHECK(lines_of("a\nb", 2, 8) == std::vector<std::string>{"a", "b"});

    line_reader lines(reads_of("a\nb", 100));
    CHECK(lines.next().value()->has_line_feed);
    CHECK_FALSE(lines.next().value()->has_line_feed);
    CHECK_FALSE(lines.next().value());
    CHECK_FALSE(lines.next().value());
}

TEST_CASE("a line longer than the buffer comes in parts") {
    const std::string line(100, 'x');
    CHECK(lines_of(line + "\nb\n", 7, 16) == std::vector<std::string>{line, "b"});
    CHECK(lines_of(line, 7, 16) == std::vector<std::string>{line});
    CHECK(lines_of(std::string(16, 'x'), 16, 16) == std::vector<std::string>{std::string(16, 'x')});
}

TEST_CASE("whatever the pieces and the buffer, the lines are the same") {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        std::vector<std::string> wanted;
        std::string text;
        for (auto count = random() % 10; count != 0; --count) {
            wanted.emplace_back(random() % 40, static_cast<char>('a' + count));
            text += wanted.back() + '\n';
        }
        CHECK(lines_of(text, 1 + random() % 20, 1 + random() % 64) == wanted);
    }
}

TEST_CASE("what the input fails with comes out, after the lines before it") {
    int reads = 0;
    line_reader lines([&](char* to, std::size_t) -> monarc::result<std::size_t> {
        if (++reads == 1) {
            to[0] = 'a';
            to[1] = '\n';
            to[2] = 'b';
            return 3;
        }
        return std::make_error_code(std::errc::io_error);
    });
    CHECK(lines.next().value()->text == "a");
    CHECK(lines.next().error() == std::errc::io_error);
}
}
