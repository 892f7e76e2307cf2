#include "sink/intake.hpp"

#include "sink/json_text.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <simdjson.h>

#include <cstddef>
#include <iterator>
#include <limits>

namespace monarc::sink {
namespace {

using encode::msgpack_reader;
using encode::read_status;

constexpr std::size_t write_bytes = std::size_t{1}
                                    << 20; // lines are written when so many are there

// Text is kept as it is; anything else by its encoding.
std::string chunk_to_json(std::string_view raw) {
    std::string json;
    std::string_view text;
    if (raw.empty()) {
        json = "null";
    } else if (
        msgpack_reader(raw).read_text(text) == read_status::ok &&
        simdjson::validate_utf8(text.data(), text.size())) {
        append_json_string(json, text);
    } else {
        json = "{\"$msgpack\":\"";
        append_hex(json, raw);
        json += "\"}";
    }
    return json;
}

void append_time(std::string& out, const event_time& time) {
    const auto to_out = std::back_inserter(out);
    switch (time.kind) {
    case event_time::form::seconds: fmt::format_to(to_out, "{}", time.seconds); return;
    case event_time::form::nanoseconds:
        fmt::format_to(to_out, "{}.{:09}", time.seconds, time.nanoseconds);
        return;
    case event_time::form::number: fmt::format_to(to_out, "{}", time.number); return;
    }
}

// {"ack": the chunk as it came}
void append_answer(std::string& out, std::string_view chunk) {
    out += "\x81\xa3"
           "ack";
    out += chunk;
}

std::string why_not_opened(const store& s, const std::string& path, std::error_code ec) {
    if (ec == std::errc::device_or_resource_busy)
        return fmt::format(
            "store: open {}: another sink is writing it; stop that one or name another file", path);
    if (ec == errc::bad_data)
        return fmt::format(
            "store: read {}: line {} was not written by a sink; move the file away or name another",
            path,
            s.line_number());
    return fmt::format(
        "store: open {}: {}; name a file in a directory that you may write to", path, ec.message());
}

std::string_view say(refusal why) noexcept {
    switch (why) {
    case refusal::bomb: return "the entries inflate beyond the limits";
    case refusal::bad_gzip: return "the compressed entries are damaged or no gzip";
    case refusal::not_a_map: return "the record is no map";
    case refusal::bad_time: return "the time is no integer, float, EventTime or nil";
    case refusal::memory: return "no memory to inflate it";
    default: return "an entry or the option has the wrong shape";
    }
}

} // namespace

intake::intake(const options& wanted)
    : options_(wanted), answers_(wanted.answer), facts_(wanted.sum_field),
      tally_(wanted.memory, wanted.sum_field) {
    if (options_.store.empty())
        return;
    const auto restore = [this](std::string_view line) { return restore_line(line); };
    if (const auto ec = store_.open(options_.store, restore))
        throw start_error(why_not_opened(store_, options_.store, ec));
    if (store_.cut_bytes() != 0 && options_.log)
        options_.log(fmt::format(
            "store: read {}: the last line was torn: {} bytes cut off, {} lines are whole",
            options_.store,
            store_.cut_bytes(),
            store_.line_number()));
}

bool intake::restore_line(std::string_view line) {
    simdjson::dom::object event;
    simdjson::dom::object record;
    simdjson::dom::element chunk;
    std::string_view tag;
    std::uint64_t index = 0;
    // The store leaves room behind the line, so nothing has to be copied.
    if (parser_.parse(line.data(), line.size(), false).get_object().get(event) !=
            simdjson::SUCCESS ||
        event["chunk"].get(chunk) != simdjson::SUCCESS ||
        event["index"].get_uint64().get(index) != simdjson::SUCCESS ||
        event["tag"].get_string().get(tag) != simdjson::SUCCESS ||
        event["record"].get_object().get(record) != simdjson::SUCCESS ||
        index >= std::numeric_limits<std::uint32_t>::max())
        return false;

    ++tally_.totals().restored;
    if (event["repeat"].error() == simdjson::SUCCESS) {
        tally_.add_repeat(tag);
        return true;
    }
    if (!chunk.is_null()) {
        std::string_view text;
        std::string json;
        if (chunk.get_string().get(text) == simdjson::SUCCESS)
            append_json_string(json, text);
        else
            json = simdjson::minify(chunk);
        tally_.remember(to_short_key(tag, json), static_cast<std::uint32_t>(index + 1));
    }
    const bool is_rest = event["rest"].error() == simdjson::SUCCESS;
    const auto facts = is_rest ? facts_.read_rest(record) : facts_.read(record);
    tally_.add(tag, facts, [&] { return std::string(line); });
    return true;
}

summary intake::snapshot() const {
    const std::lock_guard lock(mutex_);
    return tally_.snapshot();
}

std::uint64_t intake::events() const {
    const std::lock_guard lock(mutex_);
    return tally_.totals().events;
}

std::string intake::describe(refusal why) const {
    std::string text = fmt::format("tag {}, ", message_.tag().empty() ? "(empty)" : message_.tag());
    if (why == refusal::not_a_map || why == refusal::bad_time || why == refusal::malformed)
        text += fmt::format("event {}: ", message_.bad_event());
    return text.append(say(why));
}

void intake::append_line(std::string& out, const event& e, std::uint64_t index, bool repeat) const {
    fmt::format_to(
        std::back_inserter(out), "{{\"chunk\":{},\"index\":{},\"tag\":", chunk_json_, index);
    append_json_string(out, message_.tag());
    out += ",\"time\":";
    append_time(out, e.time);
    if (repeat)
        out += ",\"repeat\":true";
    out += ",\"record\":";
    append_json(out, e.record);
    out += '}';
}

// The N-th record of all is lost on purpose.
bool intake::is_forgotten(pass& p, const event_facts& facts) const noexcept {
    return facts.fields != 0 && ++p.records == options_.lose;
}

std::error_code intake::keep(std::uint32_t seen) {
    const auto start = store_.size_bytes();
    const auto so_far = tally_.totals().records + tally_.totals().forgotten;
    pass p{.seen = seen, .records = so_far};
    auto all = message_.cursor();
    event e;
    std::error_code ec;
    lines_.clear();
    for (; !ec && all.next(e) == event_cursor::step::event; ++p.index) {
        const bool repeat = p.index < p.seen;
        if (options_.lose != 0 && !repeat && is_forgotten(p, facts_.read(e.record)))
            continue;
        append_line(lines_, e, p.index, repeat);
        lines_ += '\n';
        if (lines_.size() >= write_bytes) {
            ec = store_.append(lines_);
            lines_.clear();
        }
    }
    if (!ec)
        ec = store_.append(lines_);
    if (lines_.capacity() > 4 * write_bytes)
        lines_ = std::string();
    if (ec)
        (void)store_.cut_back(start); // tried again before the next append if it fails
    return ec;
}

void intake::count_events(std::uint32_t seen) {
    pass p{.seen = seen, .records = tally_.totals().records + tally_.totals().forgotten};
    auto all = message_.cursor();
    event e;
    for (; all.next(e) == event_cursor::step::event; ++p.index) {
        if (p.index < p.seen) {
            tally_.add_repeat(message_.tag());
            continue;
        }
        const auto facts = facts_.read(e.record);
        if (is_forgotten(p, facts)) {
            ++tally_.totals().forgotten;
            continue;
        }
        tally_.add(message_.tag(), facts, [&] {
            std::string json;
            append_line(json, e, p.index, false);
            return json;
        });
        if (options_.on_event)
            options_.on_event({message_.chunk(), p.index, facts, e});
    }
}

std::optional<intake::refused>
intake::take(std::string_view raw, const event_time& now, std::string& answers) {
    using enum forward_message::verdict;
    const auto verdict = message_.read(raw, now, options_.limits);
    if (verdict == refuse) {
        refused answer{message_.why(), describe(message_.why())};
        message_.clear();
        return answer;
    }
    if (verdict == skip)
        return std::nullopt;

    chunk_json_ = chunk_to_json(message_.chunk());
    const bool has_chunk = !message_.chunk().empty();
    const std::lock_guard one_at_a_time(taking_);
    chunk_key_ = has_chunk ? to_short_key(message_.tag(), chunk_json_) : short_key{};
    const auto seen = has_chunk ? tally_.seen(chunk_key_) : 0;
    if (store_.is_open())
        if (const auto ec = keep(seen))
            return refused{
                refusal::store, fmt::format("write {}: {}", options_.store, ec.message())};

    const std::lock_guard lock(mutex_);
    auto& totals = tally_.totals();
    count_events(seen);
    if (has_chunk)
        tally_.remember(chunk_key_, static_cast<std::uint32_t>(message_.events()));
    ++totals.messages;
    totals.repeated_messages += message_.events() != 0 && seen >= message_.events() ? 1 : 0;
    totals.cut_off += message_.cut_off() ? 1 : 0;
    totals.bytes_inflated += message_.inflated_bytes();
    if (has_chunk && answers_) {
        append_answer(answers, message_.chunk());
        ++totals.acknowledged;
    }
    message_.clear();
    return std::nullopt;
}

// What one record says, until the next call.
event_facts intake::facts_of(std::string_view rest_record) {
    simdjson::dom::object json;
    if (parser_.parse(rest_record.data(), rest_record.size()).get_object().get(json) !=
        simdjson::SUCCESS)
        return {};
    return facts_.read_rest(json);
}

std::size_t intake::find_lost(std::span<const std::string> records) {
    auto so_far = tally_.totals().records + tally_.totals().forgotten;
    std::size_t i = 0;
    while (i < records.size() && (facts_of(records[i]).fields == 0 || ++so_far != options_.lose))
        ++i;
    return i;
}

void intake::append_line(std::string& out, const rest_records& from, std::size_t index) const {
    fmt::format_to(std::back_inserter(out), "{{\"chunk\":null,\"index\":{},\"tag\":", index);
    append_json_string(out, from.end_point);
    fmt::format_to(
        std::back_inserter(out),
        ",\"time\":{}{},\"rest\":true,\"record\":{}}}",
        from.time,
        from.is_repeat ? ",\"repeat\":true" : "",
        from.all[index]);
}

std::error_code intake::keep(const rest_records& records) {
    const auto start = store_.size_bytes();
    lines_.clear();
    for (std::size_t i = 0; i < records.all.size(); ++i) {
        if (i == records.lost)
            continue;
        append_line(lines_, records, i);
        lines_ += '\n';
    }
    const auto ec = store_.append(lines_);
    if (lines_.capacity() > 4 * write_bytes)
        lines_ = std::string();
    if (ec)
        (void)store_.cut_back(start); // tried again before the next append if it fails
    return ec;
}

std::error_code intake::take_rest(
    std::string_view end_point,
    std::span<const std::string> records,
    bool is_repeat,
    const event_time& now) {
    const std::lock_guard one_at_a_time(taking_);
    rest_records taken{end_point, records, is_repeat, {}, records.size()};
    append_time(taken.time, now);
    if (options_.lose != 0 && !is_repeat)
        taken.lost = find_lost(records);
    if (store_.is_open())
        if (const auto ec = keep(taken))
            return ec;

    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < records.size(); ++i) {
        if (i == taken.lost) {
            ++tally_.totals().forgotten;
        } else if (is_repeat) {
            tally_.add_repeat(end_point);
        } else {
            tally_.add(end_point, facts_of(records[i]), [&] {
                std::string json;
                append_line(json, taken, i);
                return json;
            });
        }
    }
    return {};
}

} // namespace monarc::sink
