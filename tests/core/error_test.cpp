#include <monarc/error.hpp>

#include <doctest/doctest.h>

TEST_SUITE("core/error") {
TEST_CASE("an errc becomes an error_code of the category monarc with a text of its own") {
    const std::error_code code = monarc::errc::would_deadlock;

    CHECK(code.category() == monarc::error_category());
    CHECK(code.message() == "called from the exporter's own thread");
}
}
