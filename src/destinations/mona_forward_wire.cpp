#include "destinations/mona_forward_wire.hpp"

#include "compress/inflate.hpp"
#include "core/fields.hpp"
#include "core/utf8.hpp"
#include "encode/forward_message.hpp"
#include "encode/msgpack_reader.hpp"
#include "encode/msgpack_writer.hpp"

#include <monarc/error.hpp>

#include <algorithm>
#include <cassert>
#include <new>

namespace monarc::destinations {
namespace {

using encode::msgpack_writer;

constexpr std::string_view tag = "mona.client.message"; // mona-client.md section 2
constexpr std::string_view class_key = "MONA_ARC_CLASS";
constexpr std::size_t smallest_worth_gzip =
    512; // forward.md section 10: below, gzip makes it larger

std::string encoded_text(std::string_view text) {
    byte_buffer out;
    msgpack_writer(out).text(text);
    return std::string(out.view());
}

std::string base64(const std::array<unsigned char, 16>& bytes) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
        const unsigned word =
            bytes[i] << 16 | (have > 1 ? bytes[i + 1] << 8 : 0) | (have > 2 ? bytes[i + 2] : 0);
        for (std::size_t k = 0; k < 4; ++k) {
            text += k <= have ? letters[word >> (18 - 6 * k) & 63] : '=';
        }
    }
    return text;
}

[[gnu::always_inline]] inline char* put_bytes(std::string_view bytes, char* at) {
    detail::copy_text(reinterpret_cast<unsigned char*>(at), bytes.data(), bytes.size());
    return at + bytes.size();
}

[[gnu::always_inline]] inline char* put_valid_text(std::string_view text, char* at) {
    return put_bytes(text, encode::put_text_head(at, text.size()));
}

// The bytes of many numbers, wherever they lie.
template <class Number, class Put>
char* put_numbers(std::string_view bytes, char* at, Put put) {
    at = encode::put_array(at, bytes.size() / sizeof(Number));
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(Number)) {
        at = put(at, load_unaligned<Number>(bytes.data() + i));
    }
    return at;
}

// forward.md section 9: a receiver may acknowledge what it threw away, so debug builds read again
// what they wrote.
[[maybe_unused]] bool reads_back(std::string_view entries, std::size_t count) {
    encode::msgpack_reader reader(entries);
    std::size_t found = 0;
    while (!reader.at_end() && reader.skip(encode::max_own_depth) == encode::read_status::ok) {
        ++found;
    }
    return reader.at_end() && found == count;
}

} // namespace

mona_forward_wire::mona_forward_wire(const mona_forward_options& options) : options_(options) {
    byte_buffer piece;
    msgpack_writer to(piece);
    if (options_.mode == forward_mode::message) {
        encode::put_event_head(to, tag, false);
    } else {
        to.array(2);
    }
    before_time_ = encoded_piece(piece.view());
    piece.clear();
    to.map(4);
    to.text("user_id");
    std::string user_id;
    append_utf8(options_.user_id, user_id);
    to.text(user_id);
    to.text("context");
    before_id_ = encoded_piece(piece.view());
    before_fields_ = encoded_piece(encoded_text("message"));
    before_seconds_ = encoded_piece(encoded_text("export_timestamp"));
    class_key_ = encoded_piece(encoded_text(class_key));
    entry_room_ = before_time_.room() + before_id_.room() + before_fields_.room() +
                  before_seconds_.room() + 2 * encoded_second::room + 2 * encode::most_head_bytes;
}

std::size_t mona_forward_wire::entry_bytes() const noexcept {
    // Time 9, head of the id 5, "message" and its map 13, "export_timestamp" 26.
    return before_time_.size() + before_id_.size() + 53;
}

const encoded_piece& mona_forward_wire::key_piece(key_number number) {
    if (number >= key_pieces_.size()) {
        key_pieces_.resize(number + 1u);
    }
    auto& piece = key_pieces_[number];
    if (piece.is_empty()) {
        piece = encoded_piece(encoded_text(name_of(number).text));
    }
    return piece;
}

