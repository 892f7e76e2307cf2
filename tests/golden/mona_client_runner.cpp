// Plays every recording of mona-client in a folder with the functions of mona_client and compares.
//
//     mona_client_runner --cases DIR [--differences]
//
// Each in a process of its own, because the client is the process's. A line for each, then
// `N passed, M failed, K skipped`; the exit code is 1 if any failed.

#include "golden/comparison.hpp"
#include "golden/differences.hpp"
#include "golden/recorded_cases.hpp"
#include "golden/script_player.hpp"
#include "support/temporary_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace monarc::golden {
namespace {

std::string play_and_judge(const std::string& name, const json_value& recording, bool is_exact) {
    const support::temporary_folder folder;
    const auto stdout_file = folder.path("stdout");
    const int file = ::open(stdout_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(file, STDOUT_FILENO);
    const auto seen = play(recording, {.is_exact = is_exact, .folder = folder.path(".")});
    const auto result = judge(name, recording, seen, is_exact);
    return result.verdict == verdict::failed ? (is_exact ? "exact traffic: " : "") + result.why
                                             : std::string();
}

judgement judge_recording(const json_value& recording) {
    const auto* const id = recording.find("id");
    for (const char* const member : {"setup", "steps", "expected", "clock"}) {
        if (id == nullptr || recording.find(member) == nullptr) {
            return {.verdict = verdict::failed, .why = "no recording of mona-client"};
        }
    }
    const std::string name(id->text);
    if (is_skipped(name)) {
        return {.verdict = verdict::skipped, .why = "not expressible in C++"};
    }
    auto why = play_in_child([&] { return play_and_judge(name, recording, false); });
    if (why.empty() && recording.find("expected")->find("raw_base64") != nullptr) {
        why = play_in_child([&] { return play_and_judge(name, recording, true); });
    }
    return {.verdict = why.empty() ? verdict::passed : verdict::failed, .why = std::move(why)};
}

} // namespace
} // namespace monarc::golden

int main(int argc, char** argv) {
    using namespace monarc::golden;
    const runner what{
        .program = "mona_client_runner",
        .judge = judge_recording,
        .table_of_differences = table_of_differences};
    return run(what, argc, argv);
}
