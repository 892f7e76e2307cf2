// Plays every recording of mona_sdk in a folder with exporters of ours that speak Mona's REST
// interface, and compares.
//
//     mona_sdk_runner --cases DIR [--differences]
//
// Each in a process of its own, because the environment is the process's. A line for each, then
// `N passed, M failed, K skipped`; the exit code is 1 if any failed.

#include "golden/recorded_cases.hpp"
#include "golden/sdk_comparison.hpp"
#include "golden/sdk_differences.hpp"
#include "golden/sdk_player.hpp"
#include "golden/sdk_server.hpp"
#include "golden/sdk_value.hpp"

#include <string>
#include <utility>

namespace monarc::golden {
namespace {

std::string play_and_judge(const std::string& name, const json_value& as_recorded) {
    sdk_server server;
    const auto text = placed(as_recorded, {.live = server.live_port(), .dead = server.dead_port()});
    const auto document = sink::python::document::read(text);
    if (!document) {
        return "no JSON once all is in its place";
    }
    const auto& recording = document->root();
    server.answer_by(recording.find("setup")->find("responses"));
    const auto seen = play_sdk(recording, server);
    auto expected = recorded_sdk(recording);
    if (auto wrong = replace_sdk_expectation(name, recording, seen, expected); !wrong.empty()) {
        return wrong;
    }
    return first_difference(expected, seen);
}

judgement judge_recording(const json_value& recording) {
    const auto* const id = recording.find("id");
    for (const char* const member : {"setup", "steps", "expected"}) {
        if (id == nullptr || recording.find(member) == nullptr) {
            return {.verdict = verdict::failed, .why = "no recording of mona_sdk"};
        }
    }
    const std::string name(id->text);
    if (is_skipped_sdk(name)) {
        return {.verdict = verdict::skipped, .why = "no form in C++, or a service"};
    }
    auto why = play_in_child([&] { return play_and_judge(name, recording); });
    return {.verdict = why.empty() ? verdict::passed : verdict::failed, .why = std::move(why)};
}

} // namespace
} // namespace monarc::golden

int main(int argc, char** argv) {
    using namespace monarc::golden;
    const runner what{
        .program = "mona_sdk_runner",
        .judge = judge_recording,
        .table_of_differences = sdk_table_of_differences};
    return run(what, argc, argv);
}
