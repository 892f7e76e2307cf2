#include "aggregate/aggregator.hpp"

#include "core/fields.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace monarc::aggregate {
namespace {

constexpr std::uint64_t bit_of(key_number key) noexcept {
    return std::uint64_t{1} << (key % 64);
}

// What a value takes beside the bytes of a text, at most.
constexpr std::size_t value_head_bytes = 9;

constexpr std::size_t key_head_bytes = 3; // a repaired name may take over 255 bytes

// What a field takes in msgpack but for a text's own bytes, at most. A text that is repaired may
// take more: that is rare, and the hard cap of a payload is far away.
std::size_t wire_bytes_of(const key_name& key) noexcept {
    return key_head_bytes + key.text.size() + value_head_bytes;
}

// A byte of a text that is no UTF-8 becomes three.
constexpr std::size_t repair_growth = 2;

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

} // namespace

aggregator::aggregator(const aggregator_settings& settings) : settings_(settings) {}

const key_name& aggregator::name(key_number number) {
    if (number >= names_.size()) {
        names_.resize(number + 1u);
    }
    auto& slot = names_[number];
    if (slot == nullptr) {
        slot = &name_of(number);
    }
    return *slot;
}

const aggregator::known_shape& aggregator::learn(std::uint32_t number) {
    if (number >= shapes_.size()) {
        shapes_.resize(number + 1u);
    }
    auto& known = shapes_[number];
    if (known.s == nullptr) {
        const auto& s = shape_of_number(number);
        for (const auto key : s.keys) {
            known.key_bits |= bit_of(key);
        }
        for (const auto& field : s.fields) {
            known.wire_bytes += wire_bytes_of(name(field.key));
        }
        known.s = &s;
    }
    return known;
}

// A number among many takes up to nine bytes instead of four or eight.
std::size_t aggregator::body_wire_bytes(const shape& s, std::string_view body) const noexcept {
    return s.has_numbers ? body.size() / 4 * 9 + 9 : body.size();
}

// Strips reserved keys, and of a key that was added twice keeps the later value at the place of the
// first.
void aggregator::prepare_self_described(std::string_view body, prepared& out) {
    raw_fields_.clear();
    const char* begin = body.data();
    visit_self_described(body, [&](const field_view& field) {
        ++out.pushed_fields;
        const auto& key = name(field.key);
        // A field's bytes end where the next begins; the key's 2, the type's 1 and the value's.
        const std::size_t value = field.type == detail::value_type::text ? 4 + field.text.size()
                                  : field.type == detail::value_type::boolean ? 1
                                  : field.type == detail::value_type::null    ? 0
                                                                              : 8;
        const std::string_view bytes(begin, 3 + value);
        begin += bytes.size();
        if (key.reserved) {
            ++counts_.stripped_fields;
            return;
        }
        counts_.utf8_repaired += key.repaired ? 1 : 0;
        const auto same =
            std::find_if(raw_fields_.begin(), raw_fields_.end(), [&](const raw_field& one) {
                return one.key == field.key;
            });
        if (same != raw_fields_.end()) {
            ++counts_.overwritten_fields;
            same->bytes = bytes;
        } else {
            raw_fields_.push_back({.key = field.key, .bytes = bytes});
        }
        out.key_bits |= bit_of(field.key);
        out.wire_bytes += wire_bytes_of(key) + field.text.size();
    });
    cleaned_body_.clear();
    for (const auto& field : raw_fields_) {
        cleaned_body_.append(field.bytes);
    }
    out.body = cleaned_body_.view();
    out.fields = raw_fields_.size();
}

// What a JSON text held. Its keys are few or many; one without a number makes it stand alone.
void aggregator::prepare_json(const record_view& record, prepared& out) {
    out.shape = detail::record_shape;
    out.pushed_fields = record.json->fields;
    out.stands_alone = record.json->stands_alone;
    counts_.stripped_fields += record.json->stripped;
    counts_.overwritten_fields += record.json->repeated;
    counts_.utf8_repaired += record.json->is_repaired ? 1 : 0;
    visit_self_described(record.body, [&](const field_view& field) {
        if (field.key == key_without_room) {
            out.stands_alone = true;
        } else {
            out.key_bits |= bit_of(field.key);
        }
        ++out.fields;
    });
}

