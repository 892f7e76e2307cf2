#include "send/summary.hpp"

#include "encode/json_writer.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <iterator>

namespace monarc::send {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;

double mebibytes(std::uint64_t bytes) {
    return static_cast<double>(bytes) / mebibyte;
}

std::string_view word(ending how) {
    switch (how) {
    case ending::complete: return "complete";
    case ending::interrupted: return "interrupted";
    case ending::gave_up: return "gave_up";
    case ending::too_many_bad: return "too_many_bad";
    case ending::failed: return "failed";
    }
    return "";
}

std::string reasons_of(const reason_counts& counts) {
    std::string text;
    for (std::size_t i = 0; i < reason_total; ++i) {
        const auto why = static_cast<reason>(i);
        if (counts[why] != 0) {
            text += fmt::format("{}{} {}", text.empty() ? " (" : ", ", to_string(why), counts[why]);
        }
    }
    return text.empty() ? text : text + ")";
}

std::string ledger(const destination_stats& d) {
    return fmt::format(
        "{}: accepted {} = delivered {} + delivered_unacked {} + dead {}{} + dropped {}{} + "
        "filtered {}{} + pending {}\n",
        d.name,
        d.accepted,
        d.delivered,
        d.delivered_unacked,
        d.dead.total(),
        reasons_of(d.dead),
        d.dropped.total(),
        reasons_of(d.dropped),
        d.filtered.total(),
        reasons_of(d.filtered),
        d.pending);
}

double rate(std::uint64_t count, std::chrono::milliseconds took) {
    const auto milliseconds = static_cast<double>(took.count() > 0 ? took.count() : 1);
    return static_cast<double>(count) * 1000.0 / milliseconds;
}

std::string how_to_go_on(const summary& s) {
    if (s.how == ending::complete && s.lost() == 0) {
        return {};
    }
    if (s.lost() != 0 && s.confirmed == s.last_line) { // refused, or too old: again would not help
        return fmt::format("send: {} records were not delivered; the ledger says why\n", s.lost());
    }
    if (s.confirmed == s.last_line) {
        return fmt::format(
            "send: stopped behind line {}, and all up to there is settled; go on with --skip-lines "
            "{}{}\n",
            s.last_line,
            s.confirmed,
            s.resume);
    }
    return fmt::format(
        "send: of lines {} to {} not all was delivered; send them again with --skip-lines {}{}\n",
        s.confirmed + 1,
        s.last_line,
        s.confirmed,
        s.resume);
}

// What was changed on the way, one line for each.
std::string notes(const summary& s) {
    std::string text;
    const auto note = [&](std::uint64_t count, std::string_view what) {
        if (count != 0) {
            text += fmt::format("send: {} {}\n", count, what);
        }
    };
    note(s.stats.stripped_fields, "fields whose names begin with MONA_ were taken out");
    note(s.stats.utf8_repaired, "texts were not UTF-8: their wrong bytes became U+FFFD");
    note(s.repaired, "characters of dimensions that Monasca refuses became _");
    note(
        s.stats.same_millisecond,
        "values were replaced by a later one of the same series and millisecond: Monasca keeps "
        "one");
    return text;
}

} // namespace

std::uint64_t summary::lost() const noexcept {
    std::uint64_t records = 0;
    for (const auto& d : stats.destinations) {
        records += d.dead.total() + d.dropped.total() + d.pending;
    }
    return records;
}

int exit_code(const summary& s) noexcept {
    if (s.how == ending::interrupted) {
        return exit_signal + s.signal;
    }
    if (s.how != ending::complete || s.lost() != 0) {
        return exit_lost;
    }
    return s.bad_lines != 0 ? exit_bad_lines : exit_complete;
}

std::string to_text(const summary& s) {
    std::string text = fmt::format(
        "send: {}: {} lines, {} records, {} bad lines left out\n",
        s.file,
        s.last_line - s.skipped,
        s.records,
        s.bad_lines);
    std::uint64_t wire_bytes = 0;
    std::uint64_t payloads = 0;
    for (const auto& d : s.stats.destinations) {
        text += ledger(d);
        wire_bytes += d.wire_bytes;
        payloads += d.payloads;
    }
    text += notes(s);
    text += fmt::format(
        "send: {:.1f} s, {:.0f} records/s; {:.1f} MiB read ({:.1f} MiB/s), {:.1f} MiB sent in {} "
        "payloads; peak memory {:.1f} MiB\n",
        static_cast<double>(s.took.count()) / 1000.0,
        rate(s.records, s.took),
        mebibytes(s.bytes_read),
        rate(s.bytes_read, s.took) / mebibyte,
        mebibytes(wire_bytes),
        payloads,
        static_cast<double>(s.peak_kib) / 1024.0);
    return text + how_to_go_on(s);
}

std::string to_json(const summary& s) {
    std::string out = "{\"file\":";
    encode::put_json_text(out, s.file);
    fmt::format_to(
        std::back_inserter(out),
        ",\"ending\":\"{}\",\"exit_code\":{},\"last_line\":{},\"confirmed_line\":{},"
        "\"skipped_lines\":{},\"records\":{},\"bad_lines\":{},\"repaired_characters\":{},"
        "\"bytes_read\":{},\"seconds\":{:.3f},\"peak_kib\":{},\"stats\":{}}}\n",
        word(s.how),
        exit_code(s),
        s.last_line,
        s.confirmed,
        s.skipped,
        s.records,
        s.bad_lines,
        s.repaired,
        s.bytes_read,
        static_cast<double>(s.took.count()) / 1000.0,
        s.peak_kib,
        to_json(s.stats));
    return out;
}

std::int64_t peak_memory_kib() noexcept {
    rusage usage = {};
    return ::getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

} // namespace monarc::send
