#include "sink/receive_buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

using monarc::sink::receive_buffer;

namespace {

void put(receive_buffer& buffer, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto room = buffer.room();
        const auto count = std::min(room.size(), bytes.size());
        std::copy_n(bytes.data(), count, room.data());
        buffer.filled(count);
        bytes.remove_prefix(count);
    }
}

} // namespace

TEST_SUITE("sink/receive_buffer") {
TEST_CASE("what was put in comes out in order, however it is consumed") {
    receive_buffer buffer;
    std::string expected;
    for (int round = 0; round < 2000; ++round) {
        const std::string piece(
            static_cast<std::size_t>(round % 97) * 11, static_cast<char>(round));
        put(buffer, piece);
        expected += piece;
        const auto count = expected.size() * static_cast<std::size_t>(round % 4) / 3;
        REQUIRE(buffer.held() == expected);
        const auto taken = std::min(count, expected.size());
        buffer.consume(taken);
        expected.erase(0, taken);
    }
    CHECK(buffer.held() == expected);
}

TEST_CASE("it grows with what is held, not with what is claimed") {
    receive_buffer buffer;
    CHECK(buffer.capacity_bytes() == 0);
    (void)buffer.room();
    CHECK(buffer.capacity_bytes() == receive_buffer::small_bytes);

    put(buffer, std::string(1'000'000, 'x'));

    CHECK(buffer.capacity_bytes() <= 4'000'000);
    CHECK(buffer.held().size() == 1'000'000);
    buffer.shrink();
    CHECK(buffer.held().size() == 1'000'000);
    buffer.consume(1'000'000);
    buffer.shrink();
    CHECK(buffer.capacity_bytes() == 0);
}

TEST_CASE("there is always room to read into, and its cost is known before") {
    receive_buffer buffer;
    for (int i = 0; i < 100; ++i) {
        const auto next = buffer.next_capacity_bytes();
        CHECK(buffer.room().size() > 0);
        CHECK(buffer.capacity_bytes() == next);
        put(buffer, std::string(5000, 'x'));
        if (i % 3 == 0)
            buffer.consume(buffer.held().size() / 2);
    }
}
}
