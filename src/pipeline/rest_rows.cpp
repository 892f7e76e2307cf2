#include "pipeline/rest_rows.hpp"

#include "core/context_entry.hpp"
#include "core/record_class.hpp"
#include "core/utf8.hpp"
#include "encode/json_values.hpp"

namespace monarc::pipeline {
namespace {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
constexpr std::int64_t nanoseconds_per_millisecond = 1'000'000;
constexpr std::int64_t first_of_13_digits = 1'000'000'000'000;
constexpr std::string_view packed_null = "\xc0"; // MessagePack, of a json() value

// Nanoseconds may be before 1970.
std::int64_t whole(std::int64_t nanoseconds, std::int64_t unit) noexcept {
    return nanoseconds / unit - (nanoseconds % unit < 0 ? 1 : 0);
}

} // namespace

std::int64_t rest_time_of(std::int64_t nanoseconds) noexcept {
    const auto milliseconds = whole(nanoseconds, nanoseconds_per_millisecond);
    const bool is_whole = nanoseconds % nanoseconds_per_second == 0;
    return is_whole || milliseconds < first_of_13_digits
               ? whole(nanoseconds, nanoseconds_per_second)
               : milliseconds;
}

const rest_row& rest_rows::begin(const record_view& record) {
    row_.class_name = class_of(record);
    row_.time.reset();
    row_.what.reset();
    row_.members = {};
    row_.drops_nulls.reset();
    row_.may_repeat_keys = record.shape == detail::record_shape;
    if (record.when != detail::no_time) {
        row_.time = rest_time_of(record.when);
    }
    if (record.action() != 0) {
        row_.what = static_cast<action>(record.action());
    }
    if (record.json != nullptr) {
        row_.members = record.json->members;
        row_.drops_nulls = record.json->drops_nulls;
        if (record.json->has_times) {
            row_.time = record.json->seconds;
        }
    }
    if (record.context != nullptr) {
        row_.id = record.context->id;
        repaired_ += record.context->id_repaired ? 1 : 0;
    } else if (is_utf8(record.id)) {
        row_.id = record.id;
    } else {
        id_.clear();
        append_utf8(record.id, id_);
        ++repaired_;
        row_.id = id_;
    }
    return row_;
}

// The values lie one after the other in json_, which may move until all are there.
const rest_row& rest_rows::finish(const record_view& record) {
    row_.fields.clear();
    ends_.clear();
    json_.clear();
    encode::json_value_counts counts;
    const auto add_all = [&](const shape* s, std::string_view body) {
        return [&, s, body](const field_view& field) {
            auto& made = row_.fields.emplace_back();
            made.key = field.key;
            made.name = field.name;
            made.is_null = field.type == detail::value_type::null ||
                           (field.type == detail::value_type::packed && field.text == packed_null);
            made.is_not_finite = !encode::put_json_field(json_, s, body, field, counts);
            ends_.push_back(json_.size());
            repaired_ += field.key != key_without_room && name_of(field.key).repaired ? 1 : 0;
        };
    };
    if (record.shape == detail::record_shape) { // behind the shape that is only a class
        const auto body = record.body.substr(sizeof(std::uint32_t));
        visit_self_described(body, add_all(nullptr, body));
    } else if (record.shape == detail::json_shape) {
        visit_self_described(record.body, add_all(nullptr, record.body));
        repaired_ += record.json->is_repaired ? 1 : 0;
    } else {
        const auto& s = shape_of_number(record.shape);
        visit_shape(s, record.body, add_all(&s, record.body));
    }
    std::size_t begins = 0;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        row_.fields[i].value = std::string_view(json_).substr(begins, ends_[i] - begins);
        begins = ends_[i];
    }
    repaired_ += counts.utf8_repaired;
    not_finite_inside_ += counts.not_finite;
    return row_;
}

std::uint64_t rest_rows::field_count(const record_view& record) {
    std::uint64_t count = 0;
    const auto add = [&](const field_view&) { ++count; };
    if (record.shape == detail::record_shape) {
        visit_self_described(record.body.substr(sizeof(std::uint32_t)), add);
    } else if (record.shape == detail::json_shape) {
        count = record.json->fields;
    } else {
        count = shape_of_number(record.shape).keys.size();
    }
    return count;
}

} // namespace monarc::pipeline