mona_forward_wire::field_form mona_forward_wire::form_of(const shape_field& field) noexcept {
    if (field.type == detail::value_type::json) {
        return field_form::json;
    }
    if (field.is_optional) {
        return field_form::other;
    }
    switch (field.type) {
    case detail::value_type::real: return field_form::real;
    case detail::value_type::integer: return field_form::integer;
    case detail::value_type::natural: return field_form::natural;
    case detail::value_type::boolean: return field_form::boolean;
    case detail::value_type::text: return field_form::text;
    default: return field_form::other;
    }
}

const mona_forward_wire::known_shape& mona_forward_wire::learn(std::uint32_t number) {
    if (number >= shapes_.size()) {
        shapes_.resize(number + 1u);
    }
    if (shapes_[number].s == nullptr) {
        const auto& s = shape_of_number(number);
        known_shape fresh{.s = &s, .fields = {}};
        for (const auto& field : s.fields) {
            const auto key = field.key == key_without_room ? encoded_piece() : key_piece(field.key);
            fresh.fields.push_back(
                {.key = key,
                 .form = form_of(field),
                 .offset = field.offset,
                 .inside = field.inside});
        }
        shapes_[number] = std::move(fresh);
    }
    return shapes_[number];
}

// The room that was made does for texts of any content: each byte of a broken one becomes three
// at most.
[[gnu::always_inline]] inline char* mona_forward_wire::put_text(std::string_view text, char* at) {
    return put_valid_text(is_utf8(text) ? text : repaired(text), at);
}

[[gnu::cold, gnu::noinline]] std::string_view mona_forward_wire::repaired(std::string_view text) {
    repaired_.clear();
    append_utf8(text, repaired_);
    ++counts_.utf8_repaired;
    return repaired_;
}

[[gnu::always_inline]] inline char*
mona_forward_wire::put_value(const field_view& field, char* at) {
    switch (field.type) {
    case detail::value_type::null: return encode::put_nil(at);
    case detail::value_type::boolean: return encode::put_boolean(at, field.word != 0);
    case detail::value_type::integer:
        return encode::put_integer(at, static_cast<std::int64_t>(field.word));
    case detail::value_type::natural: return encode::put_natural(at, field.word);
    case detail::value_type::real: return encode::put_real(at, field.real());
    case detail::value_type::text: return put_text(field.text, at);
    case detail::value_type::reals: return put_numbers<double>(field.text, at, encode::put_real);
    case detail::value_type::floats: return put_numbers<float>(field.text, at, encode::put_real);
    case detail::value_type::integers:
        return put_numbers<std::int64_t>(field.text, at, encode::put_integer);
    case detail::value_type::packed: return put_bytes(field.text, at);
    case detail::value_type::json:   // read by now, hence packed
    case detail::value_type::object: // these two need their shape
    case detail::value_type::array: break;
    }
    assert(false);
    return encode::put_nil(at);
}

// What stands in an object or array, behind its head. A lost json() is left out of an object; what
// stands behind it in an array keeps its place.
char* mona_forward_wire::put_members(
    const known_shape& shape,
    std::size_t index,
    std::string_view body,
    std::size_t& text_at,
    char* at) {
    const auto& holder = shape.s->fields[index];
    const bool is_object = holder.type == detail::value_type::object;
    const auto lies_lost = [&](std::size_t i) {
        const auto& field = shape.s->fields[i];
        return field.type == detail::value_type::json &&
               load_unaligned<std::uint16_t>(body.data() + field.offset) == 0;
    };
    const auto end = index + 1 + holder.inside;
    std::size_t members = holder.members;
    if (is_object && shape.s->has_json) {
        for (auto i = index + 1; i < end; i += 1u + shape.fields[i].inside) {
            members -= lies_lost(i) ? 1 : 0;
        }
    }
    at = is_object ? encode::put_map(at, members) : encode::put_array(at, members);
    for (auto i = index + 1; i < end; i += 1u + shape.fields[i].inside) {
        if (is_object && lies_lost(i)) {
            continue;
        }
        at = put_field_value(shape, i, body, text_at, shape.fields[i].key.put(at));
    }
    return at;
}

