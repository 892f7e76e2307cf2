#include "payloads.hpp"

#include "baseline.hpp"
#include "destinations/mona_forward_wire.hpp"
#include "hollow_exporter.hpp"
#include "orders.hpp"

namespace monarc::bench {
namespace {

using namespace monarc::literals;

// Straight from the queue into an aggregator.
class feeding_taker final : public queue::record_taker {
public:
    explicit feeding_taker(aggregate::aggregator& to) : to_(to) {}
    void take(queued_record record) noexcept override {
        to_.add(record.view(), std::int64_t{1'700'000'000} * 1'000'000'000, {});
    }

private:
    aggregate::aggregator& to_;
};

} // namespace

aggregate::aggregator batch_of(std::size_t records, std::size_t merged) {
    constexpr auto order = ""_class; // its class was told before
    aggregate::aggregator into(
        {.merge = merge_mode::disjoint,
         .batch = {.max_records = records, .max_bytes = std::size_t{1} << 30},
         .max_contexts = std::size_t{1} << 20,
         .max_context_bytes = std::size_t{1} << 30});
    feeding_taker taker(into);
    hollow_exporter hollow;
    const auto ids = sample_ids(records / merged + 1);
    const auto orders = sample_orders(records);
    for (std::size_t i = 0; i < records; ++i) {
        push_order(hollow.face(), order(ids[i / merged]), i % merged, orders[i]);
        if (i % round_pushes == 0 || i + 1 == records) {
            hollow.queue().drain(taker, ~std::uint64_t{0}, ~std::size_t{0});
        }
    }
    return into;
}

std::string events_of(std::size_t bytes) {
    constexpr std::size_t of_one = 186;
    const auto held = batch_of(bytes / of_one + 1, 1);
    destinations::mona_forward_wire wire({.gzip = false});
    auto encoded = wire.encode(held.open_batch(), {});
    return std::move(encoded->body);
}

} // namespace monarc::bench
