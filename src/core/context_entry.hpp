#pragma once

// What a handle points to, of a context or of a series. Registered before open_context returns, so
// that no announcement has to travel through the queue, where another thread's push could overtake
// it.

#include "core/names.hpp"

#include <monarc/stats.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace monarc::queue {
class record_queue;
}

namespace monarc {
struct series_definition;
}

namespace monarc::detail {

struct context_entry {
    queue::record_queue* queue = nullptr;
    std::optional<reason> refusal; // set at opening: every push is rejected for it
    key_number class_name = key_without_room;
    std::string id; // valid UTF-8
    bool id_repaired = false;
    std::shared_ptr<series_definition> series; // set: the handle is a series', without id and class
    std::atomic<std::uint32_t> shares{1};
    std::atomic<std::uint64_t> closed_at{0}; // a stamp; 0: open

    // The aggregator's, so that a push through a handle need not look its id up. I/O thread only.
    std::uint32_t place = 0;
    std::uint32_t place_generation = 0;

    // Whether its records are sent to Mona's REST interface (D-4.8). I/O thread only.
    enum class sampling : std::uint8_t { unknown, kept, left_out };
    sampling sampled = sampling::unknown;
};

} // namespace monarc::detail
