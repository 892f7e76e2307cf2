#include "golden/comparison.hpp"

#include "golden/differences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <set>
#include <vector>

namespace monarc::golden {
namespace {

// Of a number that is none, the one thing that loading fails with (mona-client.md section 3.1).
constexpr std::string_view error_of_loading = "ValueError";

// --- logs

// Further lines below a warning are fine.
std::string compare_logs(
    const observation& expected, const observation& seen, int lowest, uuid_numbers& uuids) {
    auto next = expected.log.begin();
    const auto pass_over = [&] {
        while (next != expected.log.end() && is_inside_the_sender(*next)) {
            ++next;
        }
    };
    pass_over();
    for (const auto& line : seen.log) {
        if (line.level < lowest) {
            continue;
        }
        if (next != expected.log.end() && line.level == next->level && line.code == next->code &&
            uuids.match(next->field, line.field)) {
            ++next;
            pass_over();
        } else if (line.level >= 30) {
            return fmt::format(
                "log: {} where {} was recorded",
                shown(line),
                next != expected.log.end() ? shown(*next) : "nothing more");
        }
    }
    return next == expected.log.end() ? "" : fmt::format("log: no {}", shown(*next));
}

// --- results

// How the recording names the arguments of a thread's target is not said anywhere.
bool same_arguments(const std::string& expected, const std::string& seen) {
    const auto without_names =
        std::regex_replace(expected, std::regex("\\b[a-z_]+ (?=[\\[{])"), "");
    const auto middle = seen.find("] {") + 1;
    const auto listed = seen.substr(0, middle);
    const auto named = seen.substr(middle + 1);
    const std::set<std::string> forms{
        seen, listed, named, "[" + listed + "," + named + "]", named + " " + listed};
    return forms.contains(without_names);
}

bool same_result(const result_line& expected, const result_line& seen, uuid_numbers& uuids) {
    return expected.step == seen.step && expected.op == seen.op &&
           (uuids.match(expected.said, seen.said) ||
            (expected.op.ends_with(":args") && same_arguments(expected.said, seen.said)));
}

std::string shown(const std::vector<result_line>& all, std::size_t at) {
    return at < all.size() ? fmt::format("{} {}: {}", all[at].step, all[at].op, all[at].said)
                           : "nothing more";
}

std::string
compare_results(const observation& expected, const observation& seen, uuid_numbers& uuids) {
    const auto count = std::max(expected.results.size(), seen.results.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (i >= expected.results.size() || i >= seen.results.size() ||
            !same_result(expected.results[i], seen.results[i], uuids)) {
            return fmt::format(
                "result: {} where {} is right", shown(seen.results, i), shown(expected.results, i));
        }
    }
    return {};
}

// --- the wire

std::string
compare_events(const observation& expected, const observation& seen, uuid_numbers& uuids) {
    const auto count = std::max(expected.events.size(), seen.events.size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto right = i < expected.events.size() ? expected.events[i] : "nothing more";
        const auto got = i < seen.events.size() ? seen.events[i] : "nothing more";
        if (!uuids.match(right, got)) {
            return fmt::format("event {}: {} where {} is right", i, abridged(got), abridged(right));
        }
    }
    if (expected.has_foreign_bytes != seen.has_foreign_bytes) {
        return seen.has_foreign_bytes ? "wire: bytes that are no messages" : "wire: only messages";
    }
    return {};
}

// A uuid is another one each time.
std::vector<std::string> with_numbered_uuids(std::vector<std::string> connections) {
    static const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}");
    std::vector<std::string> known;
    for (auto& bytes : connections) {
        for (std::smatch found; std::regex_search(bytes, found, uuid);) {
            auto at = std::find(known.begin(), known.end(), found.str());
            at = at != known.end() ? at : known.insert(at, found.str());
            const auto number = fmt::format("<UUID:{}>", at - known.begin() + 1);
            bytes.replace(static_cast<std::size_t>(found.position()), found.str().size(), number);
        }
    }
    return connections;
}

std::string compare_bytes(const observation& expected, const observation& seen) {
    if (with_numbered_uuids(expected.bytes) == with_numbered_uuids(seen.bytes)) {
        return {};
    }
    return fmt::format(
        "bytes: {} connections where {} were recorded, or other bytes",
        seen.bytes.size(),
        expected.bytes.size());
}

std::string compare_printed(const observation& expected, const observation& seen) {
    static const std::regex documented(
        R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - mona-logger - [A-Z]+ - .+)");
    for (std::size_t i = 0; i < expected.printed_well.size(); ++i) {
        const bool is_well =
            i < seen.printed.size() && std::regex_match(seen.printed[i], documented);
        if (is_well != expected.printed_well[i]) {
            return fmt::format(
                "standard output: line {} is \"{}\"",
                i,
                i < seen.printed.size() ? seen.printed[i] : "");
        }
    }
    return {};
}

// How often a connection is tried is ours to choose; whom it asks for, and whether it succeeds,
// not.
std::string compare_tls(const observation& expected, const observation& seen) {
    const std::set<std::string> wanted(expected.server_names.begin(), expected.server_names.end());
    const std::set<std::string> got(seen.server_names.begin(), seen.server_names.end());
    if (wanted != got) {
        return fmt::format(
            "tls: the server name is \"{}\"", got.empty() ? std::string() : *got.begin());
    }
    if ((expected.failed_handshakes != 0) != (seen.failed_handshakes != 0)) {
        return fmt::format("tls: {} failed handshakes", seen.failed_handshakes);
    }
    return {};
}

} // namespace

// Of the original's own sender, which we have not got.
bool is_inside_the_sender(const said_line& line) {
    static const std::set<std::string> codes{
        "sender_connected",
        "sender_sent_bytes",
        "sender_send_error",
        "sender_connect_error",
        "queue_put_try",
        "queue_put_done"};
    return line.level == 10 && codes.contains(line.code);
}

std::string
judge(std::string_view name, const json_value& recording, const observation& seen, bool is_exact) {
    auto expected = recorded(recording);
    if (expected.has_load_error != seen.has_load_error) {
        return seen.has_load_error ? "the environment is refused" : "the environment is taken";
    }
    if (!expected.has_load_error) {
        if (auto wrong = replace_expectation(name, recording, expected); !wrong.empty()) {
            return wrong;
        }
    } else if (expected.load_error != error_of_loading) {
        return fmt::format("loading: {} where {} is right", expected.load_error, error_of_loading);
    }
    const auto* const lowest = recording.find("setup")->find("lowest_recorded_log_level");
    const auto lowest_level =
        lowest != nullptr ? static_cast<int>(sink::python::to_double(*lowest)) : 20;
    uuid_numbers uuids;
    for (const auto& wrong :
         {compare_results(expected, seen, uuids),
          compare_logs(expected, seen, lowest_level, uuids),
          compare_events(expected, seen, uuids),
          compare_printed(expected, seen),
          compare_tls(expected, seen),
          is_exact ? compare_bytes(expected, seen) : std::string()}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    return {};
}

} // namespace monarc::golden
