#include "aggregate/rest_aggregator.hpp"

#include <monarc/detail/shape.hpp>

#include <algorithm>
#include <utility>

namespace monarc::aggregate {
namespace {

constexpr std::string_view renamed_prefix = "MY_"; // mona-rest.md section 8
constexpr std::size_t most_merged_members = 1000;  // 16.5: a record never grows without bound
constexpr std::size_t entry_bytes = 96; // arcClass, contextId, exportTimestamp, action, message
constexpr std::size_t field_bytes = 4;  // quotes, colon, comma

std::uint64_t bit_of(key_number key) noexcept {
    return std::uint64_t{1} << (key % 64);
}

std::string_view text_of(key_number key, std::string_view name) {
    return key != key_without_room ? std::string_view(name_of(key).text) : name;
}
template <class Field>
std::string_view text_of(const Field& field) {
    return text_of(field.key, field.name);
}

// At most, unless texts are full of what JSON escapes.
std::size_t bytes_of(const rest_row& row) {
    std::size_t bytes = entry_bytes + row.id.size() + row.members.size();
    bytes += row.class_name != key_without_room ? name_of(row.class_name).text.size() : 0;
    for (const auto& field : row.fields) {
        bytes += text_of(field).size() + renamed_prefix.size() + field.value.size() + field_bytes;
    }
    return bytes;
}
std::size_t bytes_of(const std::vector<rest_entry::field>& fields) {
    std::size_t bytes = 0;
    for (const auto& field : fields) {
        bytes += text_of(field).size() + field.value.size() + field_bytes;
    }
    return bytes;
}

// Fields in the order of a Python dict: a key that comes again puts its value at the first place.
class dict {
public:
    // Returns: whether the key was there.
    bool put(const rest_field& field, std::string_view key) {
        if (places_.empty() && fields_.size() >= few) {
            for (std::size_t i = 0; i < fields_.size(); ++i) {
                places_.emplace(text_of(fields_[i]), i);
            }
        }
        if (const auto at = place_of(key); at != fields_.size()) {
            fields_[at].value = field.value;
            fields_[at].is_null = field.is_null;
            fields_[at].is_not_finite = field.is_not_finite;
            return true;
        }
        if (!places_.empty()) {
            places_.emplace(key, fields_.size());
        }
        fields_.push_back(field);
        return false;
    }
    // Of a key that is known not to be there; before any put().
    void append(const rest_field& field) { fields_.push_back(field); }
    const std::vector<rest_field>& fields() const noexcept { return fields_; }

private:
    static constexpr std::size_t few = 16;

    std::size_t place_of(std::string_view key) const {
        if (!places_.empty()) {
            const auto found = places_.find(key);
            return found != places_.end() ? found->second : fields_.size();
        }
        const auto found = std::find_if(
            fields_.begin(), fields_.end(), [&](const auto& one) { return text_of(one) == key; });
        return static_cast<std::size_t>(found - fields_.begin());
    }

