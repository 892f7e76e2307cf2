#include "send/mona_target.hpp"

#include "core/fields.hpp"
#include "core/json_block.hpp"
#include "core/utf8.hpp"
#include "encode/json_reader.hpp"
#include "encode/json_writer.hpp"
#include "send/bad_line.hpp"
#include "send/row_text.hpp"
#include "send/text_of_input.hpp"
#include "sink/json_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>
#include <variant>

namespace monarc::send {
namespace {

// Beside the text: slot, envelope, and the class message of a context that is new.
constexpr std::size_t usual_cost_bytes = 512;
constexpr std::size_t value_bytes = 8;

// What a field takes in a record.
std::size_t record_bytes(const value& what) noexcept {
    const auto* const text = std::get_if<std::string_view>(&what);
    return most_self_described_head + (text != nullptr ? text->size() : value_bytes);
}

struct field_adder {
    record& to;
    const key& name;

    void operator()(missing) const {}
    void operator()(nested) const {} // goes as JSON
    template <class Value>
    void operator()(const Value& plain) const {
        to.add(name, plain);
    }
};

void put_value(std::string& out, const field_view& field) {
    switch (field.type) {
    case detail::value_type::boolean: out += field.word != 0 ? "true" : "false"; break;
    case detail::value_type::integer:
        out += fmt::format("{}", static_cast<std::int64_t>(field.word));
        break;
    case detail::value_type::natural: out += fmt::format("{}", field.word); break;
    case detail::value_type::real: encode::put_json_number(out, field.real()); break;
    case detail::value_type::text: sink::append_json_string(out, field.text); break;
    case detail::value_type::packed: sink::append_json(out, field.text); break;
    default: out += "null";
    }
}

// Read as the exporter reads it: what is taken out is gone, of two values the later one is there.
std::string message_of(std::string_view text) {
    std::string padded(text);
    padded.resize(text.size() + json_padding_bytes);
    encode::json_reader reader;
    std::string fields;
    json_facts facts;
    std::string out = "{";
    if (reader.read_record({padded.data(), text.size()}, fields, facts)) {
        visit_self_described(fields, [&](const field_view& field) {
            out += out.size() == 1 ? "" : ",";
            sink::append_json_string(
                out, field.key == key_without_room ? field.name : name_of(field.key).text);
            out += ':';
            put_value(out, field);
        });
    }
    return out + '}';
}

} // namespace

mona_target::mona_target(mona_columns columns)
    : columns_(std::move(columns)), class_(columns_.class_name) {}

std::string mona_target::take_id(const row& r) {
    if (!columns_.id) {
        made_id_ = columns_.id_prefix;
        made_id_ += fmt::format_int(r.first_line).c_str();
        id_ = made_id_;
        return {};
    }
    const auto& what = r.chosen[*columns_.id];
    if (is_absent(what)) {
        return not_there(columns_.id_name, "--id");
    }
    if (const auto* const text = std::get_if<std::string_view>(&what)) {
        id_ = *text;
    } else if (const auto* const integer = std::get_if<std::int64_t>(&what)) {
        made_id_ = fmt::format_int(*integer).c_str();
        id_ = made_id_;
    } else if (const auto* const natural = std::get_if<std::uint64_t>(&what)) {
        made_id_ = fmt::format_int(*natural).c_str();
        id_ = made_id_;
    } else {
        return fmt::format("the id must be a text or a whole number, got {}", send::shown(what));
    }
    if (id_.empty() || id_.size() > detail::max_id_bytes) {
        return fmt::format(
            "the id must have 1 to {} bytes, got {}", detail::max_id_bytes, id_.size());
    }
    return {};
}

std::string mona_target::prepare(const row& r) {
    if (auto wrong = take_id(r); !wrong.empty()) {
        return wrong;
    }
    when_.reset();
    if (columns_.time) {
        if (is_absent(r.chosen[*columns_.time])) {
            return not_there(columns_.time_name, "--time");
        }
        time_point when;
        if (auto wrong = read_time(r.chosen[*columns_.time], columns_.form, when); !wrong.empty()) {
            return "the time " + wrong;
        }
        when_ = when;
    }
    row_ = &r;
    is_record_ = r.is_flat && take_record(r);
    if (is_record_) {
        return {};
    }
    text_ = take_text(r);
    bytes_ = text_.size();
    return text_.size() > detail::max_json_bytes ? too_long(text_.size()) : std::string();
}

std::string_view mona_target::take_text(const row& r) {
    if (!r.json.empty()) {
        return r.json;
    }
    made_text_.clear();
    put_json(made_text_, r);
    return made_text_;
}

bool mona_target::take_record(const row& r) {
    constexpr std::size_t reserve = 64; // words are filled up
    bytes_ = 0;
    for (const auto& field : r.fields) {
        bytes_ += record_bytes(field.what);
    }
    if (bytes_ + id_.size() + reserve > detail::max_record_bytes) {
        return false;
    }
    record_.clear();
    for (std::size_t i = 0; i < r.fields.size(); ++i) {
        const auto* const name = keys_.find(r.fields[i].name, i);
        if (name == nullptr) {
            return false;
        }
        std::visit(field_adder{record_, *name}, r.fields[i].what);
    }
    return true;
}

template <class Push>
bool mona_target::push_to_run(Push push) {
    const auto run = class_(id_);
    return when_ ? push(run.at(*when_)) : push(run);
}

bool mona_target::push(exporter& to) {
    if (is_record_) {
        return push_to_run([&](const auto& run) { return to.push(run, record_); });
    }
    return push_to_run([&](const auto& run) { return to.push_json(run, text_); });
}

std::size_t mona_target::cost_bytes() const noexcept {
    return usual_cost_bytes + 2 * (bytes_ + id_.size()) + columns_.user_id.size() +
           columns_.class_name.size();
}

std::string mona_target::shown() {
    std::string out = "{\"class\":";
    sink::append_json_string(out, columns_.class_name);
    out += ",\"user_id\":";
    sink::append_json_string(out, columns_.user_id);
    out += ",\"context\":";
    sink::append_json_string(out, id_);
    if (when_) {
        const auto second = std::chrono::floor<std::chrono::seconds>(*when_);
        out += fmt::format(",\"export_timestamp\":{}", second.time_since_epoch().count());
    }
    return out + ",\"message\":" + message_of(take_text(*row_)) + '}';
}

} // namespace monarc::send
