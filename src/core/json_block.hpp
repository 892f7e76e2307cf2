#pragma once

// What is too long for slots, on the heap while its slot crosses the queue: the text of a
// push_json, or the fields that were read from one already. Whoever takes the record out of the
// queue owns it: the slot says where it is and nothing else.

#include "core/record_view.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace monarc {

// What a parser may read behind a text.
inline constexpr std::size_t json_padding_bytes = 64;

class json_block {
public:
    struct release {
        void operator()(json_block* block) const noexcept;
    };

    // `held` counts the bytes of all blocks of a queue, and outlives them. Null: no memory.
    static std::unique_ptr<json_block, release>
    make(std::atomic<std::size_t>& held, std::string_view text, std::string_view id) noexcept;

    static constexpr std::size_t bytes_for(std::size_t text_bytes, std::size_t id_bytes) noexcept {
        return sizeof(json_block) + text_bytes + json_padding_bytes + id_bytes;
    }

    json_facts facts;     // of a text that nobody has read only class_shape
    bool is_read = false; // text() is fields in the self-described form

    // json_padding_bytes behind it are there, and zero.
    std::string_view text() const noexcept { return {content(), text_bytes_}; }
    std::string_view id() const noexcept {
        return {content() + text_bytes_ + json_padding_bytes, id_bytes_};
    }

private:
    explicit json_block(std::atomic<std::size_t>& held) noexcept : held_(&held) {}
    const char* content() const noexcept { return reinterpret_cast<const char*>(this + 1); }

    std::atomic<std::size_t>* held_;
    std::uint32_t text_bytes_ = 0;
    std::uint32_t id_bytes_ = 0;
};

using json_owner = std::unique_ptr<json_block, json_block::release>;

// Of a record of any shape; empty unless it brings a text. Only once for each.
json_owner take_json(const record_view& record) noexcept;

} // namespace monarc
