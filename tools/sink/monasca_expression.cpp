#include "sink/monasca_expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace monarc::sink {
namespace {

constexpr int max_nesting = 50;
constexpr std::size_t max_subs = 32;
constexpr std::string_view signs = ".-_#!$%&'*+/:;?@[\\]^`|~";

constexpr std::array<std::string_view, 6> functions{"max", "min", "avg", "count", "sum", "last"};

bool is_letter_or_digit(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_identifier(char c) noexcept {
    return is_letter_or_digit(c) || (static_cast<unsigned char>(c) & 0x80) != 0 ||
           signs.find(c) != std::string_view::npos;
}

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_same(char a, char b) noexcept {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
}

class parser {
public:
    explicit parser(std::string_view text) : text_(text) {}

    alarm_expression read() {
        read_either();
        skip();
        if (at_ != text_.size())
            fail("Expected end of text");
        return std::move(made_);
    }

private:
    [[noreturn]] void fail(const std::string& message) const {
        throw expression_error(at_ + 1, message);
    }

    void skip() noexcept {
        while (at_ < text_.size() && is_blank(text_[at_]))
            ++at_;
    }

    // Whatever the case of its letters.
    bool take(std::string_view word) noexcept {
        skip();
        const auto rest = text_.substr(at_);
        if (rest.size() < word.size() ||
            !std::equal(word.begin(), word.end(), rest.begin(), [](char w, char t) {
                return is_same(t, w);
            }))
            return false;
        at_ += word.size();
        return true;
    }

    void expect(std::string_view sign) {
        if (!take(sign))
            fail(fmt::format("Expected \"{}\"", sign));
    }

    // `or` binds less than `and`.
    void read_either() {
        read_both();
        while (take("or") || take("||")) {
            read_both();
            made_.steps.push_back(alarm_expression::either);
        }
    }

    void read_both() {
        read_one();
        while (take("and") || take("&&")) {
            read_one();
            made_.steps.push_back(alarm_expression::both);
        }
    }

    void read_one() {
        if (!take("(")) {
            read_sub();
            return;
        }
        if (++nesting_ > max_nesting)
            fail("Nested too deeply");
        read_either();
        expect(")");
        --nesting_;
    }

    std::optional<alarm_function> take_function() noexcept {
        const auto before = at_;
        for (std::size_t i = 0; i < functions.size(); ++i) {
            if (take(functions[i]) && take("("))
                return static_cast<alarm_function>(i);
            at_ = before;
        }
        return std::nullopt;
    }

    void read_sub() {
        sub_expression sub;
        if (made_.subs.size() == max_subs)
            fail(fmt::format("More than {} subexpressions", max_subs));
        skip();
        const auto function = take_function();
        read_metric(sub);
        if (function) {
            sub.function = *function;
            if (take(","))
                read_options(sub);
            expect(")");
        }
        sub.comparison = read_comparison();
        // Without a function the one that the comparison makes sense with.
        if (!function &&
            (sub.comparison == alarm_comparison::lt || sub.comparison == alarm_comparison::lte))
            sub.function = alarm_function::min;
        sub.threshold = read_threshold();
        if (take("times")) {
            sub.periods = read_integer();
            if (sub.periods < 1)
                fail(fmt::format("Periods {} must be 1 or greater", sub.periods));
        }
        made_.steps.push_back(static_cast<int>(made_.subs.size()));
        made_.subs.push_back(std::move(sub));
    }

    void read_options(sub_expression& sub) {
        if (take("deterministic")) {
            sub.is_deterministic = true;
            if (!take(","))
                return;
        }
        sub.period = read_integer();
        if (sub.period == 0)
            fail("Period must not be 0");
        if (sub.period % 60 != 0)
            fail(fmt::format("Period {} must be a multiple of 60", sub.period));
    }

    void read_metric(sub_expression& sub) {
        sub.metric = read_word(false);
        if (!take("{"))
            return;
        while (!take("}")) {
            if (!sub.dimensions.empty())
                expect(",");
            auto key = read_word(true);
            expect("=");
            sub.dimensions.emplace_back(std::move(key), read_word(true));
        }
    }

    std::string read_word(bool with_blanks) {
        skip();
        const auto begin = at_;
        while (at_ < text_.size() &&
               (is_identifier(text_[at_]) || (with_blanks && text_[at_] == ' ')))
            ++at_;
        auto word = text_.substr(begin, at_ - begin);
        while (word.ends_with(' '))
            word.remove_suffix(1);
        if (word.empty())
            fail("Expected a name");
        return std::string(word);
    }

    alarm_comparison read_comparison() {
        using enum alarm_comparison;
        if (take("<=") || take("lte"))
            return lte;
        if (take("<") || take("lt"))
            return lt;
        if (take(">=") || take("gte"))
            return gte;
        if (take(">") || take("gt"))
            return gt;
        fail("Expected one of <, <=, >, >=");
    }

    std::string_view read_digits() {
        const auto begin = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
            ++at_;
        if (begin == at_)
            fail("Expected a number");
        return text_.substr(begin, at_ - begin);
    }

    std::int64_t read_integer() {
        constexpr std::int64_t most = std::int64_t{100} * 366 * 86'400;
        skip();
        const auto digits = read_digits();
        std::int64_t number = most;
        const auto got = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        return got.ec == std::errc() ? std::min(number, most) : most;
    }

    double read_threshold() {
        const bool is_negative = take("-");
        skip();
        const auto begin = at_;
        (void)read_digits();
        if (at_ < text_.size() && text_[at_] == '.') {
            ++at_;
            (void)read_digits();
        }
        double number = 0;
        (void)std::from_chars(text_.data() + begin, text_.data() + at_, number);
        return is_negative ? -number : number;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int nesting_ = 0;
    alarm_expression made_;
};

} // namespace

bool sub_expression::admits(std::string_view name, const dimension_list& of) const {
    return name == metric && std::all_of(dimensions.begin(), dimensions.end(), [&](const auto& d) {
               return std::find(of.begin(), of.end(), d) != of.end();
           });
}

bool sub_expression::is_met_by(double number) const noexcept {
    switch (comparison) {
    case alarm_comparison::lt: return number < threshold;
    case alarm_comparison::lte: return number <= threshold;
    case alarm_comparison::gt: return number > threshold;
    case alarm_comparison::gte: return number >= threshold;
    }
    return false;
}

std::string sub_expression::text() const {
    constexpr std::array<std::string_view, 4> written{"<", "<=", ">", ">="};
    auto made = fmt::format("{}({}", functions[static_cast<std::size_t>(function)], metric);
    if (!dimensions.empty()) {
        made += '{';
        for (const auto& [key, value] : dimensions)
            made +=
                fmt::format("{}{}={}", &key == &dimensions.front().first ? "" : ", ", key, value);
        made += '}';
    }
    if (is_deterministic)
        made += ", deterministic";
    if (period != 60)
        made += fmt::format(", {}", period);
    made += fmt::format(") {} {}", written[static_cast<std::size_t>(comparison)], threshold);
    if (periods != 1)
        made += fmt::format(" times {}", periods);
    return made;
}

std::string_view name(alarm_function f) noexcept {
    constexpr std::array<std::string_view, 6> all{"MAX", "MIN", "AVG", "COUNT", "SUM", "LAST"};
    return all[static_cast<std::size_t>(f)];
}

std::string_view name(alarm_comparison c) noexcept {
    constexpr std::array<std::string_view, 4> all{"LT", "LTE", "GT", "GTE"};
    return all[static_cast<std::size_t>(c)];
}

bool alarm_expression::is_deterministic() const noexcept {
    return std::all_of(
        subs.begin(), subs.end(), [](const auto& sub) { return sub.is_deterministic; });
}

alarm_expression read_expression(std::string_view text) {
    return parser(text).read();
}

} // namespace monarc::sink
