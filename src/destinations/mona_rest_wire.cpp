#include "destinations/mona_rest_wire.hpp"

#include "compress/inflate.hpp"
#include "encode/json_entries.hpp"
#include "encode/json_writer.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <new>
#include <utility>

namespace monarc::destinations {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view mona_domain = ".monalabs.io";
constexpr std::size_t smallest_worth_gzip = 1024; // mona-rest.md section 10
constexpr std::string_view array_head = "\"messages\":[";
constexpr std::size_t most_told_reasons = 5;

std::string_view word_of(action what) noexcept {
    return what == action::overwrite ? "OVERWRITE" : what == action::add ? "ADD" : "NEW";
}

std::string default_envelope(const mona_rest_options& options) {
    return options.default_action
               ? fmt::format("\"defaultAction\":\"{}\"", word_of(*options.default_action))
               : std::string();
}

// Head and entries of what was packed as one.
struct unpacked {
    std::string head;
    std::string body;
};
result<unpacked> unpack(const payload& whole) {
    if (!whole.is_gzip) {
        return unpacked{whole.head, whole.body};
    }
    auto text = compress::inflate(whole.body, {.max_ratio = 2000});
    if (!text) {
        return text.error();
    }
    const auto at = text->find(array_head); // quotes in the user's id are escaped
    if (at == text->npos) {
        return errc::bad_data;
    }
    const auto end = at + array_head.size();
    return unpacked{text->substr(0, end), text->substr(end)};
}

} // namespace

std::string export_url(const mona_rest_options& options, std::string_view user_id) {
    if (!options.url.empty()) {
        return options.url;
    }
    const bool is_open = options.auth == mona_auth_mode::none;
    const auto* const call = options.use_send_event ? (is_open ? "monaSendEvent" : "sendEvent")
                                                    : (is_open ? "monaExport" : "export");
    const auto host =
        options.host.empty() ? fmt::format("incoming{}{}", user_id, mona_domain) : options.host;
    return fmt::format("{}://{}/{}", options.use_tls ? "https" : "http", host, call);
}

mona_rest_wire::mona_rest_wire(
    const mona_rest_options& options, std::chrono::milliseconds max_retry_after)
    : options_(options), envelope_(default_envelope(options)), wishes_(max_retry_after) {}

std::string mona_rest_wire::head_of(std::string_view user_id) const {
    std::string head = "{\"userId\":";
    encode::put_json_text(head, user_id);
    head += ',';
    head += array_head;
    return head;
}

void mona_rest_wire::put_entry(std::string& out, const rest_entry& entry) const {
    out += '{';
    if (!entry.members.empty()) {
        out += entry.members;
    } else {
        out += "\"arcClass\":";
        encode::put_json_text(
            out,
            entry.class_name != key_without_room ? std::string_view(name_of(entry.class_name).text)
                                                 : std::string_view());
        if (!entry.id.empty()) {
            out += ",\"contextId\":";
            encode::put_json_text(out, entry.id);
        }
        if (entry.time) {
            fmt::format_to(
                std::back_inserter(out),
                ",\"{}\":{}",
                options_.use_send_timestamp ? "sendTimestamp" : "exportTimestamp",
                *entry.time);
        }
        if (entry.what) {
            fmt::format_to(std::back_inserter(out), ",\"action\":\"{}\"", word_of(*entry.what));
        }
    }
    out += ",\"message\":{";
    bool is_first = true;
    for (const auto& field : entry.fields) {
        out += std::exchange(is_first, false) ? "" : ",";
        encode::put_json_text(
            out,
            field.key != key_without_room ? std::string_view(name_of(field.key).text)
                                          : std::string_view(field.name));
        out += ':';
        out += field.value;
    }
    out += "}}";
}

// Packs head and entries into one if that is wanted and pays.
result<payload> mona_rest_wire::finish(std::string head, std::string body, bool gzip) {
    payload made;
    made.plain_bytes = head.size() + body.size();
    if (gzip && !head.empty() && made.plain_bytes >= smallest_worth_gzip) {
        std::string packed;
        if (gzip_.append(head + body, packed)) {
            made.body.assign(packed); // as long as it is: a codec asks for room for the worst case
            made.is_gzip = true;
            return made;
        }
    }
    made.head = std::move(head);
    made.body = std::move(body);
    return made;
}

result<payload>
mona_rest_wire::encode(const rest_batch& batch, std::string_view user_id, bool gzip) {
    try {
        std::string body;
        std::vector<std::uint32_t> entry_records;
        entry_records.reserve(batch.entries.size());
        bool is_repeatable = true;
        bool has_ids = true;
        for (const auto& entry : batch.entries) {
            body += body.empty() ? "" : ",";
            put_entry(body, entry);
            entry_records.push_back(entry.records);
            const auto what = entry.what ? entry.what : options_.default_action;
            is_repeatable = is_repeatable && (!what || *what == action::overwrite);
            has_ids = has_ids && !entry.id.empty();
        }
        body += ']';
        body += envelope_.empty() ? "" : ",";
        body += envelope_;
        body += '}';
        auto made =
            finish(user_id.empty() ? std::string() : head_of(user_id), std::move(body), gzip);
        if (made) {
            made->entry_records = std::move(entry_records);
            made->records = batch.records;
            made->is_repeatable = is_repeatable || options_.on_uncertain == uncertain_mode::resend;
            made->is_idempotent = is_repeatable && has_ids;
        }
        return made;
    } catch (const std::bad_alloc&) {
        return std::make_error_code(std::errc::not_enough_memory);
    }
}

