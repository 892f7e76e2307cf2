#pragma once

// The contexts that are held, found by their ids. A look-up reads two places in memory that are not
// in a cache when many are held: a bucket and the context; both can be fetched ahead.
//
// Threads: one.

#include "core/fetch.hpp"
#include "core/large_allocator.hpp"
#include "core/names.hpp"
#include "core/record_view.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace monarc::aggregate {

class context_table {
public:
    static constexpr std::uint32_t none = 0xffff'ffff;
    static constexpr std::size_t short_id_bytes = 40; // a UUID as text fits

    // One cache line. The id lies in it if it is short.
    struct alignas(64) held {
        union {
            char short_id[short_id_bytes];
            char* long_id;
        };
        std::uint32_t generation = 1; // of this place
        std::uint32_t entry = none;   // its last event in the open batch, if `entry_batch` is that
        std::uint32_t entry_batch = 0;
        std::uint32_t told_epoch = 0;
        std::uint16_t id_bytes = 0;
        key_number class_name = key_without_room;
        bool is_live = false;
        bool was_used = false; // since the hand of the clock last came by

        held() noexcept : long_id(nullptr) {}
        std::string_view id() const noexcept {
            return {id_bytes > short_id_bytes ? long_id : short_id, id_bytes};
        }
    };
    static_assert(sizeof(held) == 64);

    context_table() = default;
    context_table(context_table&& other) noexcept;
    context_table& operator=(context_table&&) = delete;
    ~context_table();

    // The place of an id, none if it is not held. `hash` is hash_of_id(id).
    std::uint32_t find(std::string_view id, std::uint32_t hash) const noexcept;

    // Holds an id that is not held. Throws std::bad_alloc; then nothing has happened.
    std::uint32_t hold(std::string_view id, std::uint32_t hash);
    void let_go(std::uint32_t place) noexcept;

    // Lets go of the oldest by the rule of the clock: the hand passes over what was used since it
    // last came by. At least one is held.
    void let_oldest_go() noexcept;

    held& operator[](std::uint32_t place) noexcept { return places_[place]; }
    const held& operator[](std::uint32_t place) const noexcept { return places_[place]; }
    std::size_t places() const noexcept { return places_.size(); }
    std::size_t live() const noexcept { return places_.size() - free_.size(); }
    bool has_free_place() const noexcept { return !free_.empty(); }

    std::size_t memory_bytes() const noexcept;
    std::size_t memory_bytes_with_one_more() const noexcept; // tables double when they are full

    // Some records before find(): first the bucket, then what the bucket says.
    void fetch_bucket(std::uint32_t hash) const noexcept {
        if (!buckets_.empty()) {
            fetch(&buckets_[home(hash)]);
        }
    }
    void fetch_place(std::uint32_t hash) const noexcept {
        if (!buckets_.empty()) {
            if (const auto& b = buckets_[home(hash)]; b.place != none) {
                fetch(&places_[b.place]);
            }
        }
    }

private:
    // Open addressing.
    struct bucket {
        std::uint32_t hash = 0;
        std::uint32_t place = none;
    };

    std::size_t home(std::uint32_t hash) const noexcept { return hash & (buckets_.size() - 1); }
    std::size_t next(std::size_t at) const noexcept { return (at + 1) & (buckets_.size() - 1); }
    bool fills_buckets() const noexcept { return 2 * (live() + 1) > buckets_.size(); }
    void grow_buckets();
    void put(bucket b) noexcept;
    void remove_bucket_of(std::uint32_t place) noexcept;

    std::vector<held, large_allocator<held>> places_;
    std::vector<std::uint32_t> free_;
    std::vector<bucket, large_allocator<bucket>> buckets_; // a power of two, at most half full
    std::size_t long_id_total_ = 0;
    std::uint32_t hand_ = 0;
};

} // namespace monarc::aggregate
