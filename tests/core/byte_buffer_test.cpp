#include "core/byte_buffer.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>

using namespace monarc;
using namespace std::string_view_literals;

TEST_SUITE("core/byte_buffer") {
TEST_CASE("a new buffer is empty and holds no memory") {
    const byte_buffer buffer;

    CHECK(buffer.is_empty());
    CHECK(buffer.size() == 0);
    CHECK(buffer.capacity() == 0);
    CHECK(buffer.view().empty());
}

TEST_CASE("what was appended stays in order while the buffer grows") {
    byte_buffer buffer;
    std::string expected;

    for (std::size_t size = 0; size < 600; ++size) {
        const std::string piece(size, static_cast<char>('a' + size % 26));
        buffer.append(piece);
        expected += piece;
    }

    CHECK(buffer.view() == expected);
    CHECK(buffer.capacity() >= buffer.size());
}

TEST_CASE("nothing can be appended, even from nowhere") {
    byte_buffer buffer;

    buffer.append({});
    CHECK(buffer.is_empty());
    buffer.append("a\0b"sv);
    buffer.append({});

    CHECK(buffer.view() == "a\0b"sv);
}

TEST_CASE("of the room that was asked for only what is committed counts") {
    byte_buffer buffer;
    buffer.append("start ");

    char* const room = buffer.room_for(1000);
    std::memcpy(room, "half and the rest", 17);
    buffer.commit(4);

    CHECK(buffer.view() == "start half");
    CHECK(buffer.capacity() >= 1006);
}

TEST_CASE("room that is there already moves nothing") {
    byte_buffer buffer;
    buffer.append("x");
    const auto* const before = buffer.data();

    buffer.room_for(buffer.capacity() - buffer.size());

    CHECK(buffer.data() == before);
}

TEST_CASE("clearing keeps the memory") {
    byte_buffer buffer;
    buffer.append(std::string(1000, 'x'));
    const auto capacity = buffer.capacity();

    buffer.clear();

    CHECK(buffer.is_empty());
    CHECK(buffer.capacity() == capacity);
}

TEST_CASE("two buffers change their content by a swap") {
    byte_buffer one;
    byte_buffer other;
    one.append("one");

    one.swap(other);

    CHECK(one.view().empty());
    CHECK(other.view() == "one");
}

TEST_CASE("a single request may be larger than the next step of growth") {
    byte_buffer buffer;
    buffer.append("x");

    buffer.append(std::string(100'000, 'y'));

    CHECK(buffer.size() == 100'001);
    CHECK(buffer.view().back() == 'y');
}
}
