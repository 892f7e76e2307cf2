#include "golden/recorded_cases.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace monarc::golden {
namespace {

constexpr int longest_play = 120'000; // milliseconds

// What no play may end without saying, so that a crash is no pass.
constexpr std::string_view done = "done\n";

// In the child: plays, and writes what is wrong to `to`.
[[noreturn]] void play_here(const std::function<std::string()>& play, int to) {
    std::string said;
    try {
        said = play();
    } catch (const std::exception& error) {
        said = fmt::format("the runner failed: {}", error.what());
    }
    said += done;
    [[maybe_unused]] const auto written = ::write(to, said.data(), said.size());
    std::exit(0); // not _exit: what a client does at exit belongs to the play
}

// Returns: whether the other end was closed.
bool read_until(int from, int timeout, std::string& all) {
    char buffer[4096];
    while (true) {
        pollfd one{.fd = from, .events = POLLIN, .revents = 0};
        if (::poll(&one, 1, timeout) <= 0) {
            return false;
        }
        const auto got = ::read(from, buffer, sizeof buffer);
        if (got <= 0) {
            return got == 0;
        }
        all.append(buffer, static_cast<std::size_t>(got));
    }
}

judgement judge_file(const runner& what, const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto document = sink::python::document::read(text);
    if (!document) {
        return {.verdict = verdict::failed, .why = "no JSON"};
    }
    return what.judge(document->root());
}

int run_folder(const runner& what, const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    int counts[3]{};
    for (const auto& file : files) {
        const auto result = judge_file(what, file);
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
        fmt::print(stderr, "{}: no *.json in {}\n", what.program, folder.c_str());
        return 1;
    }
    return counts[1] == 0 ? 0 : 1;
}

} // namespace

std::string play_in_child(const std::function<std::string()>& play) {
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
        play_here(play, ends[1]);
    }
    ::close(ends[1]);
    std::string said;
    const bool has_ended = read_until(ends[0], longest_play, said);
    ::close(ends[0]);
    if (!has_ended || !said.ends_with(done)) {
        ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!has_ended || !said.ends_with(done)) {
        return fmt::format("its process hung or died (status {})", status);
    }
    said.resize(said.size() - done.size());
    if (said.empty() && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        return fmt::format("its process died at exit (status {})", status);
    }
    return said;
}

int run(const runner& what, int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (arguments.size() == 1 && arguments[0] == "--differences") {
        std::fputs(what.table_of_differences().c_str(), stdout);
        return 0;
    }
    if (arguments.size() != 2 || arguments[0] != "--cases") {
        fmt::print(stderr, "usage: {} --cases DIR | --differences\n", what.program);
        return 2;
    }
    std::error_code ec;
    if (!std::filesystem::is_directory(arguments[1], ec)) {
        fmt::print(stderr, "{}: {}: no such folder\n", what.program, arguments[1]);
        return 2;
    }
    return run_folder(what, arguments[1]);
}

} // namespace monarc::golden
