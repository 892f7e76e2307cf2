#include "core/utf8.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

using namespace monarc;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

constexpr auto replacement = "\xef\xbf\xbd"sv;

std::string repaired(std::string_view text) {
    std::string out;
    append_utf8(text, out);
    return out;
}

// By the definition: decode each sequence and look at the code point and its length.
bool is_utf8_by_definition(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t bytes = lead < 0x80              ? 1
                                  : (lead >> 5) == 0b110   ? 2
                                  : (lead >> 4) == 0b1110  ? 3
                                  : (lead >> 3) == 0b11110 ? 4
                                                           : 0;
        if (bytes == 0 || i + bytes > text.size()) {
            return false;
        }
        std::uint32_t point = bytes == 1 ? lead : lead & (0x7fu >> bytes);
        for (std::size_t k = 1; k < bytes; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) {
                return false;
            }
            point = point << 6 | (next & 0x3f);
        }
        const std::uint32_t least = bytes == 1   ? 0
                                    : bytes == 2 ? 0x80
                                    : bytes == 3 ? 0x800
                                                 : 0x10000;
        if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
            return false;
        }
        i += bytes;
    }
    return true;
}

std::string times(std::size_t count, std::string_view piece) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
        out += piece;
    }
    return out;
}

} // namespace

TEST_SUITE("core/utf8") {
TEST_CASE("valid text is taken as it is") {
    for (const auto text :
         {""sv,
          "plain"sv,
          "\0 in the middle \0"sv,
          "\x7f"sv,
          "\xc2\x80"sv,
          "\xdf\xbf"sv,
          "\xe0\xa0\x80"sv,
          "\xed\x9f\xbf"sv,
          "\xee\x80\x80"sv,
          "\xef\xbf\xbf"sv,
          "\xf0\x90\x80\x80"sv,
          "\xf4\x8f\xbf\xbf"sv,
          "\xef\xbf\xbd"sv}) {
        std::string out = "before ";

        CHECK(is_utf8(text));
        CHECK_FALSE(append_utf8(text, out));
        CHECK(out == "before " + std::string(text));
    }
}

TEST_CASE("D-4.4 each maximal part of a broken sequence becomes one U+FFFD") {
    struct row {
        std::string_view broken;
        std::string_view expected; // r stands for U+FFFD
    };
    // The first five are the examples of the Unicode standard, section 3.9.
    const row rows[] = {
        {"\x41\xc0\xaf\x41\xf4\x80\x80\x41", "ArrArA"},
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "rrrrrrrrA"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "rrrrrrrrA"},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "rrrrrArrB"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "rrrrA"},
        {"\x80", "r"},
        {"\xbf\xbf", "rr"},
        {"\xc1\xbf", "rr"},
        {"\xc2", "r"},
        {"\xc2\x41", "rA"},
        {"\xc2\xc2", "rr"},
        {"\xe0\x9f\xbf", "rrr"},
        {"\xe0\xa0", "r"},
        {"\xe2\x82", "r"},
        {"\xe2\x82\xe2\x82", "rr"},
        {"\xed\x9f", "r"},
        {"\xef\xbf", "r"},
        {"\xf0\x8f\xbf\xbf", "rrrr"},
        {"\xf0\x90", "r"},
        {"\xf0\x90\x80", "r"},
        {"\xf0\x90\x80\x41", "rA"},
        {"\xf4\x8f\xbf", "r"},
        {"\xf4\x90\x80\x80", "rrrr"},
        {"\xf5\x80\x80\x80", "rrrr"},
        {"\xf8\x88\x80\x80\x80", "rrrrr"},
        {"\xfe\xff", "rr"},
        {"A\xff"
         "B",
         "ArB"},
    };

    for (const auto& [broken, expected] : rows) {
        CAPTURE(expected);
        std::string wanted;
        for (const char c : expected) {
            wanted += c == 'r' ? replacement : std::string_view(&c, 1);
        }
        std::string out;
        CHECK_FALSE(is_utf8(broken));
        CHECK(append_utf8(broken, out));
        CHECK(out == wanted);
    }
}

TEST_CASE("a broken byte is found at every place of a run of ASCII") {
    for (std::size_t size = 1; size <= 33; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            std::string text(size, 'a');
            text[at] = '\xff';

            CHECK_FALSE(is_utf8(text));
            CHECK(
                repaired(text) ==
                std::string(at, 'a') + std::string(replacement) + std::string(size - at - 1, 'a'));
        }
    }
}

TEST_CASE("a sequence of several bytes is whole at every place of a run of ASCII") {
    for (const auto character : {"\xc3\xa4"sv, "\xe2\x82\xac"sv, "\xf0\x9f\x98\x80"sv}) {
        for (std::size_t before = 0; before <= 17; ++before) {
            for (std::size_t after = 0; after <= 9; ++after) {
                const auto text =
                    std::string(before, 'a') + std::string(character) + std::string(after, 'z');
                CHECK(is_utf8(text));
                CHECK(repaired(text) == text);
                CHECK(repaired(text + "\xff") == text + std::string(replacement)); // the slow path
                CHECK_FALSE(is_utf8(text.substr(0, before + character.size() - 1)));
            }
        }
    }
}

TEST_CASE("all texts of two bytes are judged as the definition of UTF-8 says") {
    int wrong = 0;
    for (unsigned pair = 0; pair < 0x10000; ++pair) {
        const char bytes[] = {static_cast<char>(pair >> 8), static_cast<char>(pair)};
        const std::string_view text(bytes, 2);
        wrong += is_utf8(text) != is_utf8_by_definition(text) ? 1 : 0;
        wrong += is_utf8_by_definition(repaired(text)) ? 0 : 1;
    }
    CHECK(wrong == 0);
}

TEST_CASE("random texts of up to 24 bytes are judged as the definition says, and repaired once") {
    std::mt19937 random(1);
    const unsigned char likely[] = {0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xdf,
                                    0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xc0, 0xff};
    int wrong = 0;
    int valid = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text;
        for (auto size = random() % 25; size != 0; --size) {
            text += random() % 3 == 0 ? 'x' : static_cast<char>(likely[random() % sizeof likely]);
        }
        const bool is_valid = is_utf8_by_definition(text);
        valid += is_valid ? 1 : 0;
        std::string out;
        wrong += is_utf8(text) == is_valid ? 0 : 1;
        wrong += append_utf8(text, out) == !is_valid ? 0 : 1;
        wrong += is_utf8_by_definition(out) ? 0 : 1;
        wrong += repaired(out) == out ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(valid > 1000);
}

TEST_CASE("a long broken text grows by at most three") {
    CHECK(repaired(std::string(1000, '\xff')) == times(1000, replacement));
}
}
