#pragma once

#include <monarc/field.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace monarc::send {

// The keys of names that data brings. Their number is bounded: names are never forgotten again.
class key_cache {
public:
    // Null: too long, or one too many. `place` is where in its row the name stands; mostly the one
    // that stood there before.
    const key* find(std::string_view name, std::size_t place);

private:
    static constexpr std::size_t max_keys = 4096;

    struct known {
        std::string_view name; // of keys_
        const key* number = nullptr;
    };
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };

    const key* look_up(std::string_view name, known& seen);

    std::unordered_map<std::string, key, text_hash, std::equal_to<>> keys_;
    std::vector<known> by_place_;
};

} // namespace monarc::send
