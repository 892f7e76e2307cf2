#pragma once

// Records as they come off the queue, made by the inline half of a push or from run-time keys.

#include "core/fields.hpp"
#include "core/record_view.hpp"

#include <monarc/field.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

namespace support {

inline constexpr std::int64_t second = 1'000'000'000; // in nanoseconds

struct made_record {
    std::uint32_t shape = 0;
    std::string body;
    std::string id;
    std::int64_t when = monarc::detail::no_time;
    std::uint64_t stamp = 1;
    monarc::detail::context_entry* context = nullptr;
    std::uint32_t class_and_action = 0;

    monarc::record_view view() const {
        return {
            .shape = shape,
            .stamp = stamp,
            .when = when,
            .context = context,
            .class_and_action = class_and_action,
            .body = body,
            .id = id};
    }
    // As it lies in the queue.
    std::string bytes() const {
        const std::uint64_t words[] = {
            monarc::detail::head_of(shape, 0, body.size(), id.size()),
            reinterpret_cast<std::uint64_t>(context),
            stamp,
            static_cast<std::uint64_t>(when)};
        return std::string(reinterpret_cast<const char*>(words), sizeof words) + body + id;
    }
    made_record at(std::int64_t nanoseconds) const {
        auto copy = *this;
        copy.when = nanoseconds;
        return copy;
    }
    made_record stamped(std::uint64_t ticks) const {
        auto copy = *this;
        copy.stamp = ticks;
        return copy;
    }
};

template <class... Fields>
std::string body_of(const Fields&... fields) {
    namespace detail = monarc::detail;
    std::string body(detail::fixed_total<Fields...>, '\0');
    detail::lay_fixed(reinterpret_cast<unsigned char*>(body.data()), fields...);
    [[maybe_unused]] const auto add = [&](const auto& field) {
        if constexpr (detail::has_bytes(std::remove_cvref_t<decltype(field)>::type)) {
            body.append(field.value);
        }
    };
    (add(fields), ...);
    return body;
}

// The same of fields that may be several pieces each.
template <class... Fields>
std::string body_of_fields(const Fields&... fields) {
    return std::apply(
        [](const auto&... pieces) { return body_of(pieces...); },
        std::tuple_cat(monarc::detail::pieces_of(fields)...));
}

// What `push(class(id), fields…)` hands over.
template <class Target, class... Fields>
made_record made(const Target& to, const Fields&... fields) {
    made_record record;
    record.shape = monarc::detail::shape_of<Target::class_name, Fields...>::load();
    record.body = body_of_fields(fields...);
    record.id = to.text();
    record.when = to.when;
    if constexpr (monarc::detail::has_class_number<Target>) {
        record.class_and_action = to.class_number;
    }
    return record;
}

// What `handle.push(fields…)` hands over.
template <class... Fields>
made_record made_for(monarc::detail::context_entry& to, const Fields&... fields) {
    made_record record;
    record.shape = monarc::detail::shape_of<"", Fields...>::load();
    record.body = body_of_fields(fields...);
    record.context = &to;
    return record;
}

// A record with run-time keys, as monarc::record lays it.
template <monarc::detail::fixed_text Class>
class run_time_record {
public:
    explicit run_time_record(std::string_view id) {
        made_.shape = monarc::detail::record_shape;
        made_.id = id;
        const std::uint32_t class_shape = monarc::detail::shape_of<Class>::load();
        made_.body.assign(reinterpret_cast<const char*>(&class_shape), sizeof class_shape);
    }

    template <class T>
    run_time_record& add(std::string_view key, const T& value) {
        namespace detail = monarc::detail;
        using plain = std::decay_t<const T>;
        constexpr auto type = detail::type_of<plain>();
        const auto kept = detail::stored<plain>(value);
        const auto number = monarc::intern_key(key);
        if constexpr (type == detail::value_type::text) {
            monarc::append_self_described(made_.body, number, type, kept.data(), kept.size());
        } else if constexpr (type == detail::value_type::null) {
            monarc::append_self_described(made_.body, number, type, nullptr, 0);
        } else {
            monarc::append_self_described(made_.body, number, type, &kept, sizeof kept);
        }
        return *this;
    }

    operator made_record() const { return made_; }

private:
    made_record made_;
};

// The same fields with run-time keys.
template <monarc::detail::fixed_text Class>
made_record with_run_time_keys(const made_record& typed) {
    namespace detail = monarc::detail;
    made_record record = run_time_record<Class>(typed.id);
    monarc::visit_shape(
        monarc::shape_of_number(typed.shape), typed.body, [&](const monarc::field_view& field) {
            const bool is_text = field.type == detail::value_type::text;
            const std::size_t bytes = is_text ? field.text.size()
                                      : field.type == detail::value_type::boolean ? 1
                                      : field.type == detail::value_type::null    ? 0
                                                                                  : 8;
            const void* const value =
                is_text ? static_cast<const void*>(field.text.data()) : &field.word;
            monarc::append_self_described(record.body, field.key, field.type, value, bytes);
        });
    record.when = typed.when;
    record.stamp = typed.stamp;
    return record;
}

} // namespace support
