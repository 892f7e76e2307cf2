#include "mona_client/time_uuid.hpp"

#include <monarc/field.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>

namespace monarc::mona_client {
namespace {

using namespace monarc::literals;
using hundred_nanoseconds = std::chrono::duration<std::uint64_t, std::ratio<1, 10'000'000>>;

// Between 1582-10-15, where these uuids count from, and 1970.
constexpr std::uint64_t before_1970 = 0x01b2'1dd2'1381'4000u;

// The clock, pushed on where it has not moved since the last call.
std::uint64_t next_tick() noexcept {
    static std::atomic<std::uint64_t> last{0};
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    const auto now =
        std::chrono::duration_cast<hundred_nanoseconds>(since_1970).count() + before_1970;
    auto before = last.load(std::memory_order_relaxed);
    while (true) {
        const auto next = now > before ? now : before + 1;
        if (last.compare_exchange_weak(before, next, std::memory_order_relaxed)) {
            return next;
        }
    }
}

// A node that is no network card (its lowest bit says so) and a clock sequence.
std::uint64_t random_part() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

} // namespace

std::string time_uuid() {
    static const std::uint64_t process_part = random_part();
    const auto tick = next_tick();
    uuid made;
    std::size_t at = 0;
    const auto put = [&](std::uint64_t value, int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
            made.bytes[at++] = static_cast<std::uint8_t>(value >> shift);
        }
    };
    constexpr std::uint64_t version = 0x1000;
    constexpr std::uint64_t variant = 0x8000;
    constexpr std::uint64_t no_card = std::uint64_t{1} << 40;
    put(tick & 0xffff'ffff, 4);
    put(tick >> 32 & 0xffff, 2);
    put((tick >> 48 & 0x0fff) | version, 2);
    put((process_part >> 48 & 0x3fff) | variant, 2);
    put((process_part & 0xffff'ffff'ffff) | no_card, 6);
    return std::string(""_class(made).text());
}

} // namespace monarc::mona_client
