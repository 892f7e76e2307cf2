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
#include <map>
#include <optional>
#include <utility>

namespace monarc::golden {
namespace {

constexpr int longest_play = 120'000; // milliseconds

// Behind each text that a play gives, so that a crash is no pass.
constexpr char mark = '\0';

// Ids may have any; a case has one line.
bool is_control(char c) {
    return static_cast<unsigned char>(c) < ' ';
}

// In the child: plays, and writes what is wrong to `to`.
[[noreturn]] void
play_here(std::size_t count, const std::function<std::vector<std::string>()>& play, int to) {
    std::vector<std::string> all;
    try {
        all = play();
    } catch (const std::exception& error) {
        all.assign(count, fmt::format("the runner failed: {}", error.what()));
    }
    std::string said;
    for (auto& one : all) {
        std::replace_if(one.begin(), one.end(), is_control, ' ');
        said += one + mark;
    }
    for (std::string_view left = said; !left.empty();) {
        const auto written = ::write(to, left.data(), left.size());
        left.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : left.size());
    }
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

std::vector<std::string> texts_in(std::string_view said) {
    std::vector<std::string> all;
    for (auto end = said.find(mark); end != said.npos; end = said.find(mark)) {
        all.emplace_back(said.substr(0, end));
        said.remove_prefix(end + 1);
    }
    return all;
}

struct recorded_case {
    std::string name; // of its file
    std::optional<sink::python::document> document;
    std::string why; // it failed
    bool is_skipped = false;
};

recorded_case read_case(const runner& what, const std::filesystem::path& file) {
    recorded_case made{.name = file.stem(), .document = {}, .why = {}};
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    auto document = sink::python::document::read(text);
    if (!document) {
        made.why = fmt::format("{}: no JSON", file.c_str());
        return made;
    }
    made.document = std::move(*document);
    const auto& root = made.document->root();
    const auto* const id = root.find("id");
    const bool is_whole =
        id != nullptr && id->kind == sink::python::kind::text &&
        std::all_of(what.members.begin(), what.members.end(), [&](std::string_view member) {
            return root.find(member) != nullptr;
        });
    if (!is_whole) {
        made.why = fmt::format("no recording of {}", what.client);
    } else {
        made.is_skipped = what.is_skipped(id->text);
        made.why = what.wrong_form(*root.find("expected"));
    }
    return made;
}

// All of a recording but what it expects.
std::string script_of(const json_value& recording) {
    std::string text;
    for (const auto& [name, value] : recording.members) {
        if (name != "expected") {
            text += fmt::format("{}:{},", name, sink::python::to_json(value));
        }
    }
    return text;
}

void judge(const runner& what, const std::vector<recorded_case*>& same) {
    recordings all;
    for (const auto* const one : same) {
        all.push_back(&one->document->root());
    }
    const auto whys = what.judge(std::string(all.front()->find("id")->text), all);
    for (std::size_t i = 0; i < same.size(); ++i) {
        same[i]->why = whys[i];
    }
}

void judge_all(const runner& what, std::vector<recorded_case>& cases) {
    std::map<std::string, std::vector<recorded_case*>> by_script;
    for (auto& one : cases) {
        if (one.why.empty() && !one.is_skipped) {
            by_script[script_of(one.document->root())].push_back(&one);
        }
    }
    for (const auto& [script, same] : by_script) {
        judge(what, same);
    }
}

enum class verdict { passed, failed, skipped };

verdict print(const runner& what, const recorded_case& one) {
    const auto result = !one.why.empty() ? verdict::failed
                        : one.is_skipped ? verdict::skipped
                                         : verdict::passed;
    constexpr const char* words[] = {"PASS", "FAIL", "SKIP"};
    const std::string why(one.is_skipped ? what.why_skipped : one.why);
    std::printf(
        "%s %s%s%s\n",
        words[static_cast<int>(result)],
        one.name.c_str(),
        why.empty() ? "" : ": ",
        why.c_str());
    return result;
}

std::vector<std::filesystem::path> recordings_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

int run_folder(const runner& what, const std::filesystem::path& folder, bool plays_once) {
    std::vector<recorded_case> cases;
    int counts[3]{};
    for (const auto& file : recordings_in(folder)) {
        auto one = read_case(what, file);
        if (!plays_once) {
            if (one.why.empty() && !one.is_skipped) {
                judge(what, {&one});
            }
            ++counts[static_cast<int>(print(what, one))];
            continue;
        }
        cases.push_back(std::move(one));
    }
    judge_all(what, cases);
    for (const auto& one : cases) {
        ++counts[static_cast<int>(print(what, one))];
    }
    std::printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
    if (counts[0] + counts[1] + counts[2] == 0) {
        fmt::print(stderr, "{}: no *.json in {}\n", what.program, folder.c_str());
        return 1;
    }
    return counts[1] == 0 ? 0 : 1;
}

} // namespace

std::vector<std::string>
play_in_child(std::size_t count, const std::function<std::vector<std::string>()>& play) {
    const auto every = [&](const std::string& why) { return std::vector<std::string>(count, why); };
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return every("no pipe");
    }
    std::fflush(stdout);
    const auto child = ::fork();
    if (child < 0) {
        return every("no process");
    }
    if (child == 0) {
        ::close(ends[0]);
        play_here(count, play, ends[1]);
    }
    ::close(ends[1]);
    std::string said;
    const bool has_ended = read_until(ends[0], longest_play, said);
    ::close(ends[0]);
    auto all = texts_in(said);
    const bool is_whole = has_ended && all.size() == count;
    if (!is_whole) {
        ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!is_whole) {
        return every(fmt::format("its process hung or died (status {})", status));
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        std::replace(
            all.begin(),
            all.end(),
            std::string(),
            fmt::format("its process died at exit (status {})", status));
    }
    return all;
}

int run(const runner& what, int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (arguments.size() == 1 && arguments[0] == "--differences") {
        std::fputs(what.table_of_differences().c_str(), stdout);
        return 0;
    }
    const bool plays_once = arguments.size() == 3 && arguments[2] == "--play-once";
    if ((arguments.size() != 2 && !plays_once) || arguments[0] != "--cases") {
        fmt::print(stderr, "usage: {} --cases DIR [--play-once] | --differences\n", what.program);
        return 2;
    }
    std::error_code ec;
    if (!std::filesystem::is_directory(arguments[1], ec)) {
        fmt::print(stderr, "{}: {}: no such folder\n", what.program, arguments[1]);
        return 2;
    }
    try {
        return run_folder(what, arguments[1], plays_once);
    } catch (const std::filesystem::filesystem_error& error) {
        fmt::print(stderr, "{}: {}\n", what.program, error.what());
        return 2;
    }
}

} // namespace monarc::golden
