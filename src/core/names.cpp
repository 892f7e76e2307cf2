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
#include <unordered_map>

namespace monarc {
namespace {

constexpr std::size_t max_numbers = std::numeric_limits<std::uint16_t>::max();

struct tables {
    std::deque<key_name> keys;
    std::unordered_map<std::string_view, key_number> key_numbers;
    std::deque<shape> shapes;
    std::unordered_map<std::string, std::uint32_t> shape_numbers;

    tables() {
        keys.resize(2);   // key_without_room, key_too_long
        shapes.resize(2); // 0 is "none", 1 describes itself
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

key_number intern_key_locked(std::string_view name) {
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
    if (all.keys.size() > max_numbers) {
        return key_without_room;
    }
    const auto number = static_cast<key_number>(all.keys.size());
    all.keys.push_back(std::move(fresh));
    all.key_numbers.emplace(all.keys.back().text, number);
    return number;
}

std::string_view take_name(const char*& at) {
    const auto bytes = static_cast<unsigned char>(*at++);
    const std::string_view name(at, bytes);
    at += bytes;
    return name;
}

std::size_t width_of(detail::value_type type) {
    switch (type) {
    case detail::value_type::null: return 0;
    case detail::value_type::boolean: return 1;
    case detail::value_type::text: return 2;
    default: return 8;
    }
}

// The offsets that detail::fixed_offset gives the compiler: width 8 first, then 2, then 1, each in
// written order.
void lay_out(shape& s) {
    std::uint16_t at = 0;
    for (const std::size_t width : {8u, 2u, 1u}) {
        for (auto& field : s.fields) {
            if (width_of(field.type) == width) {
                field.offset = at;
                at = static_cast<std::uint16_t>(at + width);
            }
        }
    }
    s.fixed_bytes = (at + 7) / 8 * 8;
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
    while (at != end) {
        const auto type = static_cast<detail::value_type>(*at++);
        const auto key = intern_key_locked(take_name(at));
        if (key == key_without_room) {
            return 0;
        }
        fresh.fields.push_back({.key = key, .type = type, .offset = 0});
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

} // namespace monarc
