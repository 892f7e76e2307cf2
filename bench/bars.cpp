#include "bars.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>

namespace monarc::bench {
namespace {

std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    std::string line;
    while (std::getline(info, line)) {
        if (line.starts_with("model name")) {
            return line.substr(line.find(':') + 2);
        }
    }
    return "unknown processor";
}

double load_of_machine() {
    double load = 0.0;
    std::ifstream("/proc/loadavg") >> load;
    return load;
}

std::string text_of(const figure& one) {
    if (one.base_name.empty()) {
        return fmt::format("{:.4g} {}", one.value, one.unit);
    }
    return fmt::format("{:.4g}/{:.4g} {} = {:.2f}", one.value, one.base, one.unit, one.measure());
}

std::string text_of_bar(const figure& one) {
    const auto unit = one.base_name.empty() ? one.unit : fmt::format("x {}", one.base_name);
    return fmt::format("{} {:g} {}", one.judged == rule::at_most ? "<=" : ">=", one.bar, unit);
}

} // namespace

int judge_bars(std::string_view program, const std::function<run_result()>& run) {
    ::utsname kernel{};
    ::uname(&kernel);
    fmt::print(
        "{}: {}, {} cores, {} {}, g++ {}, load {:.2f}\n",
        program,
        processor(),
        ::sysconf(_SC_NPROCESSORS_ONLN),
        kernel.sysname,
        kernel.release,
        __VERSION__,
        load_of_machine());
    std::array<run_result, bar_runs> runs;
    std::string implausible;
    for (int i = 0; i < bar_runs; ++i) {
        auto& one = runs[static_cast<std::size_t>(i)];
        one = run();
        fmt::print("run {} (load {:.2f})\n", i + 1, load_of_machine());
        for (const auto& line : one.figures) {
            fmt::print(
                "  {:<58} {:>34}{}\n",
                line.goal,
                text_of(line),
                line.base_name.empty() ? "" : " x " + line.base_name);
        }
        std::fflush(stdout);
        if (!one.implausible.empty()) {
            fmt::print("  not to be trusted: {}\n", one.implausible);
            implausible = one.implausible;
        }
    }

    fmt::print("best of {}\n", bar_runs);
    bool is_met = true;
    for (std::size_t line = 0; line < runs[0].figures.size(); ++line) {
        const auto& first = runs[0].figures[line];
        const bool wants_large = first.judged == rule::at_least;
        std::array<double, bar_runs> all{};
        for (std::size_t i = 0; i < runs.size(); ++i) {
            all[i] = runs[i].figures[line].measure();
        }
        const double best = wants_large ? *std::max_element(all.begin(), all.end())
                                        : *std::min_element(all.begin(), all.end());
        fmt::print("  {:<58} {:>7.4g} {:>7.4g} {:>7.4g}  ", first.goal, all[0], all[1], all[2]);
        if (first.judged == rule::reported) {
            fmt::print("reported\n");
            continue;
        }
        const bool met = wants_large ? best >= first.bar : best <= first.bar;
        is_met = is_met && met;
        fmt::print("best {:>7.4g}  {:<20} {}\n", best, text_of_bar(first), met ? "met" : "MISSED");
    }
    if (!implausible.empty()) {
        fmt::print("{}: no verdict: {}\n", program, implausible);
        return 2;
    }
    fmt::print("{}: {}\n", program, is_met ? "all bars met" : "a bar was missed");
    return is_met ? 0 : 1;
}

} // namespace monarc::bench