// Finds out what the record is. `field_bytes`: of most_field_bytes(). Returns: false if it ends
// here, counted.
bool aggregator::prepare(const record_view& record, std::size_t field_bytes, prepared& out) {
    if (record.shape == 0) {
        ++counts_.dropped[reason::memory];
        return false;
    }
    if (record.context != nullptr) {
        const auto closed_at = record.context->closed_at.load(std::memory_order_acquire);
        if (closed_at != 0 && record.stamp > closed_at) {
            ++counts_.dropped[reason::closed_context];
            return false;
        }
    }
    out.shape = record.shape;
    out.body = record.body;
    out.key_bits = 0;
    out.wire_bytes = 0;
    out.pushed_fields = 0;
    out.fields = 0;
    out.stands_alone = false;
    if (record.shape == detail::record_shape) {
        const auto class_shape = load_unaligned<std::uint32_t>(record.body.data());
        out.class_name = class_shape != 0 ? known(class_shape).s->class_name : key_without_room;
        prepare_self_described(record.body.substr(sizeof class_shape), out);
    } else if (record.shape == detail::json_shape) {
        const auto class_shape = record.json->class_shape;
        out.class_name = class_shape != 0 ? known(class_shape).s->class_name : key_without_room;
        out.wire_bytes = field_bytes;
        prepare_json(record, out);
    } else {
        const auto& shape = known(record.shape);
        out.class_name = shape.s->class_name;
        out.key_bits = shape.key_bits;
        out.pushed_fields = shape.s->keys.size();
        out.fields = out.pushed_fields;
        out.wire_bytes = field_bytes;
        if (shape.s->has_json) [[unlikely]] { // one that was none is left out
            out.fields = 0;
            visit_shape(*shape.s, record.body, [&](const field_view&) { ++out.fields; });
        }
    }
    counts_.fields += out.pushed_fields;
    if (out.fields == 0) {
        ++counts_.filtered[reason::empty];
        return false;
    }
    if (record.class_name() != key_without_room) {
        out.class_name = record.class_name();
    }
    if (record.context != nullptr) {
        out.class_name = record.context->class_name;
        out.id = record.context->id;
        counts_.utf8_repaired += record.context->id_repaired ? 1 : 0;
    } else {
        out.id = record.id;
    }
    return true;
}

std::size_t aggregator::self_described_wire_bytes(const field_view& field) {
    constexpr std::size_t heads = 5 + value_head_bytes; // of a key, of its value
    const auto key_bytes =
        field.key == key_without_room ? field.name.size() : name(field.key).text.size();
    return key_bytes + heads + field.text.size();
}

// What its fields take, at most; known before anything is counted.
std::size_t aggregator::most_field_bytes(const record_view& record) {
    std::size_t bytes = 0;
    const auto add = [&](const field_view& field) { bytes += self_described_wire_bytes(field); };
    if (record.shape == detail::record_shape) {
        visit_self_described(record.body.substr(sizeof(std::uint32_t)), add);
    } else if (record.shape == detail::json_shape) {
        visit_self_described(record.body, add);
    } else if (record.shape != 0) {
        const auto& shape = known(record.shape);
        bytes = shape.wire_bytes + body_wire_bytes(*shape.s, record.body);
    }
    return bytes;
}

// Whether the batch has room for one more, with a class message in front of it.
bool aggregator::has_room_for(const record_view& record, std::size_t field_bytes) const noexcept {
    const auto id_bytes = record.context != nullptr ? record.context->id.size() : record.id.size();
    return batch_.is_empty() ||
           (batch_.records < settings_.batch.max_records &&
            batch_bytes_ + field_bytes +
                    2 * (settings_.entry_bytes + id_bytes + detail::max_name_bytes) <=
                settings_.batch.max_bytes);
}

