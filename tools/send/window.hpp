#pragma once

// How much may wait in the exporter: so little that nothing is ever dropped(memory). Decides, does
// not act.

#include <monarc/options.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>

namespace monarc::send {

class window {
public:
    explicit window(std::size_t most_bytes) noexcept : most_bytes_(most_bytes) {}

    // What the exporter can hold for sure beside its queue, its contexts and what it is working on.
    static std::size_t bytes_for(const exporter_options& options) noexcept;

    // A record that takes so much was accepted.
    void pushed(std::size_t bytes) noexcept;

    // Whether the exporter's statistics should be looked at.
    bool is_due() const noexcept { return since_look_ >= most_bytes_ / 8; }

    // What they say: so many of the accepted are not settled.
    void look(std::uint64_t pending);

    // What waits, by the last look.
    std::size_t waiting_bytes() const noexcept { return pushed_bytes_ - settled_bytes_; }
    bool has_room() const noexcept { return waiting_bytes() < most_bytes_; }

private:
    struct mark {
        std::uint64_t records;
        std::size_t bytes;
    };

    std::size_t most_bytes_;
    std::uint64_t pushed_records_ = 0;
    std::size_t pushed_bytes_ = 0;
    std::size_t settled_bytes_ = 0;
    std::size_t since_look_ = 0;
    std::deque<mark> marks_; // of earlier looks, as long as something behind them waits
};

} // namespace monarc::send
