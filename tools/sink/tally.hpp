#pragma once

// Counts events within bounded memory. Pure: no clock, no file, no socket.

#include "sink/event_facts.hpp"
#include "sink/options.hpp"
#include "sink/summary.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace monarc::sink {

// 96 bits of a hash stand for a text: with 4 Mi of them the chance of one collision is 1e-16.
struct short_key {
    std::array<std::uint32_t, 3> words{};

    bool operator==(const short_key&) const = default;
};

short_key to_short_key(std::string_view first, std::string_view second) noexcept;

struct hash_short_key {
    using is_avalanching = void;
    std::size_t operator()(const short_key& k) const noexcept {
        return std::size_t{k.words[0]} << 32 | k.words[1];
    }
};

class tally {
public:
    tally(const memory& bounds, std::string sum_field);

    // How many events of this chunk were seen already: those with a lower index are repeats.
    std::uint32_t seen(const short_key& chunk) const noexcept;

    // Events of `chunk` below `count` have been seen. The oldest chunk is forgotten beyond the
    // bound.
    void remember(const short_key& chunk, std::uint32_t count);

    // `sample` is called for the JSON of the event, if one is wanted.
    void
    add(std::string_view tag, const event_facts& facts, const std::function<std::string()>& sample);
    void add_repeat(std::string_view tag);

    const summary& totals() const noexcept { return totals_; }
    summary& totals() noexcept { return totals_; } ///< For what is counted elsewhere.

    // A copy with classes and tags, in the order in which they appeared.
    summary snapshot() const;

private:
    static constexpr std::uint16_t unknown_class = 0;
    static constexpr std::uint16_t other_class = 0xffff;

    tag_summary& tag_of(std::string_view tag);
    class_summary& class_at(std::uint16_t number);
    std::uint16_t class_number(std::string_view name);
    std::uint16_t learn_class(const event_facts& facts);
    void add_sum(const event_facts& facts);

    memory bounds_;
    summary totals_;
    std::unordered_map<std::string, std::size_t> tag_numbers_;
    std::size_t last_tag_ = 0;
    std::unordered_map<std::string, std::uint16_t> class_numbers_;
    boost::unordered_flat_map<short_key, std::uint16_t, hash_short_key> contexts_;
    boost::unordered_flat_map<short_key, std::uint32_t, hash_short_key> chunks_;
    std::vector<short_key> chunk_ring_;
    std::size_t oldest_chunk_ = 0;
};

} // namespace monarc::sink
