#include "compress/gzip.hpp"
#include "compress/inflate.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

using namespace monarc::compress;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

// The bytes alone decide, not their ratio.
constexpr inflate_limits roomy{.max_bytes = 64 * mib, .max_ratio = 2000};

std::string random_bytes(std::size_t count) {
    std::mt19937 generator(7);
    std::string bytes(count, '\0');
    for (auto& byte : bytes)
        byte = static_cast<char>(generator());
    return bytes;
}

std::string records(std::size_t count) {
    std::string bytes;
    for (int i = 0; bytes.size() < count; ++i)
        bytes += "{\"user_id\":\"user-1\",\"context\":\"" + std::to_string(i * 7919) + "\"}";
    bytes.resize(count);
    return bytes;
}

} // namespace

TEST_SUITE("compress/gzip") {
TEST_CASE("every codec's member inflates to what went in") {
    for (const auto which : codecs()) {
        for (const auto& input :
             {std::string(),
              std::string("x"),
              random_bytes(mib),
              records(mib),
              std::string(mib, 'z')}) {
            CAPTURE(name(which));
            CAPTURE(input.size());

            const auto packed = gzip(which, input);

            REQUIRE(packed.has_value());
            const auto unpacked = inflate(*packed, roomy);
            REQUIRE(unpacked.has_value());
            CHECK((*unpacked == input));
        }
    }
}

TEST_CASE("a member has no time and no name") {
    for (const auto which : codecs()) {
        const auto packed = gzip(which, "some text");

        REQUIRE(packed.has_value());
        CHECK(packed->substr(0, 3) == "\x1f\x8b\x08");
        CHECK(packed->substr(3, 5) == std::string(5, '\0')); // flags, then four bytes of time
    }
}

TEST_CASE("records get smaller, and what cannot be compressed grows by less than a percent") {
    for (const auto which : codecs()) {
        CAPTURE(name(which));
        CHECK(gzip(which, records(mib))->size() < mib / 4);
        CHECK(gzip(which, random_bytes(mib))->size() < mib + mib / 100);
    }
}

TEST_CASE("a writer appends, keeps nothing of the batch before, and says how much it wrote") {
    for (const auto which : codecs()) {
        CAPTURE(name(which));
        gzip_writer writer(which);
        std::string out = "head";
        const auto random = random_bytes(300'000);

        const auto first = writer.append(random, out);
        const auto second = writer.append("second", out);
        const auto third = writer.append(random, out);

        REQUIRE(first.has_value());
        REQUIRE(second.has_value());
        REQUIRE(third.has_value());
        CHECK(*first == *third);
        CHECK(out.size() == 4 + *first + *second + *third);
        CHECK(out.substr(0, 4) == "head");
        const auto unpacked = inflate(std::string_view(out).substr(4), roomy);
        REQUIRE(unpacked.has_value());
        CHECK((*unpacked == random + "second" + random));
        CHECK((*inflate(std::string_view(out).substr(4 + *first, *second)) == "second"));
    }
}

TEST_CASE("every length around the block sizes survives incompressible input") {
    for (const auto which : codecs()) {
        gzip_writer writer(which);
        const auto random = random_bytes(200'000);
        for (const std::size_t length :
             {1u, 2u, 255u, 4096u, 32768u, 65534u, 65535u, 65536u, 131071u}) {
            CAPTURE(name(which));
            CAPTURE(length);
            std::string out;
            REQUIRE(writer.append(std::string_view(random).substr(0, length), out).has_value());
            const auto unpacked = inflate(out, roomy);
            REQUIRE(unpacked.has_value());
            CHECK((*unpacked == random.substr(0, length)));
        }
    }
}

TEST_CASE("the best codec comes first and zlib is always there") {
    CHECK(codecs().back() == codec::zlib);
    CHECK(gzip_writer().which() == codecs().front());
    CHECK(name(codec::zlib) == "zlib");
}
}
