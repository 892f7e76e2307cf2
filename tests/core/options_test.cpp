#include "core/options.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <string>

using namespace monarc;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

using change = std::function<void(exporter_options&)>;

exporter_options with(const change& made) {
    exporter_options options{.mona = mona_forward_options{}};
    made(options);
    return options;
}

mona_forward_options& forward(exporter_options& o) {
    return std::get<mona_forward_options>(o.mona);
}

} // namespace

TEST_SUITE("core/options") {
TEST_CASE("the defaults are in range, with and without a destination") {
    CHECK(validate({}).empty());
    CHECK(validate({.mona = mona_forward_options{}}).empty());
}

TEST_CASE("the first and the last legal value of every option are taken") {
    const change legal[] = {
        [](auto& o) { o.mona = std::monostate{}; },
        [](auto& o) { forward(o).host = "x"; },
        [](auto& o) { forward(o).port = 1; },
        [](auto& o) { forward(o).port = 65'535; },
        [](auto& o) { forward(o).user_id = ""; },
        [](auto& o) { forward(o).user_id = std::string(1024, 'u'); },
        [](auto& o) { o.queue.capacity = 256; },
        [](auto& o) {
            o.queue.capacity = 1u << 24;
            o.memory_limit = 2 * (std::size_t{192} << 24);
        },
        [](auto& o) { o.queue.block_timeout = 0ms; },
        [](auto& o) { o.queue.block_timeout = 1min; },
        [](auto& o) { o.batch.max_records = 1; },
        [](auto& o) { o.batch.max_records = 1000; },
        [](auto& o) { o.batch.max_bytes = 4096; },
        [](auto& o) { o.batch.max_bytes = 5u << 20; },
        [](auto& o) { o.batch.max_delay = 1ms; },
        [](auto& o) { o.batch.max_delay = 1h; },
        [](auto& o) { o.retry.min_wait = 1ms; },
        [](auto& o) { o.retry.min_wait = o.retry.max_wait; },
        [](auto& o) { o.retry.min_wait = o.retry.max_wait = 1h; },
        [](auto& o) { o.retry.max_age = 0ms; },
        [](auto& o) { o.retry.max_age = o.batch.max_delay; },
        [](auto& o) { o.retry.max_attempts = std::numeric_limits<std::uint32_t>::max(); },
        [](auto& o) {
            o.queue.capacity = 256;
            o.memory_limit = 4u << 20;
        },
        [](auto& o) { o.memory_limit = 2 * 192 * o.queue.capacity; },
        [](auto& o) { o.max_contexts = 1; },
        [](auto& o) { o.response_timeout = 1s; },
        [](auto& o) { o.response_timeout = 10min; },
        [](auto& o) { o.close_timeout = 0ms; },
        [](auto& o) { o.close_timeout = 10min; },
    };

    for (const auto& made : legal) {
        CHECK(validate(with(made)) == "");
    }
}

TEST_CASE("D-15.3 a value out of range is told with the option, what is allowed and what it got") {
    struct row {
        change made;
        std::string text;
    };
    const row rows[] = {
        {[](auto& o) { forward(o).host.clear(); },
         "mona.host must be a name or an address, got an empty text"},
        {[](auto& o) { forward(o).host = "a\0b"s; },
         "mona.host must be without a zero byte, got one"},
        {[](auto& o) { forward(o).port = 0; }, "mona.port must be 1..65535, got 0"},
        {[](auto& o) { forward(o).user_id = std::string(1025, 'u'); },
         "mona.user_id must be at most 1024 bytes long, got 1025 bytes"},
        {[](auto& o) { o.queue.capacity = 0; }, "queue.capacity must be 256..16777216, got 0"},
        {[](auto& o) { o.queue.capacity = 255; }, "queue.capacity must be 256..16777216, got 255"},
        {[](auto& o) { o.queue.capacity = (1u << 24) + 256; },
         "queue.capacity must be 256..16777216, got 16777472"},
        {[](auto& o) { o.queue.capacity = std::numeric_limits<std::size_t>::max() - 255; },
         "queue.capacity must be 256..16777216, got 18446744073709551360"},
        {[](auto& o) { o.queue.capacity = 257; },
         "queue.capacity must be a multiple of 256, got 257"},
        {[](auto& o) { o.queue.block_timeout = -1ms; },
         "queue.block_timeout must be 0ms..60000ms, got -1ms"},
        {[](auto& o) { o.queue.block_timeout = 1min + 1ms; },
         "queue.block_timeout must be 0ms..60000ms, got 60001ms"},
        {[](auto& o) { o.batch.max_records = 0; }, "batch.max_records must be 1..1000, got 0"},
        {[](auto& o) { o.batch.max_records = 1001; },
         "batch.max_records must be 1..1000, got 1001"},
        {[](auto& o) { o.batch.max_bytes = 4095; },
         "batch.max_bytes must be 4096..5242880, got 4095"},
        {[](auto& o) { o.batch.max_bytes = (5u << 20) + 1; },
         "batch.max_bytes must be 4096..5242880, got 5242881"},
        {[](auto& o) { o.batch.max_delay = 0ms; },
         "batch.max_delay must be 1ms..3600000ms, got 0ms"},
        {[](auto& o) { o.batch.max_delay = -1ms; },
         "batch.max_delay must be 1ms..3600000ms, got -1ms"},
        {[](auto& o) { o.batch.max_delay = 1h + 1ms; },
         "batch.max_delay must be 1ms..3600000ms, got 3600001ms"},
        {[](auto& o) { o.retry.min_wait = 0ms; }, "retry.min_wait must be 1ms..3600000ms, got 0ms"},
        {[](auto& o) { o.retry.min_wait = 1h + 1ms; },
         "retry.min_wait must be 1ms..3600000ms, got 3600001ms"},
        {[](auto& o) { o.retry.max_wait = 49ms; },
         "retry.max_wait must be 50ms..3600000ms, got 49ms"},
        {[](auto& o) { o.retry.max_wait = 1h + 1ms; },
         "retry.max_wait must be 50ms..3600000ms, got 3600001ms"},
        {[](auto& o) { o.retry.max_age = 999ms; },
         "retry.max_age must be 0 (no limit) or at least batch.max_delay (1000ms), got 999ms"},
        {[](auto& o) { o.retry.max_age = -1ms; },
         "retry.max_age must be 0 (no limit) or at least batch.max_delay (1000ms), got -1ms"},
        {[](auto& o) {
             o.queue.capacity = 256;
             o.memory_limit = (4u << 20) - 1;
         },
         "memory_limit must be at least 4 MiB and twice the queue's pool of 49152 bytes, 4194304 "
         "bytes in all, got 4194303"},
        {[](auto& o) { o.memory_limit = 2 * 192 * 65'536 - 1; },
         "memory_limit must be at least 4 MiB and twice the queue's pool of 12582912 bytes, "
         "25165824 bytes in all, got 25165823"},
        {[](auto& o) { o.max_contexts = 0; }, "max_contexts must be 1..2147483648, got 0"},
        {[](auto& o) { o.max_contexts = (std::size_t{1} << 31) + 1; },
         "max_contexts must be 1..2147483648, got 2147483649"},
        {[](auto& o) { o.response_timeout = 999ms; },
         "response_timeout must be 1000ms..600000ms, got 999ms"},
        {[](auto& o) { o.response_timeout = 10min + 1ms; },
         "response_timeout must be 1000ms..600000ms, got 600001ms"},
        {[](auto& o) { o.close_timeout = -1ms; }, "close_timeout must be 0ms..600000ms, got -1ms"},
        {[](auto& o) { o.close_timeout = 10min + 1ms; },
         "close_timeout must be 0ms..600000ms, got 600001ms"},
    };

    for (const auto& [made, text] : rows) {
        CHECK(validate(with(made)) == text);
    }
}

TEST_CASE("of several wrong options the first is named") {
    const auto options = with([](auto& o) {
        o.batch.max_records = 0;
        o.batch.max_bytes = 0;
        o.close_timeout = -1ms;
    });

    CHECK(validate(options) == "batch.max_records must be 1..1000, got 0");
}

TEST_CASE("without a destination its options are not looked at") {
    exporter_options options;
    options.batch.max_records = 1001;

    CHECK(validate(options) == "batch.max_records must be 1..1000, got 1001");
}
}
