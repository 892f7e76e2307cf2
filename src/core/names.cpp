#include "core/names.hpp"

#include "core/utf8.hpp"

#include <monarc/detail/slot.hpp>
#include <monarc/field.hpp>

#include <cassert>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace monarc {
namespace {

constexpr std::size_t max_numbers = std::numeric_limits<std::uint16_t>::max();
constexpr std::size_t max_numbers_of_data = max_numbers / 4;

struct tables {
    std::deque<key_name> keys;
    std::unordered_map<std::string_view, key_number> key_numbers;
    std::size_t keys_of_data = 0;
    std::deque<shape> shapes;
    std::unordered_map<std::string, std::uint32_t> shape_numbers;

    tables() {
        keys.resize(2); // key_without_room, key_too_long
        shapes.resize(detail::first_free_shape);
    }
};

constinit std::mutex lock;
constinit tables* table = nullptr; // made at first use, never destroyed

tables& locked_tables() {
    if (table == nullptr) {
        table = new tables;
    }
    return *table;
}

key_number intern_key_locked(std::string_view name, bool is_of_data = false) {
    if (name.size() > detail::max_name_bytes) {
        return key_too_long;
    }
    auto& all = locked_tables();
    key_name fresh{
        .text = {},
        .reserved = name.starts_with(detail::reserved_prefix),
        .repaired = !is_utf8(name)};
    append_utf8(name, fresh.text);
    if (const auto known = all.key_numbers.find(fresh.text); known != all.key_numbers.end()) {
        return known->second;
    }
    if (all.keys.size() > max_numbers || (is_of_data && all.keys_of_data == max_numbers_of_data)) {
        return key_without_room;
    }
    const auto number = static_cast<key_number>(all.keys.size());
    all.keys.push_back(std::move(fresh));
    all.key_numbers.emplace(all.keys.back().text, number);
    all.keys_of_data += is_of_data ? 1 : 0;
    return number;
}

std::string_view take_name(const char*& at) {
    const auto bytes = static_cast<unsigned char>(*at++);
    const std::string_view name(at, bytes);
    at += bytes;
    return name;
}

std::size_t width_of(detail::value_type type) {
    if (detail::has_bytes(type)) {
        return 2;
    }
    switch (type) {
    case detail::value_type::null:
    case detail::value_type::object:
    case detail::value_type::array: return 0;
    case detail::value_type::boolean: return 1;
    default: return 8;
    }
}

// The offsets that detail::fixed_offset gives the compiler: width 8 first, then 2, then 1, each in
// written order; the flag of an optional value stands behind it.
void lay_out(shape& s) {
    std::uint16_t at = 0;
    for (const std::size_t width : {8u, 2u, 1u}) {
        const auto place = [&](std::uint16_t& offset) {
            offset = at;
            at = static_cast<std::uint16_t>(at + width);
        };
        for (auto& field : s.fields) {
            if (width_of(field.type) == width) {
                place(field.offset);
            }
            if (field.is_optional && width == 1) {
                place(field.flag_offset);
            }
        }
    }
    s.fixed_bytes = (at + 7) / 8 * 8;
}

// Takes the fields up to the end of the signature, or of the object or array they stand in.
// Returns: how many, nothing if there is no room for a key.
std::optional<std::uint16_t>
take_fields(shape& s, const char*& at, const char* end, bool have_keys) {
    std::uint16_t count = 0;
    while (at != end && *at != detail::end_mark) {
        shape_field field;
        field.is_optional = *at == detail::optional_mark;
        at += field.is_optional ? 1 : 0;
        field.type = static_cast<detail::value_type>(*at++);
        if (have_keys) {
            field.key = intern_key_locked(take_name(at));
            if (field.key == key_without_room) {
                return std::nullopt;
            }
        }
        const auto place = s.fields.size();
        s.fields.push_back(field);
        if (detail::has_members(field.type)) {
            const auto members = take_fields(s, at, end, field.type == detail::value_type::object);
            if (!members) {
                return std::nullopt;
            }
            s.fields[place].members = *members;
            s.fields[place].inside = static_cast<std::uint16_t>(s.fields.size() - place - 1);
            ++at; // the end mark
        }
        s.has_json = s.has_json || field.type == detail::value_type::json;
        s.has_numbers = s.has_numbers ||
                        (detail::has_bytes(field.type) && field.type != detail::value_type::text &&
                         field.type != detail::value_type::json);
        ++count;
    }
    return count;
}

std::uint32_t intern_shape_locked(std::string_view signature) {
    auto& all = locked_tables();
    std::string content(signature);
    if (const auto known = all.shape_numbers.find(content); known != all.shape_numbers.end()) {
        return known->second;
    }
    if (all.shapes.size() > max_numbers) {
        return 0;
    }
    shape fresh;
    const char* at = signature.data();
    const char* const end = at + signature.size();
    if (const auto class_name = take_name(at); !class_name.empty()) {
        fresh.class_name = intern_key_locked(class_name);
        if (fresh.class_name == key_without_room) {
            return 0;
        }
    }
    if (!take_fields(fresh, at, end, true)) {
        return 0;
    }
    for (std::size_t i = 0; i < fresh.fields.size(); i += 1u + fresh.fields[i].inside) {
        fresh.keys.push_back(fresh.fields[i].key);
    }
    lay_out(fresh);
    const auto number = static_cast<std::uint32_t>(all.shapes.size());
    all.shapes.push_back(std::move(fresh));
    all.shape_numbers.emplace(std::move(content), number);
    return number;
}

} // namespace

key_number intern_key(std::string_view name) noexcept {
    const std::lock_guard guard(lock);
    try {
        return intern_key_locked(name);
    } catch (...) {
        return key_without_room;
    }
}

key_number intern_key_of_data(std::string_view name) noexcept {
    const std::lock_guard guard(lock);
    try {
        return intern_key_locked(name, true);
    } catch (...) {
        return key_without_room;
    }
}

const key_name& name_of(key_number number) noexcept {
    const std::lock_guard guard(lock);
    assert(table != nullptr && number < table->keys.size());
    return table->keys[number];
}

const shape& shape_of_number(std::uint32_t number) noexcept {
    const std::lock_guard guard(lock);
    assert(table != nullptr && number < table->shapes.size());
    return table->shapes[number];
}

void lock_names() noexcept {
    lock.lock();
}
void unlock_names() noexcept {
    lock.unlock();
}

std::uint32_t detail::intern_shape(
    std::atomic<std::uint32_t>& number, const char* signature, std::size_t bytes) noexcept {
    const std::lock_guard guard(lock);
    try {
        const auto interned = intern_shape_locked({signature, bytes});
        number.store(interned, std::memory_order_release);
        return interned;
    } catch (...) {
        return 0;
    }
}

key::key(std::string_view name) noexcept : number_(intern_key(name)) {}

class_name::class_name(std::string_view name) noexcept : number_{intern_key(name)} {}

} // namespace monarc