result<std::array<payload, 2>> mona_rest_wire::split(const payload& whole) {
    if (whole.entry_records.size() < 2) {
        return errc::too_large;
    }
    const auto text = unpack(whole);
    if (!text) {
        return text.error();
    }
    const auto begins = encode::entries_of(text->body);
    const auto count = whole.entry_records.size();
    if (begins.size() != count + 1) {
        return errc::bad_data;
    }
    const auto tail = text->body.substr(begins[count]);
    const auto make = [&](std::size_t from, std::size_t to) {
        const auto end = begins[to] - (to == count ? 0 : 1); // without the comma
        auto part = finish(
            text->head, text->body.substr(begins[from], end - begins[from]) + tail, whole.is_gzip);
        if (part) {
            part->entry_records.assign(
                whole.entry_records.begin() + static_cast<std::ptrdiff_t>(from),
                whole.entry_records.begin() + static_cast<std::ptrdiff_t>(to));
            for (const auto records : part->entry_records) {
                part->records += records;
            }
            part->is_repeatable = whole.is_repeatable;
            part->is_idempotent = whole.is_idempotent;
        }
        return part;
    };
    auto first = make(0, count / 2);
    auto second = make(count / 2, count);
    if (!first || !second) {
        return std::make_error_code(std::errc::not_enough_memory);
    }
    return std::array<payload, 2>{std::move(*first), std::move(*second)};
}

result<payload> mona_rest_wire::plain(const payload& packed) const {
    if (!packed.is_gzip) {
        return errc::too_large;
    }
    auto text = unpack(packed);
    if (!text) {
        return text.error();
    }
    payload made;
    made.head = std::move(text->head);
    made.body = std::move(text->body);
    made.plain_bytes = made.head.size() + made.body.size();
    made.entry_records = packed.entry_records;
    made.records = packed.records;
    made.is_repeatable = packed.is_repeatable;
    made.is_idempotent = packed.is_idempotent;
    return made;
}

failure_report read_failure_report(std::string_view body, std::size_t count) {
    dom::parser parser;
    dom::element root;
    std::uint64_t failed = 0;
    dom::object reasons;
    if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS ||
        root["failed"].get(failed) != simdjson::SUCCESS || failed == 0 || failed > count ||
        root["failure_reasons"].get(reasons) != simdjson::SUCCESS) {
        return {};
    }
    failure_report report{.failed = failed};
    std::size_t told_reasons = 0;
    for (const auto [key, value] : reasons) {
        std::uint32_t place = 0;
        const auto* const end = key.data() + key.size();
        const auto read = std::from_chars(key.data(), end, place);
        if (read.ec != std::errc() || read.ptr != end || place >= count ||
            std::find(report.listed.begin(), report.listed.end(), place) != report.listed.end()) {
            continue;
        }
        report.listed.push_back(place);
        if (++told_reasons <= most_told_reasons) {
            report.reasons += fmt::format(
                "{}[{}] {}",
                report.reasons.empty() ? "" : ", ",
                place,
                told(std::string(simdjson::minify(value))));
        }
    }
    std::sort(report.listed.begin(), report.listed.end());
    return report;
}

std::string read_top_level_error(std::string_view body) {
    dom::parser parser;
    dom::element root;
    dom::element error;
    if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS ||
        root["topLevelError"].get(error) != simdjson::SUCCESS || error.is_null()) {
        return {};
    }
    std::string_view text;
    return error.get(text) == simdjson::SUCCESS && !text.empty()
               ? std::string(text)
               : std::string(simdjson::minify(error));
}

namespace {

// What was counted but not listed is taken from the end: sent again, what was accepted would come
// twice.
std::vector<std::uint32_t> refused_places(const failure_report& report, std::size_t count) {
    auto places = report.listed;
    for (auto place = static_cast<std::uint32_t>(count);
         places.size() < report.failed && place-- != 0;) {
        if (!std::binary_search(report.listed.begin(), report.listed.end(), place)) {
            places.push_back(place);
        }
    }
    return places;
}

} // namespace

outcome mona_rest_wire::judge(
    const transport::http_answer& answer, const payload& sent, std::int64_t wall_seconds) {
    const auto count = sent.entry_records.size();
    outcome result;
    result.was_written = true;
    result.was_answered = true;
    if (answer.status >= 400) {
        if (const auto report = read_failure_report(answer.body, count); report.failed != 0) {
            result.refused = refused_places(report, count);
            result.what = result.refused.size() == count ? verdict::rejected : verdict::partial;
            result.why = fmt::format(
                "{} {}: {} of {} messages refused: {}",
                answer.status,
                told(answer.reason),
                result.refused.size(),
                count,
                report.listed.empty() ? "which ones the server does not say" : report.reasons);
            return result;
        }
        if (const auto error = read_top_level_error(answer.body); !error.empty()) {
            result.what = verdict::rejected;
            result.why = fmt::format("{} {}: {}", answer.status, told(answer.reason), told(error));
            return result;
        }
    }
    result = verdict_of_status(answer, wishes_, wall_seconds);
    if (sent.is_gzip && (answer.status == 400 || answer.status == 415)) {
        result.what = verdict::plain;
    }
    if (answer.status / 100 == 3) {
        result.why += "; it is not followed: mona.url must be the address that answers itself";
    }
    return result;
}

} // namespace monarc::destinations