// The value of any field of a shape; `text_at` goes on behind its texts.
char* mona_forward_wire::put_field_value(
    const known_shape& shape,
    std::size_t index,
    std::string_view body,
    std::size_t& text_at,
    char* at) {
    const auto& field = shape.s->fields[index];
    if (detail::has_members(field.type)) {
        return put_members(shape, index, body, text_at, at);
    }
    const auto view = view_of_value(field, body, text_at);
    return is_lost(field, view) ? encode::put_nil(at) : put_value(view, at);
}

char* mona_forward_wire::put_key(const field_view& field, char* at) {
    if (field.key != key_without_room) {
        return key_piece(field.key).put(at);
    }
    return put_valid_text(field.name, at);
}

char* mona_forward_wire::put_part(const batch& b, const batch_part& part, char* at) {
    const auto body = b.body_of(part);
    if (part.shape == detail::record_shape) {
        visit_self_described(
            body, [&](const field_view& field) { at = put_value(field, put_key(field, at)); });
        return at;
    }
    const auto& shape = known(part.shape);
    std::size_t text_at = shape.s->fixed_bytes;
    const auto* const begin = shape.fields.data();
    const auto* const end = begin + shape.fields.size();
    for (const auto* field = begin; field != end; ++field) {
        const char* const from = body.data() + field->offset;
        switch (field->form) {
        case field_form::real:
            at = encode::put_real(field->key.put(at), load_unaligned<double>(from));
            break;
        case field_form::integer:
            at = encode::put_integer(field->key.put(at), load_unaligned<std::int64_t>(from));
            break;
        case field_form::natural:
            at = encode::put_natural(field->key.put(at), load_unaligned<std::uint64_t>(from));
            break;
        case field_form::boolean: at = encode::put_boolean(field->key.put(at), *from != 0); break;
        case field_form::text: {
            const std::size_t bytes = load_unaligned<std::uint16_t>(from);
            at = put_text({body.data() + text_at, bytes}, field->key.put(at));
            text_at += bytes;
            break;
        }
        case field_form::json:
            if (load_unaligned<std::uint16_t>(from) == 0) {
                break; // it was none
            }
            [[fallthrough]];
        case field_form::other:
            const auto index = static_cast<std::size_t>(field - begin);
            at = put_field_value(shape, index, body, text_at, field->key.put(at));
            field += field->inside;
        }
    }
    return at;
}

// Mode overwrite: each key once, at the place of its first value, with its last value.
char* mona_forward_wire::put_last_values(const batch& b, const batch_entry& entry, char* to) {
    std::vector<last_value> fields;
    last_of_key_.resize(1u << 16);
    for (auto at = entry.first_part; at != no_part; at = b.parts[at].next) {
        const auto& part = b.parts[at];
        const auto take = [&](const field_view& field) {
            auto& place = last_of_key_[field.key];
            if (place == 0) {
                fields.push_back({.field = field, .part = &part});
                place = static_cast<std::uint32_t>(fields.size());
            } else {
                fields[place - 1] = {.field = field, .part = &part};
                ++counts_.overwritten_fields;
            }
        };
        if (part.shape == detail::record_shape) {
            visit_self_described(b.body_of(part), take);
        } else {
            visit_shape(*known(part.shape).s, b.body_of(part), take);
        }
    }
    to = encode::put_map(to, fields.size());
    for (const auto& [field, part] : fields) {
        last_of_key_[field.key] = 0;
        to = key_piece(field.key).put(to);
        if (detail::has_members(field.type)) {
            auto text_at = field.text_at;
            to = put_members(known(part->shape), field.index, b.body_of(*part), text_at, to);
        } else {
            to = put_value(field, to);
        }
    }
    return to;
}