    std::vector<rest_field> fields_;
    std::unordered_map<std::string_view, std::size_t> places_; // of many
};

} // namespace

// D-4.7, in its order: reserved keys, then nulls and what is not finite.
rest_aggregator::fields rest_aggregator::settled_fields(const rest_row& row) {
    dict kept;
    std::vector<const rest_field*> renamed;
    for (const auto& field : row.fields) {
        const auto key = text_of(field);
        if (key.starts_with(detail::reserved_prefix)) {
            if (settings_.reserved_keys == reserved_key_mode::rename) {
                renamed.push_back(&field);
            } else {
                ++counts_.stripped_fields;
            }
        } else if (row.may_repeat_keys) {
            counts_.overwritten_fields += kept.put(field, key) ? 1 : 0;
        } else {
            kept.append(field);
        }
    }
    std::vector<std::string> names; // of those that have no number
    names.reserve(renamed.size());
    for (const auto* const field : renamed) {
        auto& name = names.emplace_back(renamed_prefix);
        name += text_of(*field);
        auto fresh = *field;
        fresh.key =
            name.size() <= detail::max_name_bytes ? intern_key_of_data(name) : key_without_room;
        fresh.name = fresh.key != key_without_room ? std::string_view() : name;
        const auto key =
            fresh.key != key_without_room ? std::string_view(name_of(fresh.key).text) : fresh.name;
        counts_.overwritten_fields += kept.put(fresh, key) ? 1 : 0;
    }
    const bool drops_nulls = row.drops_nulls.value_or(settings_.drop_nulls);
    fields settled;
    settled.reserve(kept.fields().size());
    for (const auto& field : kept.fields()) {
        if (field.is_not_finite) {
            ++counts_.not_finite_fields;
        } else if (!field.is_null || !drops_nulls) {
            settled.push_back(
                {.key = field.key,
                 .name = std::string(field.name),
                 .value = std::string(field.value)});
        }
    }
    return settled;
}

// 16.1 and 16.2 for REST.
bool rest_aggregator::may_merge(
    const rest_entry& into, const rest_row& row, const fields& fresh) const {
    const auto theirs = effective(into.what);
    const auto ours = effective(row.what);
    // What is there is forgotten by a NEW, so nothing is merged into what came before one; into one
    // go the fields that would overwrite.
    const bool fits = ours == theirs ? ours != action::fresh
                                     : theirs == action::fresh && ours == action::overwrite;
    if (!fits || into.time != row.time || !into.members.empty() ||
        into.fields.size() + fresh.size() > most_merged_members) {
        return false;
    }
    const auto is_known = [&](const rest_entry::field& field) {
        const bool may_be = (into.key_bits & bit_of(field.key)) != 0;
        return may_be && std::any_of(into.fields.begin(), into.fields.end(), [&](const auto& one) {
                   return text_of(one) == text_of(field);
               });
    };
    const bool may_overwrite = settings_.merge == merge_mode::overwrite && ours != action::add;
    return may_overwrite || std::none_of(fresh.begin(), fresh.end(), is_known);
}

void rest_aggregator::merge(rest_entry& into, fields&& fresh) {
    for (auto& field : fresh) {
        const auto same =
            (into.key_bits & bit_of(field.key)) == 0
                ? into.fields.end()
                : std::find_if(into.fields.begin(), into.fields.end(), [&](const auto& one) {
                      return text_of(one) == text_of(field);
                  });
        if (same != into.fields.end()) {
            ++counts_.overwritten_fields;
            same->value = std::move(field.value);
        } else {
            into.key_bits |= bit_of(field.key);
            into.fields.push_back(std::move(field));
        }
    }
}

bool rest_aggregator::add(const rest_row& row, time_point now) {
    const auto most_bytes = bytes_of(row);
    if (!batch_.is_empty() &&
        (batch_.records >= settings_.batch.max_records || batch_bytes_ + most_bytes > max_bytes_)) {
        return false;
    }
    counts_.fields += row.fields.size();
    auto fresh = settled_fields(row);
    if (fresh.empty()) {
        ++counts_.filtered[reason::empty];
        return true;
    }
    if (batch_.is_empty()) {
        batch_since_ = now;
    }
    const bool stands_alone =
        settings_.merge == merge_mode::off || row.id.empty() || !row.members.empty();
    std::string context;
    if (!stands_alone) {
        context.assign(1, static_cast<char>(row.class_name & 0xff));
        context += static_cast<char>(row.class_name >> 8);
        context += row.id;
        const auto last = last_of_context_.find(context);
        if (last != last_of_context_.end()) {
            auto& entry = batch_.entries[last->second];
            if (may_merge(entry, row, fresh)) {
                batch_bytes_ += bytes_of(fresh);
                merge(entry, std::move(fresh));
                ++entry.records;
                ++batch_.records;
                ++counts_.merged;
                return true;
            }
        }
    }
    const auto place = static_cast<std::uint32_t>(batch_.entries.size());
    auto& entry = batch_.entries.emplace_back();
    entry.class_name = row.class_name;
    entry.id = row.id;
    entry.time = row.time;
    entry.what = row.what;
    entry.members = row.members;
    entry.records = 1;
    entry.fields = std::move(fresh);
    for (const auto& field : entry.fields) {
        entry.key_bits |= bit_of(field.key);
    }
    if (!stands_alone) {
        last_of_context_[context] = place;
    }
    ++batch_.records;
    batch_bytes_ += most_bytes;
    return true;
}

bool rest_aggregator::is_due(time_point now) const noexcept {
    return !batch_.is_empty() && (batch_.records >= settings_.batch.max_records ||
                                  now - batch_since_ >= settings_.batch.max_delay);
}

void rest_aggregator::clear_batch() noexcept {
    batch_.entries.clear();
    batch_.records = 0;
    batch_bytes_ = 0;
    last_of_context_.clear();
}

std::size_t rest_aggregator::memory_bytes() const noexcept {
    // Of an open batch about what its JSON takes, twice.
    return 2 * batch_bytes_ + batch_.entries.capacity() * sizeof(rest_entry) +
           last_of_context_.bucket_count() * sizeof(void*);
}

} // namespace monarc::aggregate
