#include "destinations/monasca_wire.hpp"

#include "compress/inflate.hpp"
#include "encode/json_writer.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

namespace monarc::destinations {
namespace {

constexpr std::size_t least_packed_bytes = 512; // gzip makes smaller ones larger
constexpr std::chrono::milliseconds doubtful_from{1900};

// `{"name":"…","dimensions":{…},"timestamp":` of each statistic of each name.
void make_heads(series_definition& of) {
    const auto suffixes = statistic_suffixes(of);
    std::string dimensions = ",\"dimensions\":{";
    for (const auto& [key, value] : of.dimensions) {
        dimensions += dimensions.back() == '{' ? "" : ",";
        encode::put_json_text(dimensions, key);
        dimensions += ':';
        encode::put_json_text(dimensions, value);
    }
    dimensions += "},\"timestamp\":";
    for (const auto& name : of.names) {
        for (const auto& suffix : suffixes) {
            auto& head = of.heads.emplace_back("{\"name\":");
            encode::put_json_text(head, name + suffix);
            head += dimensions;
        }
    }
}

void put_meta(std::string& out, const monasca_rules::text_pairs& meta) {
    out += ",\"value_meta\":{";
    bool is_first = true;
    for (const auto& [key, value] : meta) {
        out += is_first ? "" : ",";
        is_first = false;
        encode::put_json_text(out, key);
        out += ':';
        encode::put_json_text(out, value);
    }
    out += '}';
}

// Where each entry of an array of objects that we wrote ourselves begins, and where the last ends.
std::vector<std::size_t> entries_of(std::string_view array) {
    std::vector<std::size_t> at;
    int depth = 0;
    bool is_in_text = false;
    for (std::size_t i = 0; i < array.size(); ++i) {
        const char c = array[i];
        if (is_in_text) {
            i += c == '\\' ? 1 : 0;
            is_in_text = c != '"';
        } else if (c == '"') {
            is_in_text = true;
        } else if (c == '{' && depth++ == 0) {
            at.push_back(i);
        } else if (c == '}') {
            --depth;
        }
    }
    at.push_back(array.size() - 1);
    return at;
}

} // namespace

payload
monasca_wire::encode(const measurement_batch& batch, std::chrono::steady_clock::time_point now) {
    payload made;
    auto& body = made.body;
    body.reserve(batch.bytes + 2);
    body += '[';
    made.entry_records.reserve(batch.entries.size());
    for (const auto& one : batch.entries) {
        auto& of = *one.of;
        if (of.heads.empty()) {
            make_heads(of);
        }
        body += body.size() == 1 ? "" : ",";
        body += of.heads[one.name * (of.heads.size() / of.names.size()) + one.statistic];
        fmt::format_to(std::back_inserter(body), "{},\"value\":", one.milliseconds);
        encode::put_json_number(body, one.value);
        if (!one.meta.empty()) {
            put_meta(body, one.meta);
        }
        body += '}';
        made.entry_records.push_back(one.records);
    }
    body += ']';
    made.records = batch.records;
    made.plain_bytes = body.size();
    if (body.size() >= least_packed_bytes && negotiation_.is_wanted(now)) {
        pack(made);
    }
    return made;
}

// Stays plain where memory is short.
void monasca_wire::pack(payload& made) {
    std::string packed;
    if (gzip_.append(made.body, packed)) {
        made.body = std::move(packed);
        made.is_gzip = true;
    }
}

result<payload> monasca_wire::plain(const payload& packed) const {
    if (!packed.is_gzip) {
        return errc::too_large;
    }
    auto body = compress::inflate(packed.body);
    if (!body) {
        return body.error();
    }
    payload made;
    made.body = std::move(*body);
    made.entry_records = packed.entry_records;
    made.records = packed.records;
    made.plain_bytes = made.body.size();
    made.is_repeatable = packed.is_repeatable;
    return made;
}

result<std::array<payload, 2>> monasca_wire::split(const payload& whole) {
    if (whole.is_gzip) {
        const auto unpacked = plain(whole);
        if (!unpacked) {
            return unpacked.error();
        }
        auto parts = split(*unpacked);
        if (parts) {
            for (auto& part : *parts) {
                if (part.body.size() >= least_packed_bytes) {
                    pack(part);
                }
            }
        }
        return parts;
    }
    const auto begins = entries_of(whole.body);
    const auto count = begins.size() - 1;
    std::size_t cut = 0; // entries of the first part
    for (std::size_t i = 1; i < count; ++i) {
        const auto distance = [&](std::size_t at) {
            return at > count / 2 ? at - count / 2 : count / 2 - at;
        };
        const bool may_cut = whole.entry_records[i - 1] != 0;
        if (may_cut && (cut == 0 || distance(i) < distance(cut))) {
            cut = i;
        }
    }
    if (cut == 0) {
        return errc::too_large;
    }
    std::array<payload, 2> parts;
    const auto make = [&](payload& part, std::size_t from, std::size_t to) {
        const auto end = begins[to] - (to == count ? 0 : 1); // without the comma
        part.body = "[" + whole.body.substr(begins[from], end - begins[from]) + "]";
        part.entry_records.assign(
            whole.entry_records.begin() + static_cast<std::ptrdiff_t>(from),
            whole.entry_records.begin() + static_cast<std::ptrdiff_t>(to));
        for (const auto records : part.entry_records) {
            part.records += records;
        }
        part.plain_bytes = part.body.size();
    };
    make(parts[0], 0, cut);
    make(parts[1], cut, count);
    return parts;
}

// D-6.4.
std::chrono::milliseconds
monasca_wire::wish_of(const transport::http_answer& answer, std::int64_t wall_seconds) {
    std::int64_t wish = 0; // seconds
    for (const auto& text : answer.retry_after) {
        std::int64_t seconds = 0;
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (!text.empty() && text.size() <= 10 && std::all_of(text.begin(), text.end(), is_digit)) {
            std::from_chars(text.data(), text.data() + text.size(), seconds);
        } else if (const auto date = read_http_date(text)) {
            const auto theirs = read_http_date(answer.date);
            seconds = *date - (theirs ? *theirs : wall_seconds);
        } else {
            ++counts_.retry_after_bad;
        }
        wish = std::max(wish, seconds);
    }
    const auto longest = std::chrono::duration_cast<std::chrono::seconds>(max_retry_after_);
    if (wish > longest.count()) {
        ++counts_.retry_after_clamped;
        return max_retry_after_;
    }
    return std::chrono::seconds(wish);
}

outcome monasca_wire::judge(const transport::http_answer& answer, const exchange_facts& how) {
    outcome result;
    result.was_written = true;
    result.was_answered = true;
    const auto status = answer.status;
    if (status / 100 == 2) {
        result.what = verdict::delivered;
        counts_.doubtful_acks += how.took >= doubtful_from ? 1 : 0;
        negotiation_.was_taken(how.was_gzip, how.now);
        return result;
    }
    result.why = transport::refusal_text(answer);
    if (status == 413 || status == 429 || status >= 500) {
        result.retry_after = wish_of(answer, how.wall_seconds);
    }
    switch (status) {
    case 400:
    case 415:
        if (how.was_gzip) {
            negotiation_.was_refused();
            result.what = verdict::plain;
        } else {
            result.what = status == 400 ? verdict::suspect : verdict::rejected;
        }
        break;
    case 422: result.what = verdict::suspect; break;
    case 401: {
        const bool is_role = answer.body.find("\"title\"") != std::string::npos &&
                             answer.body.find("\"error\"") == std::string::npos;
        result.kind = is_role ? failure::config : failure::auth;
        break;
    }
    case 403:
    case 404:
    case 405:
    case 407: result.kind = failure::config; break;
    case 408:
    case 425: break;
    case 413: result.what = verdict::too_large; break;
    case 429:
    case 503: result.kind = failure::throttle; break;
    case 501:
    case 505: result.what = verdict::rejected; break;
    default:
        if (status / 100 == 3) {
            result.kind = failure::config;
        } else if (status / 100 == 4) {
            result.what = verdict::rejected;
        }
    }
    return result;
}

} // namespace monarc::destinations
