#include "monasca/key_values.hpp"

#include "encode/json_writer.hpp"
#include "monasca/arguments.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace monarc::tool {
namespace {

std::vector<std::string> pieces_of(const std::vector<std::string>& given) {
    if (given.size() != 1) {
        return given;
    }
    const auto& text = given.front();
    return split(text, text.find(';') != text.npos ? ';' : ',');
}

std::string utc(std::int64_t seconds) {
    const auto time = static_cast<time_t>(seconds);
    tm parts{};
    std::array<char, 32> text{};
    ::gmtime_r(&time, &parts);
    const auto size = ::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), size};
}

// Seconds of `90m`, `2h`, `1d`, `30s`; negative: it is none.
std::int64_t span_of(std::string_view text) {
    std::int64_t count = -1;
    const auto got = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(got.ptr, text.data() + text.size());
    const std::int64_t seconds = unit == "s"   ? 1
                                 : unit == "m" ? 60
                                 : unit == "h" ? 3600
                                 : unit == "d" ? 86'400
                                               : 0;
    return got.ec == std::errc() && count >= 0 && count < 1'000'000'000 && seconds != 0
               ? count * seconds
               : -1;
}

} // namespace

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> pieces;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(at, begin), text.size());
        pieces.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return pieces;
}

std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return out;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

key_values read_pairs(const std::vector<std::string>& given, bare_keys bare) {
    key_values pairs;
    for (const auto& piece : pieces_of(given)) {
        const auto equals = piece.find('=');
        if (equals == piece.npos && bare == bare_keys::are_wrong) {
            throw failure{fmt::format("Malformed parameter({}). Use the key=value format.", piece)};
        }
        auto key = piece.substr(0, equals);
        auto value = equals == piece.npos ? std::string() : piece.substr(equals + 1);
        const auto found = std::find_if(
            pairs.begin(), pairs.end(), [&](const auto& one) { return one.first == key; });
        if (found == pairs.end()) {
            pairs.push_back({std::move(key), {std::move(value)}});
        } else {
            found->second.push_back(std::move(value));
        }
    }
    return pairs;
}

std::string pairs_in_query(const key_values& pairs) {
    std::string out;
    bool is_first = true;
    for (const auto& [key, values] : pairs) {
        out += is_first ? "" : ",";
        is_first = false;
        out += key;
        if (!values.back().empty()) {
            out += ':';
            out += values.back();
        }
    }
    return out;
}

std::string pairs_in_body(const key_values& pairs) {
    std::string out = "{";
    for (const auto& [key, values] : pairs) {
        out += out.size() == 1 ? "" : ",";
        encode::put_json_text(out, key);
        out += values.size() == 1 ? ":" : ":[";
        for (const auto& value : values) {
            out += &value == values.data() ? "" : ",";
            encode::put_json_text(out, value);
        }
        out += values.size() == 1 ? "" : "]";
    }
    return out + "}";
}

std::string start_time_of(const std::string& text, std::int64_t seconds) {
    if (text.starts_with("now-")) {
        if (const auto span = span_of(std::string_view(text).substr(4)); span >= 0) {
            return utc(seconds - span);
        }
        return text;
    }
    if (!text.starts_with('-')) {
        return text;
    }
    std::int64_t minutes = 0;
    const auto got = std::from_chars(text.data(), text.data() + text.size(), minutes);
    if (got.ec != std::errc() || got.ptr != text.data() + text.size() || minutes < -1'000'000'000) {
        throw failure{fmt::format(
            "the start time '{}' is no whole number of minutes before now; write -120 or now-2h",
            text)};
    }
    return utc(seconds + minutes * 60);
}

} // namespace monarc::tool
