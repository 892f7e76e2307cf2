#include "core/options.hpp"

#include "core/clock.hpp"
#include "core/monasca_options.hpp"

#include <monarc/detail/slot.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

namespace monarc {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Keeps the first thing that is wrong.
class checker {
public:
    template <class Value>
    void range(std::string_view option, const Value& got, const Value& least, const Value& most) {
        if (text_.empty() && (got < least || got > most)) {
            text_ = fmt::format("{} must be {}..{}, got {}", option, least, most, got);
        }
    }
    void require(
        bool is_right, std::string_view option, std::string_view allowed, std::string_view got) {
        if (text_.empty() && !is_right) {
            text_ = fmt::format("{} must be {}, got {}", option, allowed, got);
        }
    }
    // Somebody else has looked.
    void take_over(std::string wrong) {
        if (text_.empty()) {
            text_ = std::move(wrong);
        }
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void check(checker& c, const mona_forward_options& o) {
    c.require(!o.host.empty(), "mona.host", "a name or an address", "an empty text");
    c.require(o.host.find('\0') == std::string::npos, "mona.host", "without a zero byte", "one");
    c.require(o.port != 0, "mona.port", "1..65535", "0");
    c.require(
        o.user_id.size() <= detail::max_id_bytes,
        "mona.user_id",
        "at most 1024 bytes long",
        fmt::format("{} bytes", o.user_id.size()));
}

} // namespace

std::string validate(const exporter_options& o) {
    checker c;
    if (const auto* forward = std::get_if<mona_forward_options>(&o.mona)) {
        check(c, *forward);
    }
    if (o.monasca) {
        c.take_over(why_not(*o.monasca));
    }
    for (const auto& rule : o.derive) {
        c.take_over(why_not(rule));
    }
    constexpr std::size_t most_slots = std::size_t{1} << 24;
    c.range("queue.capacity", o.queue.capacity, std::size_t{256}, most_slots);
    c.require(
        o.queue.capacity % 256 == 0,
        "queue.capacity",
        "a multiple of 256",
        fmt::format("{}", o.queue.capacity));
    c.range("queue.block_timeout", o.queue.block_timeout, milliseconds(0), milliseconds(1min));
    c.range("batch.max_records", o.batch.max_records, std::size_t{1}, std::size_t{1000});
    c.range("batch.max_bytes", o.batch.max_bytes, std::size_t{4096}, std::size_t{5} << 20);
    c.range("batch.max_delay", o.batch.max_delay, milliseconds(1), milliseconds(1h));
    c.range("retry.min_wait", o.retry.min_wait, milliseconds(1), milliseconds(1h));
    c.range("retry.max_wait", o.retry.max_wait, o.retry.min_wait, milliseconds(1h));
    c.range("retry.max_retry_after", o.retry.max_retry_after, milliseconds(0), milliseconds(1h));
    c.require(
        o.retry.max_age == 0ms || o.retry.max_age >= o.batch.max_delay,
        "retry.max_age",
        fmt::format("0 (no limit) or at least batch.max_delay ({})", o.batch.max_delay),
        fmt::format("{}", o.retry.max_age));
    c.require(
        o.clock != clock_source::tsc || counter_is_usable(),
        "clock",
        "best or system here: the kernel does not use the processor's counter as its clock source",
        "tsc");
    const auto pool_bytes = o.queue.capacity * detail::slot_bytes;
    const auto least_memory = std::max(std::size_t{4} << 20, 2 * pool_bytes);
    c.require(
        o.memory_limit >= least_memory,
        "memory_limit",
        fmt::format(
            "at least 4 MiB and twice the queue's pool of {} bytes, {} bytes in all",
            pool_bytes,
            least_memory),
        fmt::format("{}", o.memory_limit));
    c.range("max_contexts", o.max_contexts, std::size_t{1}, std::size_t{1} << 31);
    c.range("response_timeout", o.response_timeout, milliseconds(1s), milliseconds(10min));
    c.range("close_timeout", o.close_timeout, milliseconds(0), milliseconds(10min));
    return c.take();
}

} // namespace monarc
