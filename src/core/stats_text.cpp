// The ledger as text: JSON for people and programs, the exposition format for Prometheus.

#include "core/utf8.hpp"

#include <monarc/stats.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace monarc {
namespace {

// A counter only grows; a gauge is what is there at the moment.
enum class metric_type { counter, gauge };

template <class Stats, class Member = std::uint64_t>
struct metric {
    std::string_view name; // the member's
    Member Stats::*member;
    metric_type type;
    std::string_view help;
};
using enum metric_type;

using of_exporter = metric<exporter_stats>;
constexpr of_exporter exporter_metrics[] = {
    {"pushed", &exporter_stats::pushed, counter, "Pushes, accepted or not"},
    {"accepted", &exporter_stats::accepted, counter, "Records that got into the queue"},
    {"merged", &exporter_stats::merged, counter, "Records that went into an earlier one's event"},
    {"fields", &exporter_stats::fields, counter, "Fields taken off the queue"},
    {"stripped_fields", &exporter_stats::stripped_fields, counter, "MONA_ keys taken out"},
    {"overwritten_fields",
     &exporter_stats::overwritten_fields,
     counter,
     "Values replaced by a later one of the same key"},
    {"utf8_repaired", &exporter_stats::utf8_repaired, counter, "Texts with bytes made U+FFFD"},
    {"bad_json_fields",
     &exporter_stats::bad_json_fields,
     counter,
     "Fields left out because their text was no JSON"},
    {"not_finite_fields",
     &exporter_stats::not_finite_fields,
     counter,
     "Fields left out because REST has no NaN and no infinities"},
    {"class_messages", &exporter_stats::class_messages, counter, "Times a class was told"},
    {"live_contexts", &exporter_stats::live_contexts, gauge, "Contexts remembered"},
    {"evicted_contexts", &exporter_stats::evicted_contexts, counter, "Contexts that made room"},
    {"live_series", &exporter_stats::live_series, gauge, "Series that collect values"},
    {"same_millisecond",
     &exporter_stats::same_millisecond,
     counter,
     "Values of kind every that a later one of the same millisecond replaced"},
    {"repaired_dimensions",
     &exporter_stats::repaired_dimensions,
     counter,
     "Characters of dimension values made _, and values left out"},
    {"queue_blocks_added",
     &exporter_stats::queue_blocks_added,
     counter,
     "Blocks of 48 KiB of queue beyond the pool"},
    {"callback_exceptions",
     &exporter_stats::callback_exceptions,
     counter,
     "Exceptions that left the log callback"},
    {"memory_bytes", &exporter_stats::memory_bytes, gauge, "What counts against memory_limit"},
};

using of_destination = metric<destination_stats>;
constexpr of_destination destination_metrics[] = {
    {"accepted", &destination_stats::accepted, counter, "Records for this destination"},
    {"delivered", &destination_stats::delivered, counter, "Records acknowledged"},
    {"delivered_unacked",
     &destination_stats::delivered_unacked,
     counter,
     "Records written where no acknowledgement was asked for"},
    {"pending", &destination_stats::pending, gauge, "Records on their way"},
    {"queued", &destination_stats::queued, gauge, "Of those: in the queue"},
    {"open", &destination_stats::open, gauge, "Of those: in the open batch"},
    {"ready", &destination_stats::ready, gauge, "Of those: sealed"},
    {"in_flight", &destination_stats::in_flight, gauge, "Of those: being sent"},
    {"payloads", &destination_stats::payloads, counter, "Payloads sealed"},
    {"attempts", &destination_stats::attempts, counter, "Payloads begun to be sent"},
    {"retries", &destination_stats::retries, counter, "Attempts that failed"},
    {"late_answers",
     &destination_stats::late_answers,
     counter,
     "Acknowledgements of attempts that were given up"},
    {"connections", &destination_stats::connections, counter, "Connections made"},
    {"events", &destination_stats::events, counter, "Events encoded"},
    {"payload_bytes", &destination_stats::payload_bytes, counter, "Bytes before compression"},
    {"wire_bytes", &destination_stats::wire_bytes, counter, "Bytes as sent, each payload once"},
    {"retry_after_bad",
     &destination_stats::retry_after_bad,
     counter,
     "Retry-After headers that say neither seconds nor a date"},
    {"retry_after_clamped",
     &destination_stats::retry_after_clamped,
     counter,
     "Retry-After headers beyond retry.max_retry_after"},
    {"tls_certificate_failures",
     &destination_stats::tls_certificate_failures,
     counter,
     "TLS handshakes that failed over the peer's certificate"},
    {"tls_agreement_failures",
     &destination_stats::tls_agreement_failures,
     counter,
     "TLS handshakes that failed over protocol or cipher"},
    {"tls_refused_failures",
     &destination_stats::tls_refused_failures,
     counter,
     "TLS handshakes that the peer refused"},
    {"tls_broken_failures",
     &destination_stats::tls_broken_failures,
     counter,
     "TLS handshakes that failed for another reason"},
    {"tls_reload_failed",
     &destination_stats::tls_reload_failed,
     counter,
     "Changes of a TLS file that could not be used"},
    {"tls_version",
     &destination_stats::tls_version,
     gauge,
     "TLS of the last connection, 12 or 13; 0 without"},
    {"tls_unverified", &destination_stats::tls_unverified, gauge, "1 if tls.verify is off"},
    {"shared_key_failures",
     &destination_stats::shared_key_failures,
     counter,
     "Handshakes about mona.shared_key that failed"},
    {"doubtful_acks",
     &destination_stats::doubtful_acks,
     counter,
     "Acknowledgements so late that what was acknowledged may be lost"},
    {"logins", &destination_stats::logins, counter, "Tokens issued"},
    {"failed_logins", &destination_stats::failed_logins, counter, "Logins refused or unanswered"},
};

using days_left = metric<destination_stats, std::optional<std::int64_t>>;
constexpr days_left destination_days[] = {
    {"tls_peer_days",
     &destination_stats::tls_peer_days,
     gauge,
     "Days until the peer's certificate ends"},
    {"tls_own_days", &destination_stats::tls_own_days, gauge, "Days until our certificate ends"},
};

using by_reason = metric<destination_stats, reason_counts>;
constexpr by_reason destination_reasons[] = {
    {"dead", &destination_stats::dead, counter, "Records refused for good"},
    {"dropped", &destination_stats::dropped, counter, "Records lost"},
    {"filtered", &destination_stats::filtered, counter, "Records rightly not sent"},
    {"dropped_bytes", &destination_stats::dropped_bytes, counter, "Payload bytes lost"},
};

constexpr std::string_view health_words[] = {"ok", "degraded", "down", "rejected_credentials"};

// What a reason is a reason of; the enumeration is in this order.
std::string_view kind_of(reason why) noexcept {
    return why <= reason::too_many_names ? "rejected"
           : why <= reason::sampled_out  ? "filtered"
           : why <= reason::internal     ? "dropped"
                                         : "dead";
}

// Calls take(reason, count) for each reason of the kind, even at zero, and for whatever else
// counts.
template <class Take>
void each_reason(std::string_view kind, const reason_counts& counts, Take take) {
    const auto wanted = kind == "dropped_bytes" ? "dropped" : kind;
    for (std::size_t i = 0; i < reason_total; ++i) {
        const auto why = static_cast<reason>(i);
        if (kind_of(why) == wanted || counts[why] != 0) {
            take(to_string(why), counts[why]);
        }
    }
}

std::string escaped(std::string_view bytes, bool is_json) {
    std::string text;
    append_utf8(bytes, text);
    std::string out;
    for (const auto c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (is_json && static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out;
}

// --- JSON

void put_json(std::string& out, std::string_view name, std::uint64_t value) {
    fmt::format_to(std::back_inserter(out), "\"{}\":{},", name, value);
}
void put_json(std::string& out, std::string_view name, const std::optional<std::int64_t>& value) {
    fmt::format_to(
        std::back_inserter(out), "\"{}\":{},", name, value ? std::to_string(*value) : "null");
}
void put_json(std::string& out, std::string_view name, std::string_view text) {
    fmt::format_to(std::back_inserter(out), "\"{}\":\"{}\",", name, escaped(text, true));
}
void put_json(std::string& out, std::string_view name, const reason_counts& counts) {
    fmt::format_to(std::back_inserter(out), "\"{}\":{{\"total\":{}", name, counts.total());
    each_reason(name, counts, [&](std::string_view why, std::uint64_t count) {
        fmt::format_to(std::back_inserter(out), ",\"{}\":{}", why, count);
    });
    out += "},";
}

std::string_view word_of(health state) noexcept {
    return health_words[static_cast<std::size_t>(state)];
}

void put_json(std::string& out, const destination_stats& d) {
    out += '{';
    put_json(out, "name", d.name);
    for (const auto& m : destination_metrics) {
        put_json(out, m.name, d.*m.member);
    }
    for (const auto& m : destination_reasons) {
        put_json(out, m.name, d.*m.member);
    }
    for (const auto& m : destination_days) {
        put_json(out, m.name, d.*m.member);
    }
    put_json(out, "state", word_of(d.state));
    put_json(out, "last_error", d.last_error);
    out.back() = '}';
}

// --- Prometheus

std::string
begin_family(std::string& out, std::string_view name, metric_type type, std::string_view help) {
    auto family = fmt::format("monarc_{}{}", name, type == counter ? "_total" : "");
    fmt::format_to(
        std::back_inserter(out),
        "# HELP {0} {1}.\n# TYPE {0} {2}\n",
        family,
        help,
        type == counter ? "counter" : "gauge");
    return family;
}

void put_reasons(
    std::string& out,
    std::string_view family,
    std::string_view labels,
    std::string_view kind,
    const reason_counts& counts) {
    each_reason(kind, counts, [&](std::string_view why, std::uint64_t count) {
        fmt::format_to(
            std::back_inserter(out), "{}{{{}reason=\"{}\"}} {}\n", family, labels, why, count);
    });
}

void put_destinations(std::string& out, const std::vector<destination_stats>& all) {
    const auto label = [](const destination_stats& d) {
        return fmt::format("destination=\"{}\"", escaped(d.name, false));
    };
    for (const auto& m : destination_metrics) {
        const auto family =
            begin_family(out, fmt::format("destination_{}", m.name), m.type, m.help);
        for (const auto& d : all) {
            fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", family, label(d), d.*m.member);
        }
    }
    for (const auto& m : destination_reasons) {
        const auto family =
            begin_family(out, fmt::format("destination_{}", m.name), m.type, m.help);
        for (const auto& d : all) {
            put_reasons(out, family, label(d) + ',', m.name, d.*m.member);
        }
    }
    for (const auto& m : destination_days) {
        const auto family =
            begin_family(out, fmt::format("destination_{}", m.name), m.type, m.help);
        for (const auto& d : all) {
            if (const auto& days = d.*m.member) { // without a certificate there is nothing to say
                fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", family, label(d), *days);
            }
        }
    }
    const auto family =
        begin_family(out, "destination_state", gauge, "1 for the state that the destination is in");
    for (const auto& d : all) {
        for (const auto word : health_words) {
            fmt::format_to(
                std::back_inserter(out),
                "{}{{{},state=\"{}\"}} {}\n",
                family,
                label(d),
                word,
                word == word_of(d.state) ? 1 : 0);
        }
    }
}

} // namespace

std::string to_json(const exporter_stats& s) {
    std::string out = "{";
    put_json(out, "rejected", s.rejected);
    for (const auto& m : exporter_metrics) {
        put_json(out, m.name, s.*m.member);
    }
    out += "\"destinations\":[";
    for (const auto& d : s.destinations) {
        put_json(out, d);
        out += ',';
    }
    if (out.back() == ',') {
        out.pop_back();
    }
    return out + "]}";
}

std::string to_prometheus(const exporter_stats& s) {
    std::string out;
    for (const auto& m : exporter_metrics) {
        const auto family = begin_family(out, m.name, m.type, m.help);
        fmt::format_to(std::back_inserter(out), "{} {}\n", family, s.*m.member);
    }
    const auto family = begin_family(out, "rejected", counter, "Pushes that returned false");
    put_reasons(out, family, "", "rejected", s.rejected);
    if (!s.destinations.empty()) {
        put_destinations(out, s.destinations);
    }
    return out;
}

} // namespace monarc
