#include <monarc/secret.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
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

const std::string short_text = "hunter2";
const std::string long_text(10'000, 'x'); // of several pages

bool is_mapped(const char* at) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    unsigned char resident = 0;
    auto* const begin = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(at) / page * page);
    return ::mincore(begin, page, &resident) == 0;
}

// What the system says of the mapping that holds this byte (proc(5), VmFlags).
std::string flags_of(const char* at) {
    std::ifstream maps("/proc/self/smaps");
    const auto wanted = reinterpret_cast<std::uintptr_t>(at);
    bool is_it = false;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) == 2) {
            is_it = wanted >= begin && wanted < end;
        } else if (is_it && line.starts_with("VmFlags:")) {
            return line + ' ';
        }
    }
    return {};
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

TEST_CASE("a secret that was moved from is empty: nothing of it stays behind") {
    secret a(long_text);
    const char* const was_at = a.reveal().data();

    const secret b = std::move(a);

    CHECK(b.reveal() == long_text);
    CHECK(b.reveal().data() == was_at);
    CHECK(a.is_empty());
}

TEST_CASE("a secret that is assigned to itself stays what it is") {
    secret a(short_text);
    auto& same = a;
    a = same;
    CHECK(a.reveal() == short_text);
    a = std::move(same);
    CHECK(a.reveal() == short_text);
}

TEST_CASE("D-11.8 core dumps leave the bytes of a secret out") {
    const secret held(short_text);
    const std::string beside(long_text);

    CHECK(flags_of(held.reveal().data()).find(" dd ") != std::string::npos);
    CHECK(flags_of(beside.data()).find("VmFlags:") == 0);
    CHECK(flags_of(beside.data()).find(" dd ") == std::string::npos);
}

TEST_CASE("D-11.8 the bytes of a secret are gone when it is destroyed") {
    const char* was_at = nullptr;
    {
        const secret held(long_text);
        was_at = held.reveal().data();
        REQUIRE(is_mapped(was_at));
    }

    CHECK_FALSE(is_mapped(was_at));
}

TEST_CASE("D-11.8 the bytes of a secret are gone when it is assigned to") {
    secret held(long_text);
    const char* const was_at = held.reveal().data();

    held = secret();

    CHECK(held.is_empty());
    CHECK_FALSE(is_mapped(was_at));
}

TEST_CASE("a secret is taken from the environment, and is empty if it is not there") {
    ::setenv("MONARC_TEST_SECRET", "from outside", 1);
    CHECK(secret::from_env("MONARC_TEST_SECRET").reveal() == "from outside");

    ::unsetenv("MONARC_TEST_SECRET");
    CHECK(secret::from_env("MONARC_TEST_SECRET").is_empty());
}
}
