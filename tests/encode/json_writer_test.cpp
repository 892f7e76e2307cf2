#include "encode/json_writer.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>

using namespace monarc::encode;
using namespace std::string_view_literals;

namespace {

std::string text(std::string_view of) {
    std::string out;
    put_json_text(out, of);
    return out;
}

std::string number(double value) {
    std::string out;
    put_json_number(out, value);
    return out;
}

// RFC 8259 section 6.
bool is_json_number(std::string_view s) {
    const auto digits = [&] {
        const auto n = std::min(s.find_first_not_of("0123456789"), s.size());
        s.remove_prefix(n);
        return n;
    };
    s.remove_prefix(s.starts_with('-') ? 1 : 0);
    const bool begins_with_zero = s.starts_with('0');
    const auto whole = digits();
    if (whole == 0 || (begins_with_zero && whole != 1)) {
        return false;
    }
    if (s.starts_with('.')) {
        s.remove_prefix(1);
        if (digits() == 0) {
            return false;
        }
    }
    if (s.starts_with('e')) {
        s.remove_prefix(1);
        s.remove_prefix(s.starts_with('-') || s.starts_with('+') ? 1 : 0);
        if (digits() == 0) {
            return false;
        }
    }
    return s.empty();
}

} // namespace

TEST_SUITE("encode/json_writer") {
TEST_CASE("a text is written between quotes, behind what was there") {
    std::string out = "[";
    put_json_text(out, "abc");

    CHECK(out == R"(["abc")");
    CHECK(text("") == R"("")");
}

TEST_CASE("quotes, backslashes and control characters are escaped, nothing else") {
    CHECK(text("a\"b\\c") == R"("a\"b\\c")");
    CHECK(text("\n\r\t") == R"("\n\r\t")");
    CHECK(text("\0\x01\b\f\x1f"sv) == R"("\u0000\u0001\u0008\u000c\u001f")");
    CHECK(text("/ \x7f") == "\"/ \x7f\"");
    CHECK(text("\u00e9\u20ac\U0001F600") == "\"\u00e9\u20ac\U0001F600\"");
    CHECK(text("\"") == R"("\"")");
    CHECK(text("\"\"x\"") == R"("\"\"x\"")");
}

TEST_CASE("a number is written in the shortest form that reads back as the same") {
    CHECK(number(0.0) == "0");
    CHECK(number(1.0) == "1");
    CHECK(number(-42.5) == "-42.5");
    CHECK(number(0.1) == "0.1");
    CHECK(number(0.1 + 0.2) == "0.30000000000000004");
    CHECK(number(1e100) == "1e+100");
    CHECK(number(5e-324) == "5e-324");
    CHECK(number(9007199254740993.0) == "9007199254740992");
    CHECK(number(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
}

TEST_CASE("every finite double reads back bit by bit and is a JSON number") {
    std::mt19937_64 random(5);
    const auto check = [](double value) {
        const auto written = number(value);
        double back = 0.0;
        const auto end = std::from_chars(written.data(), written.data() + written.size(), back);
        return end.ptr == written.data() + written.size() &&
               std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value) &&
               is_json_number(written);
    };
    int wrong = 0;
    for (int i = 0; i < 100'000; ++i) {
        const auto value = std::bit_cast<double>(random());
        wrong += !std::isfinite(value) || check(value) ? 0 : 1;
    }
    for (int exponent = -400; exponent < 400; ++exponent) {
        const auto value = std::pow(10.0, exponent);
        wrong +=
            !std::isfinite(value) || (check(value) && check(-value) && check(value / 3)) ? 0 : 1;
    }

    CHECK(wrong == 0);
}
}
