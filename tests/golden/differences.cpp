#include "golden/differences.hpp"

#include "golden/comparison.hpp"
#include "golden/script_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <utility>
#include <vector>

namespace monarc::golden {
namespace {

enum class instead {
    skip,             // Python types
    by_the_rules,     // what sections 4 to 8 say, without the original's accident (script_model)
    refused_message,  // the message is refused as no JSON, and no substitute record is sent
    network,          // by the rules; all that was accepted arrives once somebody listens
    same_as_recorded, // named there only to say so
};
struct difference {
    std::string_view scenario; // a star at the end: all that begin so
    golden::instead instead;
};
constexpr std::array differences{
    difference{"thr-plain-export", instead::by_the_rules},
    difference{"thr-plain-sub", instead::by_the_rules},
    difference{"ctx-manual-sub-close", instead::by_the_rules},
    difference{"ctx-close-unknown", instead::by_the_rules},
    difference{"ctx-sub-same-name", instead::by_the_rules},
    difference{"ctx-sub-same-name-as-sibling-level", instead::by_the_rules},
    difference{"ctx-reset-inside-sub", instead::by_the_rules},
    difference{"off-mid-sub", instead::by_the_rules},
    difference{"conn-down-arc", instead::network},
    difference{"batch-missing-message-noraise", instead::by_the_rules},
    difference{"types-int-too-big", instead::refused_message},
    difference{"types-int-too-small", instead::refused_message},
    difference{"types-surrogate", instead::skip},
    difference{"types-deep-600", instead::refused_message},
    difference{"strip-int-key", instead::skip},
    difference{"types-context-id-number", instead::skip},
    difference{"types-bytes", instead::skip},
    difference{"types-set", instead::skip},
    difference{"types-opaque", instead::skip},
    difference{"types-tuple", instead::skip},
    difference{"ts-not-jsonable", instead::skip},
    difference{"types-arc-class-opaque", instead::skip},
    difference{"ts-context-not-jsonable", instead::skip},
    difference{"batch-not-iterable", instead::skip},
    difference{"off-config-pairs", instead::by_the_rules},
    difference{"off-config-toggle-broken", instead::same_as_recorded},
    difference{"off-config-deleted", instead::same_as_recorded},
    difference{"conn-*", instead::network},
    difference{"async-*", instead::network},
    difference{"tls-*", instead::network},
};

// Whether the receiver is away, or does anything but take what comes.
bool harms_network(const json_value& steps) {
    return std::any_of(steps.members.begin(), steps.members.end(), [](const auto& step) {
        const auto* const op = step.held.find("op");
        const auto* const body = step.held.find("body");
        return (op != nullptr && op->text.starts_with("server_")) ||
               (body != nullptr && harms_network(*body));
    });
}
bool harms_network_anyhow(const json_value& recording) {
    const auto* const server = recording.find("setup")->find("server");
    return (server != nullptr && server->find("initially") != nullptr) ||
           harms_network(*recording.find("steps")) || !can_talk(recording);
}

instead of_scenario(std::string_view name) {
    const auto found = std::find_if(differences.begin(), differences.end(), [&](const auto& one) {
        return one.scenario.ends_with('*')
                   ? name.starts_with(one.scenario.substr(0, one.scenario.size() - 1))
                   : name == one.scenario;
    });
    return found != differences.end() ? found->instead : instead::same_as_recorded;
}

// --- whether a recording that is not to be met shows what the contract says that it does

bool is_part_of(std::string_view shorter, std::string_view longer) {
    return !shorter.empty() && longer.starts_with(shorter) &&
           (longer.size() == shorter.size() || longer[shorter.size()] == '.');
}

// The id in `return "c1.s"`; empty where it is something else.
std::string_view id_in(std::string_view said) {
    constexpr std::string_view before = "return \"";
    return said.starts_with(before) ? said.substr(before.size(), said.size() - before.size() - 1)
                                    : std::string_view();
}

struct accidents {
    bool of_python;  // whatever Python raises by itself
    bool of_network; // a failed send
    bool of_levels;  // a level that was left open, or closed with the wrong one
    bool is_off;     // by a file that ours does not take
};

bool is_accident(const result_line& recorded, const result_line& ours, const accidents& known) {
    const auto raises = [&](std::string_view what) {
        return recorded.said == fmt::format("raises \"{}\"", what);
    };
    if (known.of_python &&
        (raises("AttributeError") || raises("ValueError") || raises("KeyError"))) {
        return true;
    }
    if (known.of_network && (raises("MonaExportException") || recorded.said == "return false")) {
        // By the last the original has a context open that ours has not.
        return ours.said == "return true" || recorded.op.ends_with(":exit") ||
               (known.of_levels && ours.said == "return null");
    }
    // Too large for a payload of ours: the original takes it.
    if (known.of_network && recorded.said == "return true") {
        return ours.said == "return false" || ours.said.starts_with("raises");
    }
    if (known.is_off) {
        return recorded.said == "return \"\"" || recorded.said == "return null";
    }
    const bool are_ids =
        recorded.said.starts_with("return \"") && ours.said.starts_with("return \"");
    return known.of_levels && are_ids &&
           (is_part_of(id_in(recorded.said), id_in(ours.said)) ||
            is_part_of(id_in(ours.said), id_in(recorded.said)) ||
            (known.of_network && id_in(ours.said).empty()));
}

// A scope that did not come about in the original, so that nothing in it was played.
bool is_in_unopened_scope(const result_line& line, const std::vector<std::string>& unopened) {
    return std::any_of(unopened.begin(), unopened.end(), [&](const std::string& step) {
        return line.step.starts_with(step + '.') ||
               (line.step == step && line.op.ends_with(":enter"));
    });
}

// Returns: what is wrong with one line, of which ours is the other.
std::string check_result(
    const result_line& line, const result_line& ours, const accidents& known, bool raises) {
    if (ours.said != line.said && !is_accident(line, ours, known)) {
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
std::string check_recorded_results(
    const observation& recorded, const modelled& ours, const accidents& known, bool raises) {
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
            if (auto wrong = check_result(*next, line, known, raises); !wrong.empty()) {
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

std::string_view context_of(std::string_view event) {
    constexpr std::string_view before = "\"context\":\"";
    const auto begin = std::min(event.find(before), event.size() - before.size()) + before.size();
    return event.substr(begin, event.find('"', begin) - begin);
}

// Whether they differ in the context alone, by levels that an accident left open or closed.
bool differs_in_levels(const std::string& one, const std::string& other) {
    const auto rest = [](std::string event) {
        const auto context = context_of(event);
        return event.erase(static_cast<std::size_t>(context.data() - event.data()), context.size());
    };
    return (is_part_of(context_of(one), context_of(other)) ||
            is_part_of(context_of(other), context_of(one))) &&
           rest(one) == rest(other);
}

std::string check_recorded_events(
    const observation& recorded, const modelled& ours, const accidents& known, bool may_be_lost) {
    if ((known.of_network && known.of_levels) || known.is_off) {
        return {}; // the original exports into a context that ours has not, or nothing
    }
    const auto& all = ours.also.empty() ? ours.exported : ours.also; // it breaks off behind those
    auto from = all.begin();
    for (const auto& event : recorded.events) {
        if (known.of_network && std::find(ours.too_large.begin(), ours.too_large.end(), event) !=
                                    ours.too_large.end()) {
            continue; // ours rejects it
        }
        from = std::find_if(from, all.end(), [&](const std::string& one) {
            return one == event || (known.of_levels && differs_in_levels(one, event));
        });
        if (from == all.end()) {
            return "recording: an event that does not follow from the script: " + abridged(event);
        }
        ++from;
    }
    if (!may_be_lost && recorded.events.size() != all.size()) {
        return "recording: fewer events than the script exports";
    }
    return {};
}

// Of the lines that an accident takes away or adds only the level is looked at.
std::string check_recorded_log(const observation& recorded, const modelled& ours) {
    static const std::set<std::string> touched{
        "no_context",
        "sub_without_main",
        "close_nothing",
        "message_not_object",
        "message_not_json",
        "send_failed",
        "context_after_init",
        "context_after_sub_init",
        "context_after_sub_close",
        "reset",
        "closing_sender",
        "closing_took",
        "config_unreadable",
        "config_now"};
    const auto rest = [&](const observation& of) {
        std::vector<said_line> lines;
        std::copy_if(
            of.log.begin(), of.log.end(), std::back_inserter(lines), [&](const auto& line) {
                return !touched.contains(line.code) && !is_inside_the_sender(line) &&
                       line.level >= 20;
            });
        return lines;
    };
    const auto count = [](const observation& of, std::string_view code) {
        return std::count_if(
            of.log.begin(), of.log.end(), [&](const said_line& line) { return line.code == code; });
    };
    const auto breaks = std::count_if(
        recorded.results.begin(), recorded.results.end(), [](const result_line& line) {
            return line.op == "export" && line.said == "raises \"AttributeError\"";
        });
    if (breaks != 0 && count(recorded, "no_context") + breaks != count(ours.seen, "no_context")) {
        return "recording: more no_context than the script has";
    }
    const auto unknown =
        std::find_if(recorded.log.begin(), recorded.log.end(), [&](const auto& line) {
            const auto& all = ours.seen.log;
            const bool is_of_context = line.code.starts_with("context_after_");
            if (is_of_context || line.code == "close_nothing") {
                return line.level != (is_of_context ? 20 : 40);
            }
            return touched.contains(line.code) && line.level >= 20 &&
                   std::none_of(all.begin(), all.end(), [&](const auto& one) {
                       return one.code == line.code && one.level == line.level;
                   });
        });
    if (unknown != recorded.log.end()) {
        return "recording: a log line that does not follow from the script: " + shown(*unknown);
    }
    return rest(recorded) == rest(ours.seen) ? ""
                                             : "recording: its log does not follow from the script";
}

// A refused message in the place of the substitute record (section 9.4).
// Returns: what is wrong with the recording.
std::string refuse_unpackable(
    const json_value& steps, const std::string& path, std::string_view now, observation& expected) {
    for (std::size_t i = 0; i < steps.members.size(); ++i) {
        const auto& step = steps.members[i].held;
        const auto here = path + std::to_string(i);
        if (const auto* const body = step.find("body")) {
            if (auto wrong = refuse_unpackable(*body, here + ".", now, expected); !wrong.empty()) {
                return wrong;
            }
        }
        const auto* const arguments = step.find("args");
        const auto* const message = arguments != nullptr ? arguments->find("message") : nullptr;
        if (message == nullptr || !is_beyond_packing(*message)) {
            continue;
        }
        for (auto& line : expected.results) {
            if (line.step == here && std::exchange(line.said, "return null") != "return true") {
                return fmt::format("recording: {} {}: its record was sent", line.step, line.op);
            }
        }
        const auto closes =
            std::find_if(expected.log.begin(), expected.log.end(), [](const said_line& line) {
                return line.code == "close_called";
            });
        expected.log.insert(closes, {.level = 40, .code = "message_not_json", .field = {}});
        const auto substitute = std::find_if(
            expected.events.begin(), expected.events.end(), [&](const std::string& event) {
                return event.starts_with(fmt::format(
                    R"(["mona.client.message",{},{{"level":"CRITICAL","message":)", now));
            });
        if (substitute == expected.events.end()) {
            return "recording: no substitute record";
        }
        expected.events.erase(substitute);
    }
    return {};
}

} // namespace

bool is_skipped(std::string_view name) {
    return of_scenario(name) == instead::skip;
}

std::string table_of_differences() {
    std::string text;
    for (const auto& one : differences) {
        text += fmt::format("{}\n", one.scenario);
    }
    return text;
}

std::string
replace_expectation(std::string_view name, const json_value& recording, observation& expected) {
    auto how = of_scenario(name);
    // Calls never fail for the network, whatever a scenario is named.
    if (how == instead::same_as_recorded && harms_network_anyhow(recording)) {
        how = instead::network;
    }
    if (how == instead::refused_message) {
        const auto now = canonical(*recording.find("clock"), {});
        return refuse_unpackable(
            *recording.find("steps"), "", now.substr(0, now.find('.')), expected);
    }
    if (how != instead::by_the_rules && how != instead::network) {
        return {};
    }
    auto ours = model(recording);
    const bool is_network = how == instead::network;
    const accidents known{
        .of_python = !is_network,
        .of_network = is_network,
        .of_levels =
            name.starts_with("ctx-") || name.starts_with("off-mid") || name == "conn-down-arc",
        .is_off = name.starts_with("off-config")};
    const auto* const env = recording.find("setup")->find("env");
    const auto* const variable =
        env != nullptr ? env->find("MONA_SHOULD_RAISE_EXCEPTIONS") : nullptr;
    const bool raises =
        variable == nullptr || (variable->text != "false" && variable->text != "False");
    const auto* const mode = env != nullptr ? env->find("MONA_BLOCKING") : nullptr;
    const bool blocks = mode == nullptr || (mode->text != "false" && mode->text != "False");
    for (const auto& wrong :
         {check_recorded_results(expected, ours, known, raises),
          check_recorded_events(expected, ours, known, harms_network_anyhow(recording)),
          blocks && is_network && can_talk(recording) ? check_blocking_calls(expected, ours)
                                                      : std::string(),
          check_recorded_log(expected, ours)}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    expected.results = std::move(ours.seen.results);
    expected.events = std::move(ours.seen.events);
    expected.log = std::move(ours.seen.log);
    return {};
}

} // namespace monarc::golden
