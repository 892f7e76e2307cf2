#include "golden/original_check.hpp"

#include "golden/comparison.hpp"
#include "golden/recorded_setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

namespace monarc::golden {
namespace {

constexpr int info = 20; // of what lies below the originals have more, and we other things

// --- what section 9 leaves to the course of time

// Whether the recorded one tells of a failed send, or of one that no payload of ours holds.
bool is_accident(const result_line& recorded, const result_line& ours) {
    if (recorded.said == "raises \"MonaExportException\"" || recorded.said == "return false") {
        return ours.said == "return true" || recorded.op.ends_with(":exit");
    }
    return recorded.said == "return true" &&
           (ours.said == "return false" || ours.said.starts_with("raises"));
}

// A scope that did not come about in the original, so that nothing in it was played.
bool is_in_unopened_scope(const result_line& line, const std::vector<std::string>& unopened) {
    return std::any_of(unopened.begin(), unopened.end(), [&](const std::string& step) {
        return line.step.starts_with(step + '.') ||
               (line.step == step && line.op.ends_with(":enter"));
    });
}

// Returns: what is wrong with one line, of which ours is the other.
std::string check_result(const result_line& line, const result_line& ours, bool raises) {
    if (ours.said != line.said && !is_accident(line, ours)) {
        return fmt::format(
            "recording: {} {}: {} is no known accident", line.step, line.op, line.said);
    }
    if ((line.said == "return false" && line.op == "export" && raises) ||
        (line.said == "raises \"MonaExportException\"" && !raises)) {
        return fmt::format(
            "recording: {} {}: {} with exceptions {}",
            line.step,
            line.op,
            line.said,
            raises ? "on" : "off");
    }
    return {};
}

// The lines of both in the same order; of ours only those of unopened scopes may be missing.
std::string check_results(const observation& recorded, const modelled& ours, bool raises) {
    std::vector<std::string> unopened;
    for (const auto& line : recorded.results) {
        const auto is_its_enter = [&](const result_line& one) {
            return one.step == line.step && one.op.ends_with(":enter");
        };
        if (line.op.ends_with(":exit") && line.said.starts_with("raises") &&
            std::none_of(recorded.results.begin(), recorded.results.end(), is_its_enter)) {
            unopened.push_back(line.step);
        }
    }
    auto next = recorded.results.begin();
    for (const auto& line : ours.seen.results) {
        const bool is_recorded =
            next != recorded.results.end() && next->step == line.step && next->op == line.op;
        if (is_recorded) {
            if (auto wrong = check_result(*next, line, raises); !wrong.empty()) {
                return wrong;
            }
            ++next;
        } else if (!is_in_unopened_scope(line, unopened)) {
            return fmt::format("recording: no {} {}", line.step, line.op);
        }
    }
    return next == recorded.results.end()
               ? ""
               : fmt::format(
                     "recording: {} {} does not follow from the script", next->step, next->op);
}

// The original's calls report what they have written, and a failure while nobody has listened yet.
std::string check_blocking_calls(const observation& recorded, const modelled& ours) {
    for (const auto& line : recorded.results) {
        const auto sent = ours.undisturbed.find(line.step);
        if (line.said == "return true" && line.op == "export" && sent != ours.undisturbed.end() &&
            std::find(recorded.events.begin(), recorded.events.end(), sent->second) ==
                recorded.events.end()) {
            return fmt::format("recording: {} {}: not sent", line.step, line.op);
        }
        if (line.said == "return true" && ours.nobody_listened.contains(line.step)) {
            return fmt::format("recording: {} {}: sent to nobody", line.step, line.op);
        }
    }
    return {};
}

// Those that were exported, in their order; some may be lost.
std::string check_events(const observation& recorded, const modelled& ours) {
    auto from = ours.exported.begin();
    for (const auto& event : recorded.events) {
        if (std::find(ours.too_large.begin(), ours.too_large.end(), event) !=
            ours.too_large.end()) {
            continue; // ours rejects it
        }
        from = std::find(from, ours.exported.end(), event);
        if (from == ours.exported.end()) {
            return "recording: an event that does not follow from the script: " + abridged(event);
        }
        ++from;
    }
    return {};
}

// --- what is certain

std::string different_log(const observation& recorded, const modelled& original, int lowest) {
    const auto told = [&](const observation& of) {
        std::vector<said_line> lines;
        std::copy_if(
            of.log.begin(), of.log.end(), std::back_inserter(lines), [&](const auto& line) {
                const bool may_be_missing =
                    original.may_say_close_nothing && line.code == "close_nothing";
                return line.level >= lowest && !may_be_missing && !is_inside_the_sender(line);
            });
        return lines;
    };
    const auto right = told(original.seen);
    const auto got = told(recorded);
    const auto [a, b] = std::mismatch(got.begin(), got.end(), right.begin(), right.end());
    if (a == got.end() && b == right.end()) {
        return {};
    }
    return fmt::format(
        "recording: log: {} where the original has {}",
        a != got.end() ? shown(*a) : "nothing more",
        b != right.end() ? shown(*b) : "nothing more");
}

std::string different_results(const observation& recorded, const modelled& original) {
    const auto& right = original.seen.results;
    const auto [a, b] =
        std::mismatch(recorded.results.begin(), recorded.results.end(), right.begin(), right.end());
    if (a == recorded.results.end() && b == right.end()) {
        return {};
    }
    const auto show = [](const result_line& one) {
        return fmt::format("{} {}: {}", one.step, one.op, one.said);
    };
    return fmt::format(
        "recording: result: {} where the original has {}",
        a != recorded.results.end() ? show(*a) : "nothing more",
        b != right.end() ? show(*b) : "nothing more");
}

std::string different_wire(const observation& recorded, const modelled& original, bool is_tls) {
    std::vector<std::size_t> counts;
    for (const auto& one : original.connections) {
        counts.push_back(one.size());
    }
    if (recorded.events != original.seen.events || recorded.event_counts != counts) {
        return "recording: its wire does not follow from the script";
    }
    const bool asks_each_time = recorded.server_names.size() == counts.size();
    if (is_tls &&
        (!asks_each_time || recorded.failed_handshakes != original.seen.failed_handshakes)) {
        return "recording: its handshakes do not follow from the script";
    }
    return {};
}

} // namespace

std::string
check_original(const json_value& recording, const observation& recorded, const modelled& ours) {
    const auto original = model_of_original(recording);
    const auto* const least = recording.find("setup")->find("lowest_recorded_log_level");
    const auto lowest = least != nullptr ? static_cast<int>(sink::python::to_double(*least)) : info;
    auto wrong = different_log(recorded, original, std::max(lowest, info));
    if (!wrong.empty()) {
        return wrong;
    }
    if (original.is_certain) {
        wrong = different_results(recorded, original);
        return !wrong.empty()
                   ? wrong
                   : different_wire(recorded, original, !tls_of_server(recording).empty());
    }
    wrong =
        check_results(recorded, ours, switch_of(recording, "MONA_SHOULD_RAISE_EXCEPTIONS", true));
    if (wrong.empty() && switch_of(recording, "MONA_BLOCKING", true) && can_talk(recording)) {
        wrong = check_blocking_calls(recorded, ours);
    }
    return !wrong.empty() ? wrong : check_events(recorded, ours);
}

} // namespace monarc::golden
