#include "sink/summary.hpp"

#include "sink/json_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace monarc::sink {
namespace {

void append_class(std::string& out, const class_summary& c) {
    json_members m(out);
    m.number("contexts", c.contexts).number("records", c.records).number("fields", c.fields);
    m.raw("sample", c.sample.empty() ? "null" : c.sample).end();
}

void append_tag(std::string& out, const tag_summary& t) {
    json_members(out).number("events", t.events).number("repeats", t.repeats).end();
}

void append_sum(std::string& out, const sum_summary& s) {
    if (s.field.empty()) {
        out += "null";
        return;
    }
    json_members m(out);
    m.text("field", s.field).number("count", s.count).number("sum", s.sum);
    m.number("sum_mod_2_64", static_cast<std::uint64_t>(s.sum));
    if (s.count != 0)
        m.number("min", s.min).number("max", s.max);
    else
        m.raw("min", "null").raw("max", "null");
    m.number("xor", s.xor_bits).number("not_integer", s.not_integer).end();
}

void append_totals(std::string& out, const summary& s) {
    json_members m(out);
    m.number("events", s.events).number("repeats", s.repeats).number("records", s.records);
    m.number("fields", s.fields).number("class_messages", s.class_messages);
    m.number("special_messages", s.special_messages).number("empty_messages", s.empty_messages);
    m.number("plain_events", s.plain_events).number("contexts", s.contexts);
    m.number("restored", s.restored).number("forgotten", s.forgotten);
    m.number("messages", s.messages).number("repeated_messages", s.repeated_messages);
    m.number("acknowledged", s.acknowledged).number("cut_off", s.cut_off);
    m.number("bytes_received", s.bytes_received).number("bytes_inflated", s.bytes_inflated);
    m.number("connections", s.connections).number("open_connections", s.open_connections);
    m.number("unfinished", s.unfinished).end();
}

} // namespace

std::string to_json(const summary& s) {
    std::string out;
    json_members top(out);
    top.number("version", 1).name("totals");
    append_totals(out, s);

    top.name("refused");
    json_members refused(out);
    for (std::size_t i = 0; i < refusal_count; ++i)
        refused.number(name(static_cast<refusal>(i)), s.refused[i]);
    refused.end();

    top.name("at_least");
    json_members(out)
        .boolean("contexts", s.contexts_full)
        .boolean("classes", s.classes_full)
        .boolean("tags", s.tags_full)
        .boolean("repeats", s.chunks_forgotten)
        .end();

    top.name("classes");
    json_members classes(out);
    for (const auto& c : s.classes) {
        classes.name(c.name);
        append_class(out, c);
    }
    classes.end();
    top.name("other_classes");
    append_class(out, s.other_classes);

    top.name("tags");
    json_members tags(out);
    for (const auto& t : s.tags) {
        tags.name(t.name);
        append_tag(out, t);
    }
    tags.end();
    top.name("other_tags");
    append_tag(out, s.other_tags);

    top.name("sum");
    append_sum(out, s.sum);
    top.raw("monasca", s.monasca ? to_json(*s.monasca) : "null");
    top.raw("keystone", s.keystone ? to_json(*s.keystone) : "null");
    top.raw("rest", s.rest ? to_json(*s.rest) : "null").end();
    return out;
}

std::string to_text(const summary& s) {
    std::string out;
    const auto to_out = std::back_inserter(out);
    const auto at_least = [](bool full) { return full ? "at least " : ""; };
    fmt::format_to(
        to_out,
        "events    {} ({}{} repeats besides), {} read back from the store\n",
        s.events,
        at_least(s.chunks_forgotten),
        s.repeats,
        s.restored);
    fmt::format_to(
        to_out,
        "records   {} with {} fields, in {}{} contexts\n",
        s.records,
        s.fields,
        at_least(s.contexts_full),
        s.contexts);
    fmt::format_to(
        to_out,
        "besides   {} class messages, {} special, {} empty, {} events that are no envelope\n",
        s.class_messages,
        s.special_messages,
        s.empty_messages,
        s.plain_events);
    fmt::format_to(
        to_out,
        "messages  {}, {} acknowledged, {} bytes, {} more by inflating, {} connections\n",
        s.messages,
        s.acknowledged,
        s.bytes_received,
        s.bytes_inflated,
        s.connections);
    for (const auto& c : s.classes)
        fmt::format_to(
            to_out,
            "class     {}: {} contexts, {} records, {} fields\n",
            c.name.empty() ? "(not told)" : c.name,
            c.contexts,
            c.records,
            c.fields);
    if (s.classes_full)
        fmt::format_to(to_out, "class     (others): {} records\n", s.other_classes.records);
    for (const auto& t : s.tags)
        fmt::format_to(
            to_out,
            "tag       {}: {} events, {} repeats\n",
            t.name.empty() ? "(empty)" : t.name,
            t.events,
            t.repeats);
    if (s.tags_full)
        fmt::format_to(to_out, "tag       (others): {} events\n", s.other_tags.events);
    if (!s.sum.field.empty())
        fmt::format_to(
            to_out,
            "sum       {}: {} values, sum {}, min {}, max {}, xor {:016x}, {} no integers\n",
            s.sum.field,
            s.sum.count,
            s.sum.sum,
            s.sum.min,
            s.sum.max,
            s.sum.xor_bits,
            s.sum.not_integer);
    for (std::size_t i = 0; i < refusal_count; ++i)
        if (s.refused[i] != 0)
            fmt::format_to(
                to_out, "refused   {}: {}\n", name(static_cast<refusal>(i)), s.refused[i]);
    if (s.cut_off != 0)
        fmt::format_to(to_out, "cut off   {} packed messages lost their last entry\n", s.cut_off);
    if (s.unfinished != 0)
        fmt::format_to(to_out, "unfinished {} connections ended inside a message\n", s.unfinished);
    if (s.forgotten != 0)
        fmt::format_to(to_out, "forgotten {} record, as --lose asked\n", s.forgotten);
    if (s.monasca)
        out += to_text(*s.monasca);
    if (s.keystone)
        out += to_text(*s.keystone);
    if (s.rest)
        out += to_text(*s.rest);
    return out;
}

} // namespace monarc::sink
