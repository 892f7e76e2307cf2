#pragma once

#include "sink/json_text.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

// ["a","b"]
inline void append_json_texts(std::string& out, const std::vector<std::string>& texts) {
    out += '[';
    for (const auto& text : texts) {
        if (&text != texts.data())
            out += ',';
        append_json_string(out, text);
    }
    out += ']';
}

// Writes the members of one JSON object; knows where commas go.
class json_members {
public:
    explicit json_members(std::string& out) : out_(out) { out_ += '{'; }

    template <class Number>
    json_members& number(std::string_view key, Number value) {
        name(key);
        fmt::format_to(std::back_inserter(out_), "{}", value);
        return *this;
    }
    json_members& boolean(std::string_view key, bool value) {
        name(key);
        out_ += value ? "true" : "false";
        return *this;
    }
    json_members& text(std::string_view key, std::string_view value) {
        name(key);
        append_json_string(out_, value);
        return *this;
    }
    json_members& texts(std::string_view key, const std::vector<std::string>& values) {
        name(key);
        append_json_texts(out_, values);
        return *this;
    }
    json_members& raw(std::string_view key, std::string_view json) {
        name(key);
        out_ += json;
        return *this;
    }
    json_members& name(std::string_view key) {
        if (!first_)
            out_ += ',';
        first_ = false;
        append_json_string(out_, key);
        out_ += ':';
        return *this;
    }
    void end() { out_ += '}'; }

private:
    std::string& out_;
    bool first_ = true;
};

} // namespace monarc::sink