// All the room at once. Pieces write beyond their end, but over one another: only the last one's
// padding counts.
void mona_forward_wire::encode_entry(const batch& b, const batch_entry& entry, byte_buffer& out) {
    const auto id = b.id_of(entry);
    const auto room =
        entry_room_ + id.size() + entry.most_bytes +
        (entry.is_class_message ? class_key_.room() + key_piece(entry.class_name).room() : 0);
    char* const begin = out.room_for(room);
    char* at = pushed_.put(entry.pushed, before_time_.put(begin));
    at = put_valid_text(id, before_id_.put(at));
    at = before_fields_.put(at);
    if (entry.is_class_message) {
        at = class_key_.put(encode::put_map(at, 1));
        at = key_piece(entry.class_name).put(at);
    } else if (entry.may_repeat_keys) {
        at = put_last_values(b, entry, at);
    } else {
        at = encode::put_map(at, entry.fields);
        for (auto part = entry.first_part; part != no_part; part = b.parts[part].next) {
            at = put_part(b, b.parts[part], at);
        }
    }
    at = seconds_.put(entry.seconds, before_seconds_.put(at));
    const auto written = static_cast<std::size_t>(at - begin);
    assert(written <= room);
    out.commit(written);
}

result<payload>
mona_forward_wire::encode(const batch& b, const std::array<unsigned char, 16>& random) {
    assert(!b.is_empty());
    try {
        entries_.clear();
        std::vector<std::uint32_t> entry_records(b.entries.size());
        auto records = entry_records.begin();
        std::size_t last_entry_at = 0;
        for (const auto& entry : b.entries) {
            last_entry_at = entries_.size();
            encode_entry(b, entry, entries_);
            *records++ = entry.records;
        }
        assert(reads_back(entries_.view(), entry_records.size()));
        return wrap(entries_.view(), last_entry_at, std::move(entry_records), random);
    } catch (const std::bad_alloc&) {
        std::fill(last_of_key_.begin(), last_of_key_.end(), 0); // in the middle of an event
        return std::make_error_code(std::errc::not_enough_memory);
    }
}

// Puts the message around encoded entries: head, entries (compressed), option.
result<payload> mona_forward_wire::wrap(
    std::string_view entries,
    std::size_t last_entry_at,
    std::vector<std::uint32_t> entry_records,
    const std::array<unsigned char, 16>& random) {
    payload made;
    made.plain_bytes = entries.size();
    for (const auto records : entry_records) {
        made.records += records;
        made.has_class_messages = made.has_class_messages || records == 0;
    }
    if (options_.ack) {
        made.id = base64(random);
    }
    byte_buffer piece;
    msgpack_writer to(piece);

    const bool is_message = options_.mode == forward_mode::message;
    if (options_.mode == forward_mode::packed && options_.gzip &&
        entries.size() >= smallest_worth_gzip) {
        packed_.clear();
        made.is_gzip = gzip_.append(entries, packed_).has_value();
        made.body = packed_; // as long as it is: a codec asks for room for the worst case
    }
    if (!made.is_gzip) {
        made.body = entries;
    }
    if (is_message) {
        if (options_.ack) {
            made.body[last_entry_at] =
                static_cast<char>(0x94); // the last message asks for all: they are in order
        }
    } else {
        const bool is_packed = options_.mode == forward_mode::packed;
        encode::put_message_head(
            to,
            is_packed ? encode::forward_layout::packed : encode::forward_layout::forward,
            tag,
            is_packed ? made.body.size() : entry_records.size(),
            true);
        made.head = piece.view();
        piece.clear();
    }
    std::vector<encode::forward_option> said;
    if (!is_message) {
        said.push_back({.name = "size", .value = std::uint64_t{entry_records.size()}});
    }
    if (made.is_gzip) {
        said.push_back({.name = "compressed", .value = std::string_view("gzip")});
    }
    if (options_.ack) {
        said.push_back({.name = "chunk", .value = std::string_view(made.id)});
    }
    if (!said.empty()) {
        encode::put_options(to, said);
        made.tail = piece.view();
    }
    made.entry_records = std::move(entry_records);
    return made;
}

