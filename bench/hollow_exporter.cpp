#include "hollow_exporter.hpp"

#include "baseline.hpp"
#include "core/json_block.hpp"

namespace monarc::bench {
namespace {

// The one private member that is needed; an explicit instantiation may name it.
detail::gate*& gate_of(exporter& of);

template <detail::gate* exporter::*Member>
struct opened {
    friend detail::gate*& gate_of(exporter& of) { return of.*Member; }
};
template struct opened<&exporter::gate_>;

exporter_options refused() {
    exporter_options options;
    options.queue.capacity = 1; // out of range: the exporter stays closed and has no thread
    return options;
}

} // namespace

hollow_exporter::hollow_exporter(stamp_clock clock)
    : queue_(*new queue::record_queue(
          {.capacity_slots = pool_slots,
           .memory_limit = std::size_t{64} << 20,
           .has_destination = true,
           .clock = clock})),
      face_(refused(), closed_) {
    gate_of(face_) = &queue_;
}

hollow_exporter::~hollow_exporter() {
    queue_.shut();
    drain();
    queue_.release_storage();
}

std::uint64_t hollow_exporter::drain() noexcept {
    const auto before = taker_.count;
    queue_.drain(taker_, ~std::uint64_t{0}, ~std::size_t{0});
    return taker_.count - before;
}

void hollow_exporter::drain_texts() noexcept {
    struct : queue::record_taker {
        void take(queued_record record) noexcept override { take_json(record.view()); }
    } freeing;
    queue_.drain(freeing, ~std::uint64_t{0}, ~std::size_t{0});
}

} // namespace monarc::bench
