#pragma once

// Rows for Mona's REST interface: reserved keys, nulls and what is not finite are dealt with, then
// rows are merged into their contexts until the batch is due (mona-client.md section 16, D-4.7).
//
// Threads: one. No clock of its own: time comes in.

#include "core/rest_batch.hpp"

#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace monarc::aggregate {

struct rest_settings {
    merge_mode merge = merge_mode::disjoint;
    reserved_key_mode reserved_keys = reserved_key_mode::strip;
    bool drop_nulls = false;
    action default_action = action::overwrite; // of rows that have none
    batch_options batch{};
};

struct rest_counts {
    std::uint64_t merged = 0;
    std::uint64_t fields = 0;
    std::uint64_t stripped_fields = 0;
    std::uint64_t overwritten_fields = 0;
    std::uint64_t not_finite_fields = 0;
    reason_counts filtered;
};

class rest_aggregator {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit rest_aggregator(const rest_settings& settings)
        : settings_(settings), max_bytes_(settings.batch.max_bytes) {}

    // Returns: false if the batch is full and has to be taken first; then nothing has happened yet.
    bool add(const rest_row& row, time_point now);

    bool is_due(time_point now) const noexcept;
    bool has_open() const noexcept { return !batch_.is_empty(); }
    const rest_batch& open_batch() const noexcept { return batch_; }
    void clear_batch() noexcept;

    // What the server is known to take, within the option.
    void set_max_bytes(std::size_t bytes) noexcept { max_bytes_ = bytes; }

    std::size_t memory_bytes() const noexcept;
    const rest_counts& counts() const noexcept { return counts_; }
    rest_counts& counts() noexcept { return counts_; }

private:
    using fields = std::vector<rest_entry::field>;

    fields settled_fields(const rest_row& row);
    action effective(const std::optional<action>& what) const noexcept {
        return what.value_or(settings_.default_action);
    }
    bool may_merge(const rest_entry& into, const rest_row& row, const fields& fresh) const;
    void merge(rest_entry& into, fields&& fresh);

    rest_settings settings_;
    std::size_t max_bytes_;
    rest_counts counts_;
    rest_batch batch_;
    std::size_t batch_bytes_ = 0;
    time_point batch_since_{};
    // By class and id: the last entry of the context, whatever it is.
    std::unordered_map<std::string, std::uint32_t> last_of_context_;
};

} // namespace monarc::aggregate
