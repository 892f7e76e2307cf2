#pragma once

// The expression of an alarm definition: `max(cpu{host=a}, 120) > 90 times 3 and …`. Pure.

#include "sink/monasca_metrics.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

enum class alarm_function { max, min, avg, count, sum, last };
enum class alarm_comparison { lt, lte, gt, gte };

// One metric against one number.
struct sub_expression {
    alarm_function function = alarm_function::max;
    std::string metric{};
    dimension_list dimensions{}; ///< As they are written.
    bool is_deterministic = false;
    std::int64_t period = 60; ///< Seconds; a multiple of 60.
    alarm_comparison comparison = alarm_comparison::gt;
    double threshold = 0;
    std::int64_t periods = 1;

    bool admits(std::string_view name, const dimension_list& of) const;
    bool is_met_by(double number) const noexcept;
    std::string text() const;
};

std::string_view name(alarm_function f) noexcept;   ///< MAX
std::string_view name(alarm_comparison c) noexcept; ///< GT

struct alarm_expression {
    std::vector<sub_expression> subs{};
    /// In the order of a stack: a number of `subs`, or what to do with the two on top.
    static constexpr int both = -1;
    static constexpr int either = -2;
    std::vector<int> steps{};

    bool is_deterministic() const noexcept;
};

// What the parser says, at which character; the first is 1.
struct expression_error : std::runtime_error {
    expression_error(std::size_t its_column, const std::string& message)
        : std::runtime_error(message), column(its_column) {}

    std::size_t column;
};

// Fails: throws expression_error.
alarm_expression read_expression(std::string_view text);

} // namespace monarc::sink
