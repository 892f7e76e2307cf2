#include "golden/comparison.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

namespace monarc::golden {
namespace {

using sink::python::kind;

std::string now_of(const json_value& recording) {
    return fmt::format(
        "{}", static_cast<std::int64_t>(sink::python::to_double(*recording.find("clock"))));
}

// With padding; what is none becomes a text that no bytes are equal to.
std::string bytes_of_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3, '\0');
    const auto read = EVP_DecodeBlock(
        reinterpret_cast<unsigned char*>(bytes.data()),
        reinterpret_cast<const unsigned char*>(text.data()),
        static_cast<int>(text.size()));
    if (read < 0 || static_cast<std::size_t>(read) != bytes.size() || text.size() % 4 != 0) {
        return "no base64";
    }
    const auto padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
    bytes.resize(bytes.size() - std::min(bytes.size(), padding));
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
    if (const auto* const kind = expected_of(recording, "load_error")) {
        shown.has_load_error = true;
        shown.load_error = kind->text;
    }
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
        shown.event_counts.push_back(connection.kind == kind::list ? connection.members.size() : 0);
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
        shown.bytes.push_back(bytes_of_base64(one.text));
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
