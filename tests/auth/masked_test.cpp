#include "auth/masked.hpp"

#include <doctest/doctest.h>

using namespace monarc;
using namespace monarc::auth;

TEST_SUITE("auth/masked") {
TEST_CASE("stars in the place of a secret are not taken for the secret") {
    const secret star("*");
    const secret stars("***");
    const auto text = masked("a*b***", {&star});
    CHECK(text == "a***b*********");
    CHECK(masked(text, {&stars}) == "a***b*********");
}

TEST_CASE("a secret that a text repeats becomes stars, as it is and as JSON writes it") {
    const secret password("p\"w");
    const secret token("tok");
    const secret none;

    CHECK(
        masked(R"(a p"w b "p\"w" c tok toktok)", {&password, &token, &none}) ==
        R"(a *** b "***" c *** ******)");
    CHECK(masked("nothing of it", {&password, &none}) == "nothing of it");
    CHECK(masked("", {&password}) == "");
}
}
