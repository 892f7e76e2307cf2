#pragma once

// What a bar is, and the table that says whether all are met.

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::bench {

enum class rule { at_most, at_least, reported };

// One line of one run. What is judged is value / base; without a name of the base, the value.
struct figure {
    std::string goal;
    double value;
    std::string unit;
    std::string base_name{};
    double base = 1.0;
    rule judged = rule::reported;
    double bar = 0.0;

    double measure() const noexcept { return base_name.empty() ? value : value / base; }
};

// Why the figures of a run cannot be trusted; empty if they can.
struct run_result {
    std::vector<figure> figures;
    std::string implausible{};
};

inline constexpr int bar_runs = 3;

// Runs three times, prints every run and the best of each line.
// Returns: 0 when all bars are met, 1 when one is missed, 2 when a run is implausible.
int judge_bars(std::string_view program, const std::function<run_result()>& run);

inline bool wants_bars(int argc, char** argv) {
    return std::any_of(
        argv, argv + argc, [](const char* word) { return std::string_view(word) == "--bars"; });
}

// The value below which `share` of all lie; sorts a copy's part only.
template <class Value>
Value quantile(std::vector<Value> values, double share) {
    const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + at, values.end());
    return values[static_cast<std::size_t>(at)];
}

} // namespace monarc::bench
