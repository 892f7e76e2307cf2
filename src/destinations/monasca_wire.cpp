#include "destinations/monasca_wire.hpp"

#include "compress/inflate.hpp"
#include "encode/json_entries.hpp"
#include "encode/json_writer.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

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
    const auto begins = encode::entries_of(whole.body);
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

outcome monasca_wire::judge(const transport::http_answer& answer, const exchange_facts& how) {
    auto result = verdict_of_status(answer, wishes_, how.wall_seconds);
    const auto status = answer.status;
    if (result.what == verdict::delivered) {
        doubtful_acks_ += how.took >= doubtful_from ? 1 : 0;
        negotiation_.was_taken(how.was_gzip, how.now);
    } else if (how.was_gzip && (status == 400 || status == 415)) {
        negotiation_.was_refused();
        result.what = verdict::plain;
    } else if (status == 401) { // the token's, or that of a role that is missing
        const bool is_role = answer.body.find("\"title\"") != std::string::npos &&
                             answer.body.find("\"error\"") == std::string::npos;
        result.kind = is_role ? failure::config : failure::auth;
    }
    return result;
}

} // namespace monarc::destinations
