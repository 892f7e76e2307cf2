#include "core/json_block.hpp"

#include "core/fields.hpp"

#include <cstring>
#include <new>

namespace monarc {

json_owner json_block::make(
    std::atomic<std::size_t>& held, std::string_view text, std::string_view id) noexcept {
    const auto bytes = bytes_for(text.size(), id.size());
    void* const memory = ::operator new(bytes, std::nothrow);
    if (memory == nullptr) {
        return nullptr;
    }
    auto* const block = new (memory) json_block(held);
    block->text_bytes_ = static_cast<std::uint32_t>(text.size());
    block->id_bytes_ = static_cast<std::uint32_t>(id.size());
    auto* at = reinterpret_cast<char*>(block + 1);
    const auto put = [&](std::string_view part) {
        if (!part.empty()) {
            std::memcpy(at, part.data(), part.size());
            at += part.size();
        }
    };
    put(text);
    std::memset(at, 0, json_padding_bytes);
    at += json_padding_bytes;
    put(id);
    held.fetch_add(bytes, std::memory_order_relaxed);
    return json_owner(block);
}

void json_block::release::operator()(json_block* block) const noexcept {
    const auto bytes = bytes_for(block->text_bytes_, block->id_bytes_);
    block->held_->fetch_sub(bytes, std::memory_order_relaxed);
    ::operator delete(block);
}

json_owner take_json(const record_view& record) noexcept {
    return record.shape == detail::json_shape
               ? json_owner(load_unaligned<json_block*>(record.body.data()))
               : nullptr;
}

} // namespace monarc
