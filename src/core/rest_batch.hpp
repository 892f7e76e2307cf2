#pragma once

// Messages for Mona's REST interface, sealed and ready to encode (mona-rest.md section 5).

#include "core/names.hpp"

#include <monarc/options.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace monarc {

// A top-level member of a message; its value is JSON.
struct rest_field {
    key_number key = key_without_room; // then `name` says it
    std::string_view name{};
    std::string_view value{};
    bool is_null = false;
    bool is_not_finite = false; // what JSON cannot say; `value` is empty
};

// A record before it is merged. Its texts are somebody else's.
struct rest_row {
    key_number class_name = key_without_room;
    std::string_view id{};              // empty: a row of its own
    std::optional<std::int64_t> time{}; // as it is sent: seconds, or milliseconds
    std::optional<action> what{};
    std::string_view members{}; // JSON in the place of the four above; such a row stands alone
    bool may_repeat_keys = false;
    std::optional<bool> drops_nulls{}; // in the place of the option
    std::vector<rest_field> fields{};
};

struct rest_entry {
    struct field {
        key_number key = key_without_room;
        std::string name{}; // of a key without a number
        std::string value{};
    };

    key_number class_name = key_without_room;
    std::string id{};
    std::optional<std::int64_t> time{};
    std::optional<action> what{};
    std::string members{};
    std::uint64_t key_bits = 0; // one bit per key, by its number modulo 64
    std::uint32_t records = 0;  // pushes that it stands for
    std::vector<field> fields{};
};

struct rest_batch {
    std::vector<rest_entry> entries;
    std::uint64_t records = 0;

    bool is_empty() const noexcept { return entries.empty(); }
};

} // namespace monarc
