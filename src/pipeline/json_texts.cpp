#include "pipeline/json_texts.hpp"

#include "core/fields.hpp"

#include <cstring>
#include <new>

namespace monarc::pipeline {

json_texts::kind json_texts::learn(std::uint32_t shape) noexcept {
    const bool has_json = shape == detail::json_shape ||
                          (shape >= detail::first_free_shape && shape_of_number(shape).has_json);
    const auto found = has_json ? kind::with_json : kind::plain;
    try {
        if (shape >= kinds_.size()) {
            kinds_.resize(shape + 1u);
        }
        kinds_[shape] = found;
    } catch (const std::bad_alloc&) { // asked again next time
    }
    return found;
}

void json_texts::release_memory() noexcept {
    reader_.release_memory();
    body_ = {};
    value_ = {};
}

json_texts::verdict json_texts::read(record_view& record) noexcept {
    const auto block = take_json(record);
    try {
        body_.clear();
        if (block != nullptr) {
            return read_record(record, *block) ? verdict::ready : verdict::bad;
        }
        read_values(record);
        return verdict::ready;
    } catch (const std::bad_alloc&) {
        return verdict::no_memory;
    }
}

bool json_texts::read_record(record_view& record, const json_block& block) {
    facts_ = block.facts;
    if (block.is_read) {
        body_ = block.text();
    } else if (!reader_.read_record(block.text(), body_, facts_)) {
        return false;
    }
    id_ = block.id();
    facts_.members = std::string_view(body_).substr(0, facts_.members_bytes);
    record.body = std::string_view(body_).substr(facts_.members_bytes);
    record.id = id_;
    record.id_hash = 0;
    record.json = &facts_;
    return true;
}

// In the place of each text its MessagePack, which is shorter than what a length can say; nothing
// where the text is no JSON.
void json_texts::read_values(record_view& record) {
    const auto& s = shape_of_number(record.shape);
    body_ = record.body.substr(0, s.fixed_bytes);
    std::size_t text_at = s.fixed_bytes;
    std::vector<std::size_t> ends; // of the objects and arrays that the field stands in
    for (std::size_t i = 0; i < s.fields.size(); ++i) {
        const auto& field = s.fields[i];
        while (!ends.empty() && i >= ends.back()) {
            ends.pop_back();
        }
        if (detail::has_members(field.type)) {
            ends.push_back(i + 1 + field.inside);
        }
        if (!detail::has_bytes(field.type)) {
            continue;
        }
        const std::size_t bytes = load_unaligned<std::uint16_t>(record.body.data() + field.offset);
        const auto text = record.body.substr(text_at, bytes);
        text_at += bytes;
        if (field.type != detail::value_type::json) {
            body_.append(text);
            continue;
        }
        value_.clear();
        bool is_repaired = false;
        if (reader_.read_value(text, 1 + ends.size(), value_, is_repaired)) {
            counts_.utf8_repaired += is_repaired ? 1 : 0;
        } else {
            ++counts_.bad_fields;
            value_.clear();
        }
        body_.append(value_.view());
        const auto length = static_cast<std::uint16_t>(value_.size());
        std::memcpy(body_.data() + field.offset, &length, sizeof length);
    }
    record.body = body_;
}

} // namespace monarc::pipeline
