#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace example {
namespace {

using std::chrono::nanoseconds;

// By the nearest rank; `sorted` is.
nanoseconds percentile(const push_times& sorted, double p) {
    if (sorted.empty()) {
        return {};
    }
    const auto rank = std::ceil(p / 100 * static_cast<double>(sorted.size()));
    return sorted[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
}

// What the clock sees of itself: the median time between two readings with nothing in between.
nanoseconds cost_of_clock() {
    using clock = std::chrono::steady_clock;
    push_times all(2001);
    for (auto& one : all) {
        const auto begin = clock::now();
        one = clock::now() - begin;
    }
    std::sort(all.begin(), all.end());
    return percentile(all, 50);
}

struct push_figures {
    std::size_t timed = 0;
    nanoseconds p50{}, p99{}, p99_9{};
    nanoseconds clock{}; // contained in the others
};

push_figures figures_of(push_times times) {
    std::sort(times.begin(), times.end());
    return {
        times.size(),
        percentile(times, 50),
        percentile(times, 99),
        percentile(times, 99.9),
        cost_of_clock()};
}

double bytes_per_record(const monarc::destination_stats& d) {
    return static_cast<double>(d.wire_bytes) /
           static_cast<double>(std::max<std::uint64_t>(1, d.delivered));
}

std::string or_else(const std::optional<std::uint64_t>& count, std::string_view nothing) {
    return count ? std::to_string(*count) : std::string(nothing);
}

void print(const report& r, const push_figures& push) {
    fmt::print(
        "pushed {} records in {:.2f} s, delivered after {:.2f} s; {} merged\n",
        r.stats.accepted,
        r.pushing.count(),
        r.delivered.count(),
        r.stats.merged);
    if (push.timed != 0) {
        fmt::print(
            "one push: p50 {} ns, p99 {} ns, p99.9 {} ns; {} timed, {} ns of each for the clock\n",
            push.p50.count(),
            push.p99.count(),
            push.p99_9.count(),
            push.timed,
            push.clock.count());
    }
    constexpr std::string_view line = "  {:<28} {:>14} {:>14} {:>14}{}\n";
    fmt::print(line, "", "application", "exporter", "sink", "");
    for (const auto& l : r.ledgers) {
        for (const auto& row : l.rows) {
            fmt::print(
                line,
                l.destination + ": " + row.what,
                or_else(row.application, ""),
                or_else(row.exporter, ""),
                or_else(row.sink, ""),
                row.agrees() ? "" : "   <- differ");
        }
        const auto bytes = fmt::format("{:.2f}", bytes_per_record(l.counted));
        fmt::print(line, l.destination + ": bytes a record", "", bytes, "", "");
    }
    for (const auto& l : r.ledgers) {
        fmt::print("ledger: {} ({})\n", l.is_exact() ? "exact" : "NOT exact", l.destination);
    }
}

// Every name in it is ours: there is nothing to escape.
std::string to_json(const ledger& l) {
    std::string rows;
    for (const auto& row : l.rows) {
        rows += fmt::format(
            R"({}{{"what":"{}","application":{},"exporter":{},"sink":{}}})",
            rows.empty() ? "" : ",",
            row.what,
            or_else(row.application, "null"),
            or_else(row.exporter, "null"),
            or_else(row.sink, "null"));
    }
    return fmt::format(
        R"({{"name":"{}","exact":{},"bytes_a_record":{:.2f},"rows":[{}]}})",
        l.destination,
        l.is_exact(),
        bytes_per_record(l.counted),
        rows);
}

std::string to_json(const report& r, const push_figures& push) {
    std::string ledgers;
    for (const auto& l : r.ledgers) {
        ledgers += (ledgers.empty() ? "" : ",") + to_json(l);
    }
    return fmt::format(
        R"({{"example":"{}","data_rows":{},"contexts":{},"records":{},"refused":{},"merged":{},)"
        R"("pushing_s":{:.3f},"delivered_s":{:.3f},"push_ns":{{"p50":{},"p99":{},"p99.9":{},)"
        R"("timed":{},"clock":{}}},"destinations":[{}]}})"
        "\n",
        r.example,
        r.data_rows,
        r.contexts,
        r.stats.accepted,
        r.refused,
        r.stats.merged,
        r.pushing.count(),
        r.delivered.count(),
        push.p50.count(),
        push.p99.count(),
        push.p99_9.count(),
        push.timed,
        push.clock.count(),
        ledgers);
}

bool write_file(const std::string& path, const std::string& text) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    if (file == nullptr) {
        return false;
    }
    const bool is_written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    return std::fclose(file) == 0 && is_written;
}

} // namespace

bool ledger_row::agrees() const noexcept {
    std::optional<std::uint64_t> first;
    for (const auto& count : {application, exporter, sink}) {
        if (count && *count != first.value_or(*count)) {
            return false;
        }
        first = count ? count : first;
    }
    return true;
}

bool ledger::is_exact() const noexcept {
    return is_valid &&
           std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.agrees(); });
}

int finish(const report& r, const std::string& json) {
    const auto push = figures_of(r.times);
    print(r, push);
    if (!json.empty() && !write_file(json, to_json(r, push))) {
        fmt::print(
            stderr,
            "{}: write {}: {}; give another file with --json\n",
            r.example,
            json,
            std::strerror(errno));
        return 2;
    }
    const bool is_exact =
        std::all_of(r.ledgers.begin(), r.ledgers.end(), [](const auto& l) { return l.is_exact(); });
    return is_exact ? 0 : 1;
}

} // namespace example
