#pragma once

// Merges records into their contexts until the batch is due. Keeps which contexts the peer has been
// told the class of.
//
// Threads: one. No clock of its own: time comes in.

#include "aggregate/context_table.hpp"
#include "core/batch.hpp"
#include "core/byte_buffer.hpp"
#include "core/context_entry.hpp"
#include "core/fields.hpp"
#include "core/record_view.hpp"

#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::aggregate {

using time_point = std::chrono::steady_clock::time_point;

struct aggregator_settings {
    merge_mode merge = merge_mode::disjoint;
    batch_options batch{};
    std::size_t max_contexts = 65'536;
    std::size_t max_context_bytes = std::size_t{16} << 20;
    std::size_t entry_bytes =
        128; // what the wire format adds to the fields and the id of an event, at most
};

struct aggregator_counts {
    std::uint64_t merged = 0;
    std::uint64_t fields = 0;
    std::uint64_t stripped_fields = 0;
    std::uint64_t overwritten_fields =
        0; // within one record; the wire format counts those between records
    std::uint64_t utf8_repaired = 0;
    std::uint64_t class_messages = 0;
    std::uint64_t evicted_contexts = 0;
    reason_counts filtered;
    reason_counts dropped;
};

class aggregator {
public:
    explicit aggregator(const aggregator_settings& settings);

    // Takes one record, later than all before it. `wall` is the time of its push in nanoseconds
    // since 1970. Returns: false if the batch is full and has to be taken first; then nothing has
    // happened yet.
    bool add(const record_view& record, std::int64_t wall, time_point now);

    // Some records before add(): brings near what it will read of the context. The second, called
    // some records after the first, reads what that one has brought.
    void fetch_first(const record_of& whose) const noexcept {
        if (whose.context != nullptr) {
            fetch(whose.context);
        } else {
            contexts_.fetch_bucket(whose.id_hash);
        }
    }
    void fetch_second(const record_of& whose) const noexcept {
        if (whose.context == nullptr) {
            contexts_.fetch_place(whose.id_hash);
        } else if (whose.context->place < contexts_.places()) {
            fetch(&contexts_[whose.context->place]);
        }
    }

    // Whether the batch is full, or its first record has waited long enough.
    bool is_due(time_point now) const noexcept;
    bool has_open() const noexcept { return !batch_.is_empty(); }
    const batch& open_batch() const noexcept { return batch_; }
    void clear_batch() noexcept;

    // The run is over: nothing more is merged into what it has, and its class is told again if it
    // comes back.
    void forget(const detail::context_entry& context) noexcept;

    void set_max_context_bytes(std::size_t bytes) noexcept { settings_.max_context_bytes = bytes; }

    // A payload was lost that may have held class messages: all are told again.
    void tell_classes_again() noexcept { ++epoch_; }

    std::size_t live_contexts() const noexcept { return contexts_.live(); }
    std::size_t memory_bytes() const noexcept;
    const aggregator_counts& counts() const noexcept { return counts_; }
    aggregator_counts& counts() noexcept { return counts_; }

private:
    // What add() needs of a shape, looked up once.
    struct known_shape {
        const shape* s = nullptr;
        std::uint64_t key_bits = 0; // one bit per key, by its number modulo 64
        std::size_t wire_bytes = 0; // keys and values but for texts, at most
    };
    std::size_t body_wire_bytes(const shape& s, std::string_view body) const noexcept;

    // prepare() fills it, member by member: to clear the whole first takes longer than all of that.
    struct prepared {
        std::string_view id;
        std::string_view body;
        std::uint64_t key_bits;
        std::size_t wire_bytes;
        std::size_t pushed_fields;
        std::size_t fields; // that are left
        std::uint32_t shape;
        key_number class_name;
        bool stands_alone; // is special, or has keys without a number that nobody can compare
    };

    // A field of a record with run-time keys, as it stands in the body.
    struct raw_field {
        key_number key;
        std::string_view bytes;
    };

    const known_shape& learn(std::uint32_t number);
    const known_shape& known(std::uint32_t number) {
        return number < shapes_.size() && shapes_[number].s != nullptr ? shapes_[number]
                                                                       : learn(number);
    }
    const key_name& name(key_number number);
    std::size_t most_field_bytes(const record_view& record);
    bool has_room_for(const record_view& record, std::size_t field_bytes) const noexcept;
    bool prepare(const record_view& record, std::size_t field_bytes, prepared& out);
    void prepare_self_described(std::string_view body, prepared& out);
    void prepare_json(const record_view& record, prepared& out);
    std::size_t self_described_wire_bytes(const field_view& field);
    std::uint32_t place_of(const detail::context_entry& handle) const noexcept;
    std::uint32_t find_or_hold(const record_view& record, std::string_view id);
    std::size_t memory_bytes_with_one_more() const noexcept;
    std::size_t batch_memory_bytes() const noexcept;
    bool is_open(const context_table::held& context) const noexcept {
        return context.entry != context_table::none && context.entry_batch == batch_number_;
    }
    bool may_merge(const batch_entry& entry, const prepared& record, bool& repeats);
    template <class Visit>
    void visit_keys(std::uint32_t shape, std::string_view body, Visit&& visit) const;
    bool shares_key(const batch_entry& entry, const prepared& record);
    void append_part(batch_entry& entry, const prepared& record);
    void tell_class(
        context_table::held& context,
        key_number class_name,
        std::int64_t seconds,
        std::int64_t pushed);
    batch_entry&
    open_entry(context_table::held& context, std::int64_t seconds, std::int64_t pushed);

    aggregator_settings settings_;
    aggregator_counts counts_;

    context_table contexts_;
    std::uint32_t epoch_ = 1;

    batch batch_;
    std::size_t batch_bytes_ = 0; // encoded, at most
    std::uint32_t batch_number_ = 1;
    time_point batch_since_{};

    std::vector<known_shape> shapes_;
    std::vector<const key_name*> names_;
    std::string repaired_id_;
    byte_buffer cleaned_body_;
    std::vector<raw_field> raw_fields_;
    std::vector<bool> keys_of_record_; // by number; shares_key leaves none marked
};

} // namespace monarc::aggregate
