#include "sink_process.hpp"

#include <fcntl.h>
#include <simdjson.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

extern char** environ;

namespace example {
namespace {

std::uint64_t number(simdjson::dom::element all, const char* pointer) {
    std::uint64_t value = 0;
    [[maybe_unused]] const auto error =
        all.at_pointer(pointer).get(value); // null where there was nothing: 0
    return value;
}

sink_summary parse(const std::string& text) {
    sink_summary s;
    simdjson::dom::parser parser;
    simdjson::dom::element all;
    if (parser.parse(text).get(all) != simdjson::SUCCESS) {
        return s;
    }
    s.is_valid = true;
    s.events = number(all, "/totals/events");
    s.repeats = number(all, "/totals/repeats");
    s.records = number(all, "/totals/records");
    s.fields = number(all, "/totals/fields");
    s.class_messages = number(all, "/totals/class_messages");
    s.contexts = number(all, "/totals/contexts");
    s.sum_count = number(all, "/sum/count");
    s.sum = number(all, "/sum/sum");
    s.sum_min = number(all, "/sum/min");
    s.sum_max = number(all, "/sum/max");
    s.sum_xor = number(all, "/sum/xor");
    s.measurements = number(all, "/monasca/accepted") - number(all, "/monasca/repeats");
    s.violations = number(all, "/monasca/violations");
    simdjson::dom::object metrics;
    if (all.at_pointer("/monasca/metrics").get(metrics) == simdjson::SUCCESS) {
        for (const auto& [name, metric] : metrics) {
            const auto real = [&](const char* pointer) {
                double value = 0;
                [[maybe_unused]] const auto error = metric.at_pointer(pointer).get(value);
                return value;
            };
            s.metric_sums[std::string(name)] = real("/sum") - real("/repeated_sum");
        }
    }
    return s;
}

} // namespace

sink_process::sink_process(std::string command, sink_options options)
    : command_(std::move(command)), options_(std::move(options)) {}

sink_process::~sink_process() {
    kill();
}

bool sink_process::start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        std::perror("sink: pipe");
        return false;
    }
    std::vector<std::string> words{
        command_, "sink", "--port", std::to_string(port_), "--json", "--sum", "sequence"};
    if (!options_.store.empty()) {
        words.insert(words.end(), {"--store", options_.store});
    }
    if (options_.lose != 0) {
        words.insert(words.end(), {"--lose", std::to_string(options_.lose)});
    }
    if (options_.is_monasca) {
        words.insert(words.end(), {"--monasca-port", std::to_string(monasca_port_)});
    }
    std::vector<char*> arguments;
    for (auto& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const int error =
        ::posix_spawn(&pid_, command_.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
    if (error != 0) {
        std::fprintf(
            stderr,
            "sink: start %s: error %d; give the program with --monarc PATH\n",
            command_.c_str(),
            error);
        pid_ = -1;
        return false;
    }
    port_ = read_port(); // sink: listening on 127.0.0.1:PORT
    if (port_ != 0 && options_.is_monasca) {
        monasca_port_ = read_port(); // sink: monasca listening on 127.0.0.1:PORT
    }
    return port_ != 0 && (!options_.is_monasca || monasca_port_ != 0);
}

std::uint16_t sink_process::read_port() {
    const auto line = read_line();
    const auto colon = line.rfind(':');
    const auto port = colon == std::string::npos ? 0 : std::atoi(line.c_str() + colon + 1);
    if (port <= 0) {
        std::fprintf(stderr, "sink: it did not start: %s\n", line.c_str());
        return 0;
    }
    return static_cast<std::uint16_t>(port);
}

std::string sink_process::read_line() {
    std::string line;
    for (char c = 0; ::read(output_, &c, 1) == 1 && c != '\n';) {
        line += c;
    }
    return line;
}

void sink_process::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::close(output_);
        pid_ = -1;
    }
}

sink_summary sink_process::stop() {
    ::kill(pid_, SIGTERM);
    std::string text;
    char part[4096];
    for (ssize_t got = 0; (got = ::read(output_, part, sizeof part)) != 0;) {
        if (got < 0 && errno != EINTR) {
            break;
        }
        text.append(part, got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    ::waitpid(pid_, nullptr, 0);
    ::close(output_);
    pid_ = -1;
    return parse(text);
}

} // namespace example
