#include "encode/json_values.hpp"

#include "core/utf8.hpp"
#include "encode/json_writer.hpp"
#include "encode/msgpack_reader.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace monarc::encode {
namespace {

void put_text(std::string& out, std::string_view text, json_value_counts& counts) {
    if (is_utf8(text)) {
        put_json_text(out, text);
        return;
    }
    std::string repaired;
    append_utf8(text, repaired);
    ++counts.utf8_repaired;
    put_json_text(out, repaired);
}

bool put_number(std::string& out, double value) {
    if (!std::isfinite(value)) {
        return false;
    }
    put_json_real(out, value);
    return true;
}
template <class Integer>
bool put_integer(std::string& out, Integer value) {
    fmt::format_to(std::back_inserter(out), "{}", value);
    return true;
}

template <class Number>
bool put_numbers(std::string& out, std::string_view bytes) {
    out += '[';
    bool is_finite = true;
    for (std::size_t at = 0; at < bytes.size() && is_finite; at += sizeof(Number)) {
        out += at == 0 ? "" : ",";
        const auto number = load_unaligned<Number>(bytes.data() + at);
        if constexpr (std::is_floating_point_v<Number>) {
            is_finite = put_number(out, number);
        } else {
            put_integer(out, number);
        }
    }
    out += ']';
    return is_finite;
}

// What an object or array holds, one after the other. `put_key` writes nothing in an array.
class members {
public:
    members(std::string& out, bool is_object, json_value_counts& counts)
        : out_(out), is_object_(is_object), counts_(counts) {
        out_ += is_object ? '{' : '[';
        first_ = out_.size();
    }
    template <class PutKey, class PutValue>
    void add(PutKey put_key, PutValue put_value) {
        const auto before = out_.size();
        out_ += before == first_ ? "" : ",";
        put_key();
        if (put_value()) {
            return;
        }
        if (is_object_) {
            ++counts_.not_finite;
            out_.resize(before);
        } else {
            is_finite_ = false;
        }
    }
    bool end() {
        out_ += is_object_ ? '}' : ']';
        return is_finite_;
    }

private:
    std::string& out_;
    bool is_object_;
    json_value_counts& counts_;
    std::size_t first_ = 0;
    bool is_finite_ = true;
};

// MessagePack of our own: whole, and nested no deeper than its reader lets it.
bool put_packed(std::string& out, msgpack_reader& from, json_value_counts& counts) {
    msgpack_token token;
    from.next(token);
    switch (token.kind) {
    case msgpack_kind::nil: out += "null"; return true;
    case msgpack_kind::boolean: out += token.boolean ? "true" : "false"; return true;
    case msgpack_kind::unsigned_integer: return put_integer(out, token.unsigned_value);
    case msgpack_kind::negative_integer: return put_integer(out, token.negative_value);
    case msgpack_kind::float_number: return put_number(out, token.number);
    case msgpack_kind::text: put_text(out, token.bytes, counts); return true;
    case msgpack_kind::extension: out += token.bytes; return true; // digits_extension
    case msgpack_kind::binary: out += "null"; return true;         // never of ours
    case msgpack_kind::array:
    case msgpack_kind::map: break;
    }
    const bool is_object = token.kind == msgpack_kind::map;
    members all(out, is_object, counts);
    for (std::uint32_t i = 0; i < token.count; ++i) {
        const auto put_key = [&] {
            std::string_view key;
            if (is_object && from.read_text(key) == read_status::ok) {
                put_text(out, key, counts);
                out += ':';
            }
        };
        all.add(put_key, [&] { return put_packed(out, from, counts); });
    }
    return all.end();
}

bool put_plain(std::string& out, const field_view& field, json_value_counts& counts) {
    switch (field.type) {
    case detail::value_type::boolean: out += field.word != 0 ? "true" : "false"; return true;
    case detail::value_type::integer:
        return put_integer(out, static_cast<std::int64_t>(field.word));
    case detail::value_type::natural: return put_integer(out, field.word);
    case detail::value_type::real: return put_number(out, field.real());
    case detail::value_type::text: put_text(out, field.text, counts); return true;
    case detail::value_type::reals: return put_numbers<double>(out, field.text);
    case detail::value_type::floats: return put_numbers<float>(out, field.text);
    case detail::value_type::integers: return put_numbers<std::int64_t>(out, field.text);
    case detail::value_type::packed: {
        msgpack_reader from(field.text);
        return put_packed(out, from, counts);
    }
    default: out += "null"; return true;
    }
}

// Any field of a shape; `text_at` goes on behind its texts, whatever comes of it.
bool put_of_shape(
    std::string& out,
    const shape& s,
    std::size_t index,
    std::string_view body,
    std::size_t& text_at,
    json_value_counts& counts) {
    const auto& field = s.fields[index];
    if (!detail::has_members(field.type)) {
        const auto view = view_of_value(field, body, text_at);
        if (is_lost(field, view)) {
            out += "null"; // in an array: what stands behind it keeps its place
            return true;
        }
        return put_plain(out, view, counts);
    }
    const bool is_object = field.type == detail::value_type::object;
    members all(out, is_object, counts);
    const auto end = index + 1 + field.inside;
    for (auto i = index + 1; i < end; i += 1u + s.fields[i].inside) {
        const auto& one = s.fields[i];
        const bool lies_lost = one.type == detail::value_type::json &&
                               load_unaligned<std::uint16_t>(body.data() + one.offset) == 0;
        if (is_object && lies_lost) {
            continue;
        }
        const auto put_key = [&] {
            if (is_object) {
                put_json_text(out, name_of(one.key).text);
                out += ':';
            }
        };
        all.add(put_key, [&] { return put_of_shape(out, s, i, body, text_at, counts); });
    }
    return all.end();
}

} // namespace

bool put_json_field(
    std::string& out,
    const shape* s,
    std::string_view body,
    const field_view& field,
    json_value_counts& counts) {
    const auto before = out.size();
    auto text_at = field.text_at;
    const bool has_members = s != nullptr && detail::has_members(field.type);
    const bool is_finite = has_members ? put_of_shape(out, *s, field.index, body, text_at, counts)
                                       : put_plain(out, field, counts);
    if (!is_finite) {
        out.resize(before);
    }
    return is_finite;
}

} // namespace monarc::encode
