#include <monarc/secret.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

using namespace monarc;

namespace {

template <class T>
concept can_be_streamed = requires(std::ostream& to, const T& value) {
    to << value;
};

static_assert(can_be_streamed<std::string>);
static_assert(!can_be_streamed<secret>);
static_assert(fmt::is_formattable<std::string>::value);
static_assert(!fmt::is_formattable<secret>::value);
static_assert(!std::is_convertible_v<secret, std::string>);
static_assert(!std::is_convertible_v<secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, secret>);

const std::string short_text = "hunter2"; // within the string object
const std::string long_text(100, 'x');    // on the heap

// What lies there, past what the optimiser thinks of it.
std::string bytes_at(const volatile char* at, std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) {
        bytes += at[i];
    }
    return bytes;
}

bool is_wiped(const char* at, std::size_t count) {
    return bytes_at(at, count) == std::string(count, '\0');
}

} // namespace

TEST_SUITE("core/secret") {
TEST_CASE("a secret reveals its text only when asked to") {
    CHECK(secret(short_text).reveal() == short_text);
    CHECK(secret().is_empty());
    CHECK(secret("").is_empty());
    CHECK_FALSE(secret("x").is_empty());
}

TEST_CASE("secrets compare by their text") {
    CHECK(secret("a") == secret("a"));
    CHECK_FALSE(secret("a") == secret("b"));
    CHECK_FALSE(secret("a") == secret());
}

TEST_CASE("a copy is another secret of the same text") {
    secret a(long_text);
    const secret b = a;
    a = secret();

    CHECK(b.reveal() == long_text);
}

TEST_CASE("a secret that was moved from is empty and wiped") {
    for (const auto& text : {short_text, long_text}) {
        secret a(text);
        const char* const was_at = a.reveal().data();

        const secret b = std::move(a);

        CHECK(b.reveal() == text);
        CHECK(a.is_empty());
        CHECK(is_wiped(was_at, text.size()));
    }
}

TEST_CASE("a secret that is assigned to itself stays what it is") {
    secret a(short_text);
    auto& same = a;
    a = same;
    CHECK(a.reveal() == short_text);
    a = std::move(same);
    CHECK(a.reveal() == short_text);
}

TEST_CASE("the bytes of a secret are wiped when it is destroyed") {
    alignas(secret) char storage[sizeof(secret)];
    auto* const held = new (storage) secret(short_text);
    REQUIRE(bytes_at(storage, sizeof storage).find(short_text) != std::string::npos);

    std::destroy_at(held);

    CHECK(bytes_at(storage, sizeof storage).find(short_text.substr(0, 3)) == std::string::npos);
}

TEST_CASE("the bytes of a secret are wiped when it is assigned to") {
    alignas(secret) char storage[sizeof(secret)];
    auto* const held = new (storage) secret(short_text);

    *held = secret("ab");

    CHECK(held->reveal() == "ab");
    CHECK(bytes_at(storage, sizeof storage).find(short_text.substr(2)) == std::string::npos);
    std::destroy_at(held);
}

TEST_CASE("a secret is taken from the environment, and is empty if it is not there") {
    ::setenv("MONARC_TEST_SECRET", "from outside", 1);
    CHECK(secret::from_env("MONARC_TEST_SECRET").reveal() == "from outside");

    ::unsetenv("MONARC_TEST_SECRET");
    CHECK(secret::from_env("MONARC_TEST_SECRET").is_empty());
}
}
