#include "sink/store.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using monarc::sink::store;

namespace {

// A directory of its own, gone at the end.
class scratch {
public:
    scratch() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "monarc_store_XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
    }
    ~scratch() { std::filesystem::remove_all(directory_); }
    std::string file() const { return (directory_ / "events").string(); }

private:
    std::filesystem::path directory_;
};

std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(store& s, const std::string& path) {
    std::vector<std::string> lines;
    const auto ec = s.open(path, [&](std::string_view line) {
        lines.emplace_back(line);
        return true;
    });
    CHECK(!ec);
    return lines;
}

} // namespace

TEST_SUITE("sink/store") {
TEST_CASE("lines come back in order, also where a read ends inside of one") {
    const scratch directory;
    std::vector<std::string> expected;
    {
        store s;
        CHECK(lines_of(s, directory.file()).empty());
        for (std::size_t i = 0; i < 400; ++i) {
            expected.emplace_back(i * 37 % 12'345, static_cast<char>('a' + i % 26));
            REQUIRE(!s.append(expected.back() + "\n"));
        }
        expected.emplace_back(3'000'000, 'z');
        REQUIRE(!s.append(expected.back() + "\n"));
    }
    store again;

    CHECK((lines_of(again, directory.file()) == expected));
    CHECK(again.line_number() == expected.size());
    CHECK(again.size_bytes() == std::filesystem::file_size(directory.file()));
}

TEST_CASE("a torn last line is cut off, and writing goes on behind the last whole one") {
    const scratch directory;
    std::ofstream(directory.file()) << "one\ntwo\nthr";
    {
        store s;
        CHECK(lines_of(s, directory.file()) == std::vector<std::string>{"one", "two"});
        CHECK(s.cut_bytes() == 3);
        CHECK(!s.append("four\n"));
    }
    CHECK(content(directory.file()) == "one\ntwo\nfour\n");
}

TEST_CASE("what was appended can be taken back") {
    const scratch directory;
    store s;
    (void)lines_of(s, directory.file());
    REQUIRE(!s.append("one\n"));
    const auto size = s.size_bytes();
    REQUIRE(!s.append("two\nth"));

    CHECK(!s.cut_back(size));
    CHECK(!s.append("three\n"));

    CHECK(content(directory.file()) == "one\nthree\n");
}

TEST_CASE("a second sink is kept out, and a refused line is named") {
    const scratch directory;
    const auto any = [](std::string_view) { return true; };
    {
        store first;
        store second;
        REQUIRE(!first.open(directory.file(), any));
        CHECK(second.open(directory.file(), any) == std::errc::device_or_resource_busy);
        REQUIRE(!first.append("good\nbad\n"));
    }
    store third;
    CHECK(third.open(directory.file(), [](std::string_view line) {
        return line == "good";
    }) == monarc::errc::bad_data);
    CHECK(third.line_number() == 2);
}
}
