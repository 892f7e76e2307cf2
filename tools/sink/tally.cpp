#include "sink/tally.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace monarc::sink {
namespace {

__extension__ using uint128 = unsigned __int128;

constexpr std::size_t max_name_bytes = 256;    // of a tag or class that is shown; the rest is cut
constexpr std::size_t max_sample_bytes = 4096; // a larger event is no good sample

std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
    const auto product = static_cast<uint128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Multiply and fold, eight bytes at a time.
std::uint64_t hash(std::string_view text, std::uint64_t seed) noexcept {
    constexpr std::uint64_t odd = 0x9e37'79b9'7f4a'7c15;
    std::uint64_t state = fold(seed ^ text.size(), odd);
    while (!text.empty()) {
        std::uint64_t word = 0;
        const auto count = std::min(text.size(), sizeof word);
        std::memcpy(&word, text.data(), count);
        state = fold(state ^ word, odd) + word;
        text.remove_prefix(count);
    }
    return fold(state ^ 0xe703'7ed1'a0b4'28db, odd);
}

// Cut to what is shown, not inside a character.
std::string_view shown(std::string_view name) noexcept {
    if (name.size() <= max_name_bytes)
        return name;
    auto end = max_name_bytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0u) == 0x80)
        --end;
    return name.substr(0, end);
}

} // namespace

short_key to_short_key(std::string_view first, std::string_view second) noexcept {
    const auto low = hash(second, hash(first, 1));
    const auto high = hash(second, hash(first, 2) ^ low);
    return {
        {static_cast<std::uint32_t>(low),
         static_cast<std::uint32_t>(low >> 32),
         static_cast<std::uint32_t>(high)}};
}

tally::tally(const memory& bounds, std::string sum_field) : bounds_(bounds) {
    assert(bounds.max_classes < other_class);
    totals_.sum.field = std::move(sum_field);
    totals_.classes.emplace_back(); // unknown_class
}

std::uint32_t tally::seen(const short_key& chunk) const noexcept {
    const auto at = chunks_.find(chunk);
    return at == chunks_.end() ? 0 : at->second;
}

void tally::remember(const short_key& chunk, std::uint32_t count) {
    if (bounds_.max_chunks == 0)
        return;
    if (const auto at = chunks_.find(chunk); at != chunks_.end()) {
        at->second = std::max(at->second, count);
        return;
    }
    if (chunk_ring_.size() < bounds_.max_chunks) {
        chunk_ring_.push_back(chunk);
    } else {
        totals_.chunks_forgotten = true;
        chunks_.erase(std::exchange(chunk_ring_[oldest_chunk_], chunk));
        oldest_chunk_ = (oldest_chunk_ + 1) % chunk_ring_.size();
    }
    chunks_.emplace(chunk, count);
}

tag_summary& tally::tag_of(std::string_view tag) {
    // All events of a message have one tag, and most senders have only one.
    if (last_tag_ < totals_.tags.size() && totals_.tags[last_tag_].name == shown(tag))
        return totals_.tags[last_tag_];
    std::string name(shown(tag));
    if (const auto at = tag_numbers_.find(name); at != tag_numbers_.end())
        return totals_.tags[last_tag_ = at->second];
    if (totals_.tags.size() >= bounds_.max_tags) {
        totals_.tags_full = true;
        return totals_.other_tags;
    }
    last_tag_ = totals_.tags.size();
    tag_numbers_.emplace(name, last_tag_);
    totals_.tags.push_back({.name = std::move(name)});
    return totals_.tags.back();
}

class_summary& tally::class_at(std::uint16_t number) {
    return number == other_class ? totals_.other_classes : totals_.classes[number];
}

std::uint16_t tally::class_number(std::string_view full_name) {
    std::string name(shown(full_name));
    if (name.empty())
        return unknown_class;
    if (const auto at = class_numbers_.find(name); at != class_numbers_.end())
        return at->second;
    if (totals_.classes.size() > bounds_.max_classes) {
        totals_.classes_full = true;
        return other_class;
    }
    const auto number = static_cast<std::uint16_t>(totals_.classes.size());
    class_numbers_.emplace(name, number);
    totals_.classes.push_back({.name = std::move(name)});
    return number;
}

// The class of the event's context, which a class message may just have told.
std::uint16_t tally::learn_class(const event_facts& facts) {
    if (facts.is_nameless) {
        const auto number = facts.has_class ? class_number(facts.class_name) : unknown_class;
        ++totals_.contexts;
        ++class_at(number).contexts;
        return number;
    }
    const auto key = to_short_key(facts.user_id, facts.context);
    auto at = contexts_.find(key);
    if (at == contexts_.end()) {
        if (contexts_.size() >= bounds_.max_contexts) {
            totals_.contexts_full = true;
            return facts.has_class ? class_number(facts.class_name) : unknown_class;
        }
        at = contexts_.emplace(key, unknown_class).first;
        ++totals_.contexts;
        ++class_at(unknown_class).contexts;
    }
    if (facts.has_class) {
        const auto told = class_number(facts.class_name);
        --class_at(at->second).contexts;
        ++class_at(told).contexts;
        at->second = told;
    }
    return at->second;
}

void tally::add_sum(const event_facts& facts) {
    auto& s = totals_.sum;
    s.not_integer += facts.has_other_sum ? 1 : 0;
    if (!facts.has_sum)
        return;
    s.min = s.count == 0 ? facts.sum : std::min(s.min, facts.sum);
    s.max = s.count == 0 ? facts.sum : std::max(s.max, facts.sum);
    s.sum += facts.sum;
    s.xor_bits ^= static_cast<std::uint64_t>(facts.sum);
    ++s.count;
}

void tally::add(
    std::string_view tag, const event_facts& facts, const std::function<std::string()>& sample) {
    ++totals_.events;
    ++tag_of(tag).events;
    if (!facts.is_envelope) {
        ++totals_.plain_events;
        return;
    }
    auto& of_class = class_at(learn_class(facts));
    if (facts.fields == 0) {
        ++(facts.has_class      ? totals_.class_messages
           : facts.special != 0 ? totals_.special_messages
                                : totals_.empty_messages);
        return;
    }
    ++totals_.records;
    totals_.fields += facts.fields;
    ++of_class.records;
    of_class.fields += facts.fields;
    add_sum(facts);
    if (of_class.sample.empty()) {
        auto json = sample();
        of_class.sample = json.size() <= max_sample_bytes ? std::move(json) : "null";
    }
}

void tally::add_repeat(std::string_view tag) {
    ++totals_.repeats;
    ++tag_of(tag).repeats;
}

summary tally::snapshot() const {
    summary copy = totals_;
    // Nobody wants to read about the class that no context has.
    if (const auto& u = copy.classes.front(); u.contexts == 0 && u.records == 0)
        copy.classes.erase(copy.classes.begin());
    return copy;
}

} // namespace monarc::sink
