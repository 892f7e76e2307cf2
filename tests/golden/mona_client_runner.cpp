// Plays every recording of mona-client in a folder with the functions of mona_client and compares.
//
//     mona_client_runner --cases DIR [--play-once]
//     mona_client_runner --differences
//
// Each in a process of its own, because the client is the process's. A line for each, then
// `N passed, M failed, K skipped`; the exit code is 1 if any failed.

#include "golden/comparison.hpp"
#include "golden/differences.hpp"
#include "golden/recorded_cases.hpp"
#include "golden/recorded_shape.hpp"
#include "golden/script_player.hpp"
#include "support/temporary_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <vector>

namespace monarc::golden {
namespace {

std::vector<std::string>
play_and_judge(const std::string& name, const recordings& all, bool is_exact) {
    const support::temporary_folder folder;
    const auto stdout_file = folder.path("stdout");
    const int file = ::open(stdout_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(file, STDOUT_FILENO);
    const auto seen = play(*all.front(), {.is_exact = is_exact, .folder = folder.path(".")});
    std::vector<std::string> whys;
    for (const auto* const one : all) {
        whys.push_back(judge(name, *one, seen, is_exact));
    }
    return whys;
}

std::vector<std::string> judge_recordings(const std::string& name, const recordings& all) {
    auto whys = play_in_child(all.size(), [&] { return play_and_judge(name, all, false); });
    recordings with_bytes;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (whys[i].empty() && all[i]->find("expected")->find("raw_base64") != nullptr) {
            with_bytes.push_back(all[i]);
            places.push_back(i);
        }
    }
    if (with_bytes.empty()) {
        return whys;
    }
    const auto exact =
        play_in_child(with_bytes.size(), [&] { return play_and_judge(name, with_bytes, true); });
    for (std::size_t i = 0; i < exact.size(); ++i) {
        whys[places[i]] = exact[i].empty() ? "" : "exact traffic: " + exact[i];
    }
    return whys;
}

} // namespace
} // namespace monarc::golden

int main(int argc, char** argv) {
    using namespace monarc::golden;
    const runner what{
        .program = "mona_client_runner",
        .client = "mona-client",
        .members = {"setup", "steps", "expected", "clock"},
        .wrong_form = wrong_form_of_mona_client,
        .is_skipped = is_skipped,
        .why_skipped = "not expressible in C++",
        .judge = judge_recordings,
        .table_of_differences = table_of_differences};
    return run(what, argc, argv);
}