result<std::array<payload, 2>> mona_forward_wire::split(
    const payload& whole, const std::array<std::array<unsigned char, 16>, 2>& random) {
    std::string entries;
    if (whole.is_gzip) {
        auto inflated = compress::inflate(whole.body, {.max_ratio = 2000});
        if (!inflated) {
            return inflated.error();
        }
        entries = std::move(*inflated);
    } else {
        entries = whole.body;
    }
    std::vector<std::size_t> begins;
    encode::msgpack_reader reader(entries);
    while (!reader.at_end()) {
        begins.push_back(reader.position());
        const bool has_option = entries[reader.position()] == static_cast<char>(0x94);
        if (options_.mode == forward_mode::message && has_option) {
            entries[reader.position()] = static_cast<char>(0x93);
        }
        if (reader.skip(encode::max_own_depth) != encode::read_status::ok) {
            return errc::bad_data;
        }
    }
    if (begins.size() != whole.entry_records.size()) {
        return errc::bad_data;
    }
    // The middle, moved on to behind an entry that has a count.
    auto cut = begins.size() / 2;
    while (cut < begins.size() && (cut == 0 || whole.entry_records[cut - 1] == 0)) {
        ++cut;
    }
    if (cut == begins.size()) {
        cut = begins.size() / 2;
        while (cut > 0 && whole.entry_records[cut - 1] == 0) {
            --cut;
        }
    }
    if (cut == 0 || cut >= begins.size()) {
        return errc::too_large;
    }
    const auto& counts = whole.entry_records;
    const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(cut);
    const std::string_view all = entries;
    auto first =
        wrap(all.substr(0, begins[cut]), begins[cut - 1], {counts.begin(), middle}, random[0]);
    auto second = wrap(
        all.substr(begins[cut]), begins.back() - begins[cut], {middle, counts.end()}, random[1]);
    if (!first || !second) {
        return std::make_error_code(std::errc::not_enough_memory);
    }
    return std::array<payload, 2>{std::move(*first), std::move(*second)};
}

namespace {

// Who else listens there and answers so. As MessagePack these bytes would be whole numbers.
std::string_view protocol_of(std::string_view bytes) {
    if (bytes.starts_with("HTTP/")) {
        return "HTTP: that is no acknowledgement but a web server; mona.host and mona.port must be "
               "those of a forward receiver";
    }
    if (bytes.starts_with("\x15\x03")) {
        return "a TLS alert, which is no acknowledgement: the receiver wants TLS; set mona.use_tls";
    }
    return {};
}

} // namespace

result<std::string_view> ack_reader::next() {
    pending_.erase(0, std::exchange(at_, 0));
    if (pending_.empty()) {
        return std::string_view();
    }
    encode::msgpack_reader reader(pending_);
    const auto fail = [&](std::string what) -> result<std::string_view> {
        what_ = std::move(what);
        return errc::bad_data;
    };
    if (const auto other = protocol_of(pending_); !other.empty()) {
        return fail(std::string(other));
    }
    constexpr std::size_t largest_ack = 64 * 1024; // D-13.1
    std::string_view raw;
    switch (reader.skip(raw)) {
    case encode::read_status::more:
        return pending_.size() <= largest_ack ? result<std::string_view>(std::string_view())
                                              : fail("an answer of more than 64 KiB");
    case encode::read_status::ok: break;
    default: return fail("bytes that are not MessagePack");
    }
    at_ = reader.position();
    encode::msgpack_reader object(raw);
    std::uint32_t pairs = 0;
    if (object.read_map(pairs) != encode::read_status::ok) {
        std::uint32_t count = 0;
        std::string_view name;
        if (object.read_array(count) == encode::read_status::ok &&
            object.read_text(name) == encode::read_status::ok && name == "HELO") {
            return fail("HELO: the receiver wants a shared key; set mona.shared_key to its own");
        }
        return fail("an object that is no acknowledgement");
    }
    for (std::uint32_t i = 0; i < pairs; ++i) {
        std::string_view name;
        std::string_view value;
        if (object.read_bytes(name) != encode::read_status::ok) {
            object.skip(); // a key that is no text
        }
        if (name == "ack" && object.read_bytes(value) == encode::read_status::ok) {
            return value.empty() ? fail("an acknowledgement without an id")
                                 : result<std::string_view>(value);
        }
        object.skip();
    }
    return fail("a map without ack");
}

} // namespace monarc::destinations
