// The run-time half of field.hpp: records whose keys are known only at run time.

#include "core/fields.hpp"

#include <monarc/field.hpp>

#include <array>

namespace monarc {

void record::append(
    std::uint16_t name, detail::value_type type, const void* value, std::size_t bytes) {
    if (name == key_without_room) {
        nameless_ = true;
    } else if (
        name == key_too_long ||
        body_.size() + bytes + most_self_described_head > detail::max_record_bytes) {
        too_large_ = true;
    } else {
        append_self_described(body_, name, type, value, bytes);
    }
}

void record::clear() noexcept {
    body_.clear();
    too_large_ = false;
    nameless_ = false;
}

bool record::push(const detail::destination_of_push& to, std::uint32_t class_shape) const noexcept {
    if (nameless_ || (class_shape == 0 && to.context == nullptr)) {
        return detail::refuse(to, reason::too_many_names);
    }
    if (too_large_) {
        return detail::refuse(to, reason::oversize);
    }
    const std::array<std::string_view, 2> parts{
        std::string_view(reinterpret_cast<const char*>(&class_shape), sizeof class_shape),
        std::string_view(body_.data(), body_.size())};
    return detail::push_parts(to, detail::record_shape, parts.data(), parts.size());
}

} // namespace monarc
