#include "monasca_client/body.hpp"

#include "encode/json_writer.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace monarc::monasca_client {

using monasca::ordered_pairs;

namespace {

class body {
public:
    body& add(std::string_view key, const std::string& text) {
        put_key(key);
        encode::put_json_text(text_, text);
        return *this;
    }
    body& add_raw(std::string_view key, std::string_view json) {
        put_key(key);
        text_ += json;
        return *this;
    }
    body& add(std::string_view key, const std::vector<std::string>& texts) {
        put_key(key);
        text_ += '[';
        for (const auto& one : texts) {
            text_ += &one == texts.data() ? "" : ",";
            encode::put_json_text(text_, one);
        }
        text_ += ']';
        return *this;
    }
    body& add(std::string_view key, const ordered_pairs& pairs) {
        body inner;
        for (const auto& [name, value] : pairs) {
            inner.add(name, value);
        }
        return add_raw(key, inner.json());
    }
    body& add(std::string_view key, bool value) { return add_raw(key, value ? "true" : "false"); }
    body& add(std::string_view key, std::int64_t value) {
        return add_raw(key, std::to_string(value));
    }
    template <class T>
    body& add(std::string_view key, const std::optional<T>& value) {
        return value ? add(key, *value) : *this;
    }
    std::string json() const { return text_ + "}"; }

private:
    void put_key(std::string_view key) {
        text_ += text_.size() == 1 ? "" : ",";
        encode::put_json_text(text_, key);
        text_ += ':';
    }
    std::string text_ = "{";
};

} // namespace

std::string json_of(const monasca::notification_change& what) {
    return body()
        .add("name", what.name)
        .add("type", what.type)
        .add("address", what.address)
        .add("period", what.period)
        .json();
}

std::string json_of(const monasca::definition_change& what) {
    return body()
        .add("name", what.name)
        .add("description", what.description)
        .add("expression", what.expression)
        .add("severity", what.severity)
        .add("match_by", what.match_by)
        .add("actions_enabled", what.actions_enabled)
        .add("alarm_actions", what.alarm_actions)
        .add("ok_actions", what.ok_actions)
        .add("undetermined_actions", what.undetermined_actions)
        .json();
}

std::string json_of(const monasca::alarm_state& what) {
    return body()
        .add("state", what.state)
        .add("lifecycle_state", what.lifecycle_state)
        .add("link", what.link)
        .json();
}

std::string json_of(const monasca::new_metric& what) {
    const auto time = what.time.value_or(std::chrono::system_clock::now());
    std::string value;
    encode::put_json_number(value, what.value);
    body made;
    made.add("name", what.name);
    made.add(
        "timestamp",
        std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch())
                         .count()});
    made.add_raw("value", value);
    if (!what.dimensions.empty()) {
        made.add("dimensions", what.dimensions);
    }
    if (!what.value_meta.empty()) {
        made.add("value_meta", what.value_meta);
    }
    return made.json();
}

} // namespace monarc::monasca_client
