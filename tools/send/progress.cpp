#include "send/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace monarc::send {
namespace {

using namespace std::chrono;

constexpr auto rate_span = seconds(5);
constexpr double mebibyte = 1024.0 * 1024.0;

double seconds_of(steady_clock::duration span) {
    return duration<double>(span).count();
}

// Of an error only what fits: a bar that breaks into two lines is no bar.
std::string cut(std::string text, std::size_t columns) {
    std::size_t used = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < 0x80 || byte >= 0xc0) { // the first of a character
            if (used == columns) {
                text.resize(at);
                break;
            }
            ++used;
        }
        if (byte < 0x20) {
            text[at] = ' ';
        }
    }
    return text;
}

} // namespace

std::string short_count(double count) {
    if (count < 10'000) {
        return fmt::format("{:.0f}", count);
    }
    if (count < 1e6) {
        return fmt::format("{:.1f} k", count / 1e3);
    }
    return fmt::format("{:.2f} M", count / 1e6);
}

std::string short_duration(std::chrono::seconds span) {
    const auto s = span.count();
    return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                    : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

void progress::add(const progress_facts& facts, time_point now) {
    facts_ = facts;
    trouble_ = facts.trouble;
    facts_.trouble = {};
    samples_.push_back({now, facts.bytes_read, facts.records});
    while (samples_.size() > 2 && now - samples_[1].at >= rate_span) {
        samples_.pop_front();
    }
}

double progress::per_second(std::uint64_t sample::*what) const noexcept {
    if (samples_.size() < 2) {
        return 0.0;
    }
    const auto span = seconds_of(samples_.back().at - samples_.front().at);
    const auto count = static_cast<double>(samples_.back().*what - samples_.front().*what);
    return span > 0.0 ? count / span : 0.0;
}

std::string progress::eta() const {
    const auto rate = per_second(&sample::bytes);
    if (!facts_.bytes_total || *facts_.bytes_total <= facts_.bytes_read || rate <= 0.0) {
        return {};
    }
    const auto left = static_cast<double>(*facts_.bytes_total - facts_.bytes_read) / rate;
    constexpr double longest = 360'000.0;
    return ", ETA " + short_duration(seconds(static_cast<std::int64_t>(std::min(left, longest))));
}

std::string progress::bar(std::size_t columns, bool has_colour) const {
    constexpr std::size_t cells = 20;
    std::string drawn = "send: ";
    if (facts_.bytes_total) {
        const auto total = std::max<std::uint64_t>(1, *facts_.bytes_total);
        const auto read = std::min(facts_.bytes_read, total);
        const auto full = static_cast<std::size_t>(read * cells / total);
        drawn = fmt::format(
            "[{}{}] {:3} % ",
            std::string(full, '='),
            std::string(cells - full, ' '),
            read * 100 / total);
    }
    auto text = fmt::format(
        "{} records ({}/s, {:.1f} MiB/s), {} acknowledged{}",
        short_count(static_cast<double>(facts_.records)),
        short_count(per_second(&sample::records)),
        per_second(&sample::bytes) / mebibyte,
        short_count(static_cast<double>(facts_.acknowledged)),
        eta());
    if (facts_.bad_lines != 0) {
        text += fmt::format(", {} bad lines", facts_.bad_lines);
    }
    if (!trouble_.empty()) {
        text += "; waiting: " + trouble_;
    }
    const auto room = columns > 1 ? columns - 1 : 0; // in the last column some terminals wrap
    if (drawn.size() + 10 > room) {
        return cut(text, room);
    }
    text = cut(text, room - drawn.size());
    if (!has_colour) {
        return drawn + text;
    }
    constexpr std::string_view green = "\x1b[32m";
    constexpr std::string_view yellow = "\x1b[33m";
    constexpr std::string_view plain = "\x1b[0m";
    return fmt::format("{}{}{}{}", trouble_.empty() ? green : yellow, drawn, plain, text);
}

std::string progress::line() const {
    auto text = fmt::format("{:.1f}", static_cast<double>(facts_.bytes_read) / mebibyte);
    if (facts_.bytes_total) {
        const auto total = static_cast<double>(*facts_.bytes_total);
        const auto share = // a file may grow
            total > 0.0 ? std::min(1.0, static_cast<double>(facts_.bytes_read) / total) : 1.0;
        text += fmt::format(" of {:.1f} MiB ({:.0f} %)", total / mebibyte, share * 100.0);
    } else {
        text += " MiB";
    }
    text += fmt::format(
        " read, {} records ({:.0f}/s, {:.1f} MiB/s), {} acknowledged{}",
        facts_.records,
        per_second(&sample::records),
        per_second(&sample::bytes) / mebibyte,
        facts_.acknowledged,
        eta());
    if (facts_.bad_lines != 0) {
        text += fmt::format(", {} bad lines", facts_.bad_lines);
    }
    return trouble_.empty() ? text : text + "; waiting: " + trouble_;
}

} // namespace monarc::send
