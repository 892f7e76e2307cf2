// Plays every recording of mona-client in a folder with the functions of mona_client and compares.
//
//     mona_client_runner --cases DIR [--differences]
//
// Each in a process of its own, because the client is the process's. A line for each, then
// `N passed, M failed, K skipped`; the exit code is 1 if any failed.

#include "golden/comparison.hpp"
#include "golden/differences.hpp"
#include "golden/script_player.hpp"
#include "support/temporary_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::golden {
namespace {

constexpr int longest_play = 120'000; // milliseconds

// What no play may end without saying, so that a crash is no pass.
constexpr std::string_view done = "done\n";

// In the child: plays, judges, and writes why not to `to`.
[[noreturn]] void
play_here(std::string_view name, const json_value& recording, bool is_exact, int to) {
    std::string said;
    try {
        const support::temporary_folder folder;
        const auto stdout_file = folder.path("stdout");
        const int file =
            ::open(stdout_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ::dup2(file, STDOUT_FILENO);
        const auto seen = play(recording, {.is_exact = is_exact, .folder = folder.path(".")});
        const auto verdict = judge(name, recording, seen, is_exact);
        if (verdict.verdict == verdict::failed) {
            said = (is_exact ? "exact traffic: " : "") + verdict.why;
        }
    } catch (const std::exception& error) {
        said = fmt::format("the runner failed: {}", error.what());
    }
    said += done;
    [[maybe_unused]] const auto written = ::write(to, said.data(), said.size());
    std::exit(0); // not _exit: what the client does at exit belongs to the play
}

std::string read_until(int from, int timeout) {
    std::string all;
    char buffer[4096];
    while (true) {
        pollfd one{.fd = from, .events = POLLIN, .revents = 0};
        if (::poll(&one, 1, timeout) <= 0) {
            return all;
        }
        const auto got = ::read(from, buffer, sizeof buffer);
        if (got <= 0) {
            return all;
        }
        all.append(buffer, static_cast<std::size_t>(got));
    }
}

// Returns: why it failed, empty if it passed.
std::string play_in_child(std::string_view name, const json_value& recording, bool is_exact) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return "no pipe";
    }
    std::fflush(stdout);
    const auto child = ::fork();
    if (child < 0) {
        return "no process";
    }
    if (child == 0) {
        ::close(ends[0]);
        play_here(name, recording, is_exact, ends[1]);
    }
    ::close(ends[1]);
    auto said = read_until(ends[0], longest_play);
    ::close(ends[0]);
    if (!said.ends_with(done)) {
        ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!said.ends_with(done)) {
        return fmt::format("its process hung or died (status {})", status);
    }
    said.resize(said.size() - done.size());
    if (said.empty() && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        return fmt::format("its process died at exit (status {})", status);
    }
    return said;
}

judgement run_case(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto document = sink::python::document::read(text);
    if (!document) {
        return {.verdict = verdict::failed, .why = "no JSON"};
    }
    const auto& recording = document->root();
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
    auto why = play_in_child(name, recording, false);
    if (why.empty() && recording.find("expected")->find("raw_base64") != nullptr) {
        why = play_in_child(name, recording, true);
    }
    return {.verdict = why.empty() ? verdict::passed : verdict::failed, .why = std::move(why)};
}

int run(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    int counts[3]{};
    for (const auto& file : files) {
        const auto result = run_case(file);
        ++counts[static_cast<int>(result.verdict)];
        constexpr const char* words[] = {"PASS", "FAIL", "SKIP"};
        std::printf(
            "%s %s%s%s\n",
            words[static_cast<int>(result.verdict)],
            file.stem().c_str(),
            result.why.empty() ? "" : ": ",
            result.why.c_str());
    }
    std::printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
    if (files.empty()) {
        std::fprintf(stderr, "mona_client_runner: no *.json in %s\n", folder.c_str());
        return 1;
    }
    return counts[1] == 0 ? 0 : 1;
}

} // namespace
} // namespace monarc::golden

int main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (arguments.size() == 1 && arguments[0] == "--differences") {
        std::fputs(monarc::golden::table_of_differences().c_str(), stdout);
        return 0;
    }
    if (arguments.size() != 2 || arguments[0] != "--cases") {
        std::fputs("usage: mona_client_runner --cases DIR | --differences\n", stderr);
        return 2;
    }
    std::error_code ec;
    if (!std::filesystem::is_directory(arguments[1], ec)) {
        std::fprintf(stderr, "mona_client_runner: %s: no such folder\n", argv[2]);
        return 2;
    }
    return monarc::golden::run(arguments[1]);
}
