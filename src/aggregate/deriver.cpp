#include "aggregate/deriver.hpp"

#include "core/fields.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <utility>

namespace monarc::aggregate {

std::string derived_name(const derived_series& rule, const std::string& field) {
    std::string name = rule.to.prefix;
    name += name.empty() ? "" : ".";
    name += rule.from.class_name;
    name += '.';
    name += field;
    return name;
}

void add_dimensions(monasca_rules::text_pairs& to, const monasca_rules::text_pairs& added) {
    for (const auto& one : added) {
        const bool is_there = std::any_of(
            to.begin(), to.end(), [&](const auto& own) { return own.first == one.first; });
        if (!is_there) {
            to.push_back(one);
        }
    }
    std::sort(to.begin(), to.end());
}

deriver::deriver(const std::vector<derived_series>& rules, monasca_rules::text_pairs added)
    : added_(std::move(added)) {
    for (const auto& one : rules) {
        rule made{
            .class_name = intern_key(one.from.class_name),
            .fields = {},
            .dimensions = {},
            .names = {},
            .dimension_keys = one.from.dimensions,
            .kind = one.to.kind,
            .known = {},
            .look_at = 64};
        for (const auto& field : one.from.fields) {
            made.fields.push_back(intern_key(field));
            made.names.push_back(derived_name(one, field));
        }
        for (const auto& dimension : one.from.dimensions) {
            made.dimensions.push_back(intern_key(dimension));
        }
        rules_.push_back(std::move(made));
    }
}

bool deriver::wants(key_number class_name) const noexcept {
    return std::any_of(rules_.begin(), rules_.end(), [&](const rule& one) {
        return one.class_name == class_name;
    });
}

const std::vector<deriver::derived>&
deriver::derive(key_number class_name, const record_view& record) {
    derived_.clear();
    for (auto& one : rules_) {
        derived made;
        made.values.counts = derived_.empty();
        if (one.class_name == class_name && apply(one, record, made)) {
            derived_.push_back(std::move(made));
        }
    }
    return derived_;
}

bool deriver::apply(rule& of, const record_view& record, derived& out) {
    dimension_values_.assign(of.dimensions.size(), {});
    const auto index_in = [](const std::vector<key_number>& keys, key_number key) {
        return static_cast<std::size_t>(std::find(keys.begin(), keys.end(), key) - keys.begin());
    };
    const auto take = [&](const field_view& field) {
        if (field.type == detail::value_type::text) {
            const auto at = index_in(of.dimensions, field.key);
            if (at != of.dimensions.size()) {
                dimension_values_[at].clear();
                repaired_ += append_utf8(field.text, dimension_values_[at]) ? 1 : 0;
            }
            return;
        }
        const auto at = index_in(of.fields, field.key);
        if (at == of.fields.size()) {
            return;
        }
        double value = 0.0;
        switch (field.type) {
        case detail::value_type::boolean: value = field.word != 0 ? 1.0 : 0.0; break;
        case detail::value_type::integer:
            value = static_cast<double>(static_cast<std::int64_t>(field.word));
            break;
        case detail::value_type::natural: value = static_cast<double>(field.word); break;
        case detail::value_type::real: value = field.real(); break;
        default: return;
        }
        const auto name = static_cast<std::uint32_t>(at);
        auto& values = out.values.values;
        const auto same = std::find_if(values.begin(), values.end(), [&](const auto& one) {
            return one.name == name; // a record may hold a key twice: the later value counts
        });
        if (same != values.end()) {
            same->value = value;
        } else {
            values.push_back({.name = name, .value = value});
        }
    };
    if (record.shape == detail::record_shape) {
        visit_self_described(record.body.substr(sizeof(std::uint32_t)), take);
    } else if (record.shape == detail::json_shape) {
        visit_self_described(record.body, take);
    } else {
        visit_shape(shape_of_number(record.shape), record.body, take);
    }
    if (out.values.values.empty()) {
        return false;
    }
    std::string together;
    for (auto& value : dimension_values_) {
        repaired_ += monasca_rules::repair_dimension_value(value);
        // Series that differ only in what is left out are the same.
        if (!value.empty() && !monasca_rules::why_not_dimension_value(value).empty()) {
            value.clear();
            ++left_out_;
        }
        together += value;
        together += '\0';
    }
    const auto known = of.known.find(together);
    if (known != of.known.end()) {
        out.to = known->second.lock();
    }
    if (out.to == nullptr) {
        if (of.known.size() >= of.look_at) { // dimensions that are ids: most are over already
            forget_unused(of);
        }
        out.to = define(of, together.size());
        of.known.insert_or_assign(std::move(together), out.to);
    }
    return true;
}

// About what a definition takes until nothing is collected for it: with what encoding keeps of it,
// and its place among the known ones, which are cleared when they are twice what is in use.
std::size_t deriver::bytes_of(const series_definition& one, std::size_t key_bytes) {
    constexpr std::size_t block = 16; // of the heap, beside what was asked for
    constexpr std::size_t of_a_head = 64;
    std::size_t dimension_bytes = 0;
    for (const auto& [key, value] : one.dimensions) {
        dimension_bytes += key.size() + value.size() + 2 * block;
    }
    std::size_t bytes =
        sizeof one + 2 * block + one.dimensions.size() * 2 * sizeof(std::string) + dimension_bytes;
    for (const auto& name : one.names) {
        bytes += sizeof name + name.size() + block;
        bytes += statistic_count(one) *
                 (sizeof name + block + of_a_head + name.size() + dimension_bytes);
    }
    constexpr std::size_t places = 4; // two for each in use, in a table that may be half empty
    return bytes + places * (sizeof(std::string) + 2 * sizeof(void*)) + 2 * (key_bytes + 2 * block);
}

// In two blocks: who is only known must not hold the memory of what is gone.
std::shared_ptr<series_definition> deriver::define(const rule& of, std::size_t key_bytes) const {
    std::shared_ptr<series_definition> made(std::make_unique<series_definition>());
    made->names = of.names;
    made->kind = of.kind;
    for (std::size_t i = 0; i < of.dimension_keys.size(); ++i) {
        if (!dimension_values_[i].empty()) {
            made->dimensions.emplace_back(of.dimension_keys[i], dimension_values_[i]);
        }
    }
    // Together they may be too much for the store.
    auto all = made->dimensions;
    add_dimensions(all, added_);
    while (!made->dimensions.empty() && !monasca_rules::why_not_dimensions(all).empty()) {
        made->dimensions.pop_back();
        all = made->dimensions;
        add_dimensions(all, added_);
    }
    made->dimensions = std::move(all);
    made->own_bytes = bytes_of(*made, key_bytes);
    return made;
}

void deriver::forget_unused(rule& of) {
    boost::unordered::erase_if(of.known, [](const auto& known) { return known.second.expired(); });
    of.look_at = std::max<std::size_t>(64, 2 * of.known.size());
    if (of.known.bucket_count() > 8 * of.look_at) { // left by a burst
        of.known.rehash(0);
    }
}

void deriver::forget_unused() {
    derived_.clear();
    for (auto& one : rules_) {
        forget_unused(one);
    }
}

} // namespace monarc::aggregate
