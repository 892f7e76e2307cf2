#include "golden/comparison.hpp"

#include <fmt/format.h>

namespace monarc::golden {
namespace {

using sink::python::kind;

std::string now_of(const json_value& recording) {
    return fmt::format(
        "{}", static_cast<std::int64_t>(sink::python::to_double(*recording.find("clock"))));
}

std::string without_base64(std::string_view text) {
    std::string bytes;
    unsigned word = 0;
    int bits = 0;
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (const char c : text) {
        if (c != '=') {
            word = word << 6 | static_cast<unsigned>(letters.find(c));
            bits += 6;
        }
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(word >> bits & 0xff);
        }
    }
    return bytes;
}

const json_value* expected_of(const json_value& recording, std::string_view name) {
    const auto* const expected = recording.find("expected");
    return expected != nullptr ? expected->find(name) : nullptr;
}

} // namespace

observation recorded(const json_value& recording) {
    observation shown;
    const auto now = now_of(recording);
    shown.has_load_error = expected_of(recording, "load_error") != nullptr;
    const auto members = [&](std::string_view name) {
        const auto* const all = expected_of(recording, name);
        return all != nullptr ? all->members : std::vector<sink::python::member>();
    };
    for (const auto& [key, one] : members("results")) {
        result_line line;
        for (const auto& [what, value] : one.members) {
            if (what == "step" || what == "op") {
                (what == "step" ? line.step : line.op) = value.text;
            } else {
                line.said += fmt::format(
                    "{}{} {}", line.said.empty() ? "" : " ", what, canonical(value, now));
            }
        }
        shown.results.push_back(std::move(line));
    }
    for (const auto& [key, one] : members("log")) {
        said_line line;
        for (const auto& [what, value] : one.members) {
            if (what == "level") {
                line.level = level_of(value.text);
            } else if (what == "code") {
                line.code = value.text;
            } else {
                line.field = fmt::format(
                    "{} {}",
                    what,
                    what == "context" ? std::string(value.text) : canonical(value, now));
            }
        }
        shown.log.push_back(std::move(line));
    }
    for (const auto& [key, connection] : members("wire")) {
        shown.has_foreign_bytes = shown.has_foreign_bytes || connection.kind == kind::object;
        for (const auto& [index, one] : connection.members) {
            if (connection.kind == kind::list) {
                shown.events.push_back(fmt::format(
                    "[{},{},{}]",
                    canonical(*one.find("tag"), now),
                    canonical(*one.find("time"), now),
                    canonical(*one.find("record"), now)));
            }
        }
    }
    for (const auto& [key, one] : members("raw_base64")) {
        shown.bytes.push_back(without_base64(one.text));
    }
    for (const auto& [key, one] : members("stdout_lines_matching")) {
        shown.printed_well.push_back(one.text == "true");
    }
    if (const auto* const tls = expected_of(recording, "tls")) {
        for (const auto& [key, one] : tls->find("sni")->members) {
            if (one.kind == kind::text) { // else it asked for none
                shown.server_names.emplace_back(one.text);
            }
        }
        shown.failed_handshakes =
            static_cast<std::size_t>(sink::python::to_double(*tls->find("handshake_errors")));
    }
    return shown;
}

} // namespace monarc::golden
