#include "aggregate/context_table.hpp"

#include <cstring>
#include <memory>
#include <utility>

namespace monarc::aggregate {

context_table::context_table(context_table&& other) noexcept
    : places_(std::exchange(other.places_, {})), free_(std::exchange(other.free_, {})),
      buckets_(std::exchange(other.buckets_, {})),
      long_id_total_(std::exchange(other.long_id_total_, 0)), hand_(std::exchange(other.hand_, 0)) {
}

context_table::~context_table() {
    for (auto& one : places_) {
        if (one.is_live && one.id_bytes > short_id_bytes) {
            delete[] one.long_id;
        }
    }
}

std::uint32_t context_table::find(std::string_view id, std::uint32_t hash) const noexcept {
    if (buckets_.empty()) {
        return none;
    }
    for (auto at = home(hash);; at = next(at)) {
        const auto& b = buckets_[at];
        if (b.place == none || (b.hash == hash && places_[b.place].id() == id)) {
            return b.place;
        }
    }
}

void context_table::put(bucket b) noexcept {
    auto at = home(b.hash);
    while (buckets_[at].place != none) {
        at = next(at);
    }
    buckets_[at] = b;
}

void context_table::grow_buckets() {
    constexpr std::size_t least = 64;
    decltype(buckets_) larger(buckets_.empty() ? least : 2 * buckets_.size());
    larger.swap(buckets_);
    for (const auto& b : larger) {
        if (b.place != none) {
            put(b);
        }
    }
}

std::uint32_t context_table::hold(std::string_view id, std::uint32_t hash) {
    // First what can fail.
    if (fills_buckets()) {
        grow_buckets();
    }
    if (free_.empty() && places_.size() == places_.capacity()) {
        places_.reserve(2 * places_.size() + 16);
    }
    free_.reserve(places_.capacity()); // so that letting go needs no memory
    std::unique_ptr<char[]> long_id;
    if (id.size() > short_id_bytes) {
        long_id = std::make_unique_for_overwrite<char[]>(id.size());
    }

    std::uint32_t place = 0;
    if (free_.empty()) {
        place = static_cast<std::uint32_t>(places_.size());
        places_.emplace_back();
    } else {
        place = free_.back();
        free_.pop_back();
    }
    auto& fresh = places_[place];
    if (long_id) {
        long_id_total_ += id.size();
        std::memcpy(long_id.get(), id.data(), id.size());
        fresh.long_id = long_id.release();
    } else if (!id.empty()) {
        std::memcpy(fresh.short_id, id.data(), id.size());
    }
    fresh.id_bytes = static_cast<std::uint16_t>(id.size());
    fresh.class_name = key_without_room;
    fresh.entry = none;
    fresh.told_epoch = 0;
    fresh.is_live = true;
    fresh.was_used = false; // not before it comes again: else all look alike to the hand
    put({.hash = hash, .place = place});
    return place;
}

// What stands behind moves up, so that no look-up meets a gap on its way.
void context_table::remove_bucket_of(std::uint32_t place) noexcept {
    auto at = home(hash_of_id(places_[place].id()));
    while (buckets_[at].place != place) {
        at = next(at);
    }
    for (auto from = next(at); buckets_[from].place != none; from = next(from)) {
        const auto mask = buckets_.size() - 1;
        const auto wanted = home(buckets_[from].hash);
        if (((from - wanted) & mask) >= ((from - at) & mask)) {
            buckets_[at] = buckets_[from];
            at = from;
        }
    }
    buckets_[at] = {};
}

void context_table::let_go(std::uint32_t place) noexcept {
    remove_bucket_of(place);
    auto& gone = places_[place];
    if (gone.id_bytes > short_id_bytes) {
        long_id_total_ -= gone.id_bytes;
        delete[] gone.long_id;
    }
    gone.is_live = false;
    ++gone.generation;
    free_.push_back(place); // has room: reserved with the place
}

void context_table::let_oldest_go() noexcept {
    while (true) {
        hand_ = hand_ + 1 < places_.size() ? hand_ + 1 : 0;
        auto& one = places_[hand_];
        if (one.is_live && !std::exchange(one.was_used, false)) {
            let_go(hand_);
            return;
        }
    }
}

std::size_t context_table::memory_bytes() const noexcept {
    return places_.capacity() * sizeof(held) + free_.capacity() * sizeof(std::uint32_t) +
           buckets_.capacity() * sizeof(bucket) + long_id_total_;
}

std::size_t context_table::memory_bytes_with_one_more() const noexcept {
    const bool fills_places = free_.empty() && places_.size() == places_.capacity();
    return memory_bytes() +
           (fills_places ? (places_.capacity() + 16) * (sizeof(held) + sizeof(std::uint32_t)) : 0) +
           (fills_buckets() ? buckets_.capacity() * sizeof(bucket) : 0);
}

} // namespace monarc::aggregate
