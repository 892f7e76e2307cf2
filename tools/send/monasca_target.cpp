#include "send/monasca_target.hpp"

#include "core/monasca_rules.hpp"
#include "core/utf8.hpp"
#include "encode/json_writer.hpp"
#include "send/bad_line.hpp"
#include "send/cell_value.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <variant>

namespace monarc::send {
namespace {

constexpr std::size_t max_series = 10'000; // handles that are kept
constexpr std::size_t usual_cost_bytes = 512;

// As it is sent: a text as it stands, anything else as shown.
std::string text_of(const value& what) {
    const auto* const text = std::get_if<std::string_view>(&what);
    return text != nullptr ? std::string(*text) : send::shown(what);
}

} // namespace

monasca_target::monasca_target(monasca_columns columns, std::function<time_point()> now)
    : columns_(std::move(columns)), now_(std::move(now)) {}

std::string monasca_target::take_name(const row& r) {
    if (!columns_.metric_column) {
        name_ = columns_.metric;
        return {};
    }
    const auto& what = r.chosen[*columns_.metric_column];
    if (is_absent(what)) {
        return not_there(columns_.metric_name, "--metric-column");
    }
    const auto* const text = std::get_if<std::string_view>(&what);
    if (text == nullptr) {
        return fmt::format("the metric's name must be a text, got {}", send::shown(what));
    }
    name_ = *text;
    return {};
}

std::string monasca_target::take_value(const row& r) {
    const auto& what = r.chosen[columns_.value];
    if (is_absent(what)) {
        return not_there(columns_.value_name, "--value");
    }
    const auto number = number_of(what);
    if (!number) {
        return fmt::format("the value must be a number, got {}", send::shown(what));
    }
    value_ = *number;
    return {};
}

std::string monasca_target::take_time(const row& r) {
    when_.reset();
    if (!columns_.time) {
        return {};
    }
    const auto& what = r.chosen[*columns_.time];
    if (is_absent(what)) {
        return not_there(columns_.time_name, "--time");
    }
    time_point when;
    if (auto wrong = read_time(what, columns_.form, when); !wrong.empty()) {
        return "the time " + wrong;
    }
    const auto milliseconds = [](time_point t) {
        return std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count();
    };
    if (!monasca_rules::is_good_time(milliseconds(when), milliseconds(now_()))) {
        return fmt::format(
            "the time {} is more than 13 days old or a minute ahead, which Monasca refuses",
            send::shown(what));
    }
    when_ = when;
    return {};
}

std::string monasca_target::take_dimensions(const row& r) {
    dimensions_.clear();
    for (const auto& [name, place] : columns_.dimensions) {
        const auto& what = r.chosen[place];
        if (is_absent(what)) {
            continue;
        }
        if (std::holds_alternative<nested>(what)) {
            return fmt::format("the dimension {} is {}", name, send::shown(what));
        }
        std::string text;
        append_utf8(text_of(what), text);
        repaired_ += monasca_rules::repair_dimension_value(text);
        if (!text.empty()) {
            dimensions_[name] = std::move(text);
        }
    }
    return {};
}

// What the exporter would refuse of the series, once for each.
std::string monasca_target::check() {
    if (auto wrong = monasca_rules::why_not_name(name_); !wrong.empty()) {
        return "the metric's name " + wrong;
    }
    auto all = columns_.added;
    for (const auto& [name, text] : dimensions_) {
        all[name] = text;
    }
    const monasca_rules::text_pairs pairs(all.begin(), all.end());
    return monasca_rules::why_not_dimensions(pairs);
}

std::string monasca_target::prepare(const row& r) {
    for (const auto take :
         {&monasca_target::take_name,
          &monasca_target::take_value,
          &monasca_target::take_time,
          &monasca_target::take_dimensions}) {
        if (auto wrong = (this->*take)(r); !wrong.empty()) {
            return wrong;
        }
    }
    key_ = name_;
    for (const auto& [name, text] : dimensions_) {
        key_ += '\0';
        key_ += name;
        key_ += '\0';
        key_ += text;
    }
    auto known = series_.find(key_);
    if (known == series_.end()) {
        if (series_.size() >= max_series) {
            series_.clear();
        }
        known = series_.emplace(key_, opened{.wrong = check()}).first;
    }
    current_ = &known->second;
    return current_->wrong;
}

bool monasca_target::push(exporter& to) {
    auto& handle = current_->handle;
    if (!handle) {
        handle = to.open_series(name_, dimensions_, {.kind = series_kind::every});
    }
    return when_ ? handle->at(*when_).push(value_) : handle->push(value_);
}

std::size_t monasca_target::cost_bytes() const noexcept {
    return usual_cost_bytes + 2 * key_.size();
}

std::string monasca_target::shown() {
    auto all = columns_.added;
    for (const auto& [name, text] : dimensions_) {
        all[name] = text;
    }
    std::string out = "{\"name\":";
    encode::put_json_text(out, name_);
    out += ",\"dimensions\":";
    char before = '{';
    for (const auto& [name, text] : all) {
        out += before;
        before = ',';
        encode::put_json_text(out, name);
        out += ':';
        encode::put_json_text(out, text);
    }
    out += before == '{' ? "{}" : "}";
    if (when_) {
        const auto moment = std::chrono::floor<std::chrono::milliseconds>(*when_);
        out += fmt::format(",\"timestamp\":{}", moment.time_since_epoch().count());
    }
    out += ",\"value\":";
    encode::put_json_number(out, value_);
    return out + '}';
}

} // namespace monarc::send