// Where the record's context is held, if the handle knows.
std::uint32_t aggregator::place_of(const detail::context_entry& handle) const noexcept {
    if (handle.place_generation == 0 || handle.place >= contexts_.places()) {
        return context_table::none;
    }
    const auto& held = contexts_[handle.place];
    return held.is_live && held.generation == handle.place_generation ? handle.place
                                                                      : context_table::none;
}

// What is held is UTF-8: bytes that are found need no look.
std::uint32_t aggregator::find_or_hold(const record_view& record, std::string_view id) {
    auto place = record.context != nullptr ? place_of(*record.context) : context_table::none;
    if (place == context_table::none) {
        auto hash = record.id_hash != 0 ? record.id_hash : hash_of_id(id);
        place = contexts_.find(id, hash);
        if (place == context_table::none && !is_utf8(id)) [[unlikely]] {
            repaired_id_.clear();
            append_utf8(id, repaired_id_);
            ++counts_.utf8_repaired;
            id = repaired_id_;
            hash = hash_of_id(id);
            place = contexts_.find(id, hash);
        }
        if (place == context_table::none) {
            while (contexts_.live() >= settings_.max_contexts ||
                   (contexts_.live() != 0 && !contexts_.has_free_place() &&
                    memory_bytes_with_one_more() > settings_.max_context_bytes)) {
                contexts_.let_oldest_go();
                ++counts_.evicted_contexts;
            }
            return contexts_.hold(id, hash);
        }
    }
    contexts_[place].was_used = true;
    return place;
}

template <class Visit>
void aggregator::visit_keys(std::uint32_t shape, std::string_view body, Visit&& visit) const {
    if (shape == detail::record_shape) {
        visit_self_described(body, [&](const field_view& field) { visit(field.key); });
    } else {
        const auto& keys = shapes_[shape].s->keys;
        std::for_each(keys.begin(), keys.end(), visit);
    }
}

// The bits met; most often because a key really stands in both.
bool aggregator::shares_key(const batch_entry& entry, const prepared& record) {
    keys_of_record_.resize(std::size_t{1} << 16);
    visit_keys(record.shape, record.body, [&](key_number key) { keys_of_record_[key] = true; });
    bool shares = false;
    for (auto at = entry.first_part; at != no_part && !shares; at = batch_.parts[at].next) {
        const auto& part = batch_.parts[at];
        visit_keys(part.shape, batch_.body_of(part), [&](key_number key) {
            shares = shares || keys_of_record_[key];
        });
    }
    visit_keys(record.shape, record.body, [&](key_number key) { keys_of_record_[key] = false; });
    return shares;
}

// mona-client.md 16.1 and 16.2 for forward: the same second, no key in common or the later may
// replace the earlier.
bool aggregator::may_merge(const batch_entry& entry, const prepared& record, bool& repeats) {
    if ((entry.key_bits & record.key_bits) == 0) {
        return true;
    }
    repeats = shares_key(entry, record);
    return !repeats || settings_.merge == merge_mode::overwrite;
}

void aggregator::append_part(batch_entry& entry, const prepared& record) {
    const auto at = static_cast<std::uint32_t>(batch_.parts.size());
    batch_.parts.push_back(
        {.shape = record.shape,
         .body_at = static_cast<std::uint32_t>(batch_.bodies.size()),
         .body_bytes = static_cast<std::uint32_t>(record.body.size()),
         .next = no_part});
    batch_.bodies.append(record.body);
    (entry.first_part == no_part ? entry.first_part : batch_.parts[entry.last_part].next) = at;
    entry.last_part = at;
    entry.key_bits |= record.key_bits;
    entry.fields += static_cast<std::uint32_t>(record.fields);
    entry.most_bytes +=
        static_cast<std::uint32_t>(record.wire_bytes + repair_growth * record.body.size());
    ++entry.records;
    ++batch_.records;
    batch_bytes_ += record.wire_bytes;
}

