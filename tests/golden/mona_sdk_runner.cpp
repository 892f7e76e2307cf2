// Plays every recording of mona_sdk in a folder with exporters of ours that speak Mona's REST
// interface, and compares.
//
//     mona_sdk_runner --cases DIR [--play-once]
//     mona_sdk_runner --differences
//
// Each in a process of its own, because the environment is the process's. A line for each, then
// `N passed, M failed, K skipped`; the exit code is 1 if any failed.

#include "golden/recorded_cases.hpp"
#include "golden/recorded_shape.hpp"
#include "golden/sdk_comparison.hpp"
#include "golden/sdk_differences.hpp"
#include "golden/sdk_player.hpp"
#include "golden/sdk_server.hpp"
#include "golden/sdk_value.hpp"

#include <string>
#include <vector>

namespace monarc::golden {
namespace {

using document = sink::python::document;

std::vector<std::string> play_and_judge(const std::string& name, const recordings& all) {
    sdk_server server;
    const auto place = [&](const json_value& as_recorded) {
        return document::read(
            placed(as_recorded, {.live = server.live_port(), .dead = server.dead_port()}));
    };
    const auto script = place(*all.front());
    if (!script) {
        return std::vector<std::string>(all.size(), "no JSON once all is in its place");
    }
    server.answer_by(script->root().find("setup")->find("responses"));
    const auto seen = play_sdk(script->root(), server);
    std::vector<std::string> whys;
    for (const auto* const one : all) {
        const auto recording = place(*one);
        if (!recording) {
            whys.emplace_back("no JSON once all is in its place");
            continue;
        }
        auto expected = recorded_sdk(recording->root());
        auto wrong = replace_sdk_expectation(name, recording->root(), seen, expected);
        whys.push_back(!wrong.empty() ? wrong : first_difference(expected, seen));
    }
    return whys;
}

std::vector<std::string> judge_recordings(const std::string& name, const recordings& all) {
    return play_in_child(all.size(), [&] { return play_and_judge(name, all); });
}

} // namespace
} // namespace monarc::golden

int main(int argc, char** argv) {
    using namespace monarc::golden;
    const runner what{
        .program = "mona_sdk_runner",
        .client = "mona_sdk",
        .members = {"setup", "steps", "expected"},
        .wrong_form = wrong_form_of_mona_sdk,
        .is_skipped = is_skipped_sdk,
        .why_skipped = "no form in C++, or a service",
        .judge = judge_recordings,
        .table_of_differences = sdk_table_of_differences};
    return run(what, argc, argv);
}