bool aggregator::add(const record_view& record, std::int64_t wall, time_point now) {
    const auto field_bytes = most_field_bytes(record);
    if (record.shape != 0 && !has_room_for(record, field_bytes)) {
        return false;
    }
    prepared fresh;
    if (!prepare(record, field_bytes, fresh)) {
        return true;
    }
    auto pushed = wall / nanoseconds_per_second;
    auto seconds = record.when != detail::no_time ? record.when / nanoseconds_per_second : pushed;
    if (record.json != nullptr && record.json->has_times) {
        pushed = record.json->pushed;
        seconds = record.json->seconds;
    }

    const auto place = find_or_hold(record, fresh.id);
    auto& context = contexts_[place];
    if (record.context != nullptr) {
        record.context->place = place;
        record.context->place_generation = context.generation;
    }
    if (batch_.is_empty()) {
        batch_since_ = now;
    }
    if (fresh.id.empty()) { // 16.1: without an id each message is a row of its own
        context.told_epoch = 0;
    }
    if (context.told_epoch != epoch_ || context.class_name != fresh.class_name) {
        tell_class(context, fresh.class_name, seconds, pushed);
    }
    if (settings_.merge != merge_mode::off && !fresh.stands_alone && is_open(context)) {
        auto& entry = batch_.entries[context.entry];
        bool repeats = false;
        if (entry.seconds == seconds && may_merge(entry, fresh, repeats)) {
            entry.may_repeat_keys = entry.may_repeat_keys || repeats;
            append_part(entry, fresh);
            ++counts_.merged;
            return true;
        }
    }
    append_part(open_entry(context, seconds, pushed), fresh);
    if (fresh.stands_alone) {
        context.entry = context_table::none;
    }
    return true;
}

// D-4.9. Whatever the context has so far is closed by it.
void aggregator::tell_class(
    context_table::held& context,
    key_number class_name,
    std::int64_t seconds,
    std::int64_t pushed) {
    context.class_name = class_name;
    context.told_epoch = epoch_;
    context.entry = context_table::none;
    if (const auto& text = name(class_name).text; !text.empty()) {
        auto& entry = open_entry(context, seconds, pushed);
        entry.class_name = class_name;
        entry.is_class_message = true;
        context.entry = context_table::none;
        ++batch_.class_messages;
        ++counts_.class_messages;
        batch_bytes_ += text.size();
    }
}

batch_entry&
aggregator::open_entry(context_table::held& context, std::int64_t seconds, std::int64_t pushed) {
    context.entry = static_cast<std::uint32_t>(batch_.entries.size());
    context.entry_batch = batch_number_;
    auto& entry = batch_.entries.emplace_back();
    entry.id_at = static_cast<std::uint32_t>(batch_.bodies.size());
    entry.id_bytes = context.id_bytes;
    entry.seconds = seconds;
    entry.pushed = pushed;
    batch_.bodies.append(context.id());
    batch_bytes_ += settings_.entry_bytes + context.id_bytes;
    return entry;
}

bool aggregator::is_due(time_point now) const noexcept {
    return !batch_.is_empty() && (batch_.records >= settings_.batch.max_records ||
                                  now - batch_since_ >= settings_.batch.max_delay);
}

void aggregator::clear_batch() noexcept {
    batch_.entries.clear();
    batch_.parts.clear();
    batch_.bodies.clear();
    batch_.records = 0;
    batch_.class_messages = 0;
    batch_bytes_ = 0;
    ++batch_number_;
}

void aggregator::forget(const detail::context_entry& context) noexcept {
    const auto place = contexts_.find(context.id, hash_of_id(context.id));
    if (place != context_table::none) {
        contexts_.let_go(place);
    }
}

std::size_t aggregator::memory_bytes_with_one_more() const noexcept {
    return contexts_.memory_bytes_with_one_more() + batch_memory_bytes();
}

std::size_t aggregator::memory_bytes() const noexcept {
    return contexts_.memory_bytes() + batch_memory_bytes();
}

std::size_t aggregator::batch_memory_bytes() const noexcept {
    return batch_.bodies.capacity() + batch_.parts.capacity() * sizeof(batch_part) +
           batch_.entries.capacity() * sizeof(batch_entry);
}

} // namespace monarc::aggregate
