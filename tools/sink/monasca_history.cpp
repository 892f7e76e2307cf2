// Every change of an alarm's state.

#include "sink/json_members.hpp"
#include "sink/monasca_alarm_filter.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace monarc::sink {
namespace {

void append_change(std::string& out, const state_change& change) {
    json_members(out)
        .text("id", fmt::format("{}", change.at))
        .text("alarm_id", change.alarm_id)
        .raw("metrics", metrics_json(change.metrics))
        .text("old_state", name(change.before))
        .text("new_state", name(change.after))
        .text("reason", change.reason)
        .text("reason_data", "{}")
        .text("timestamp", to_time(change.at, true))
        .raw("sub_alarms", change.sub_alarms)
        .end();
}

// The time behind which a page begins: `<id>_<time>`, or a time.
std::int64_t read_history_offset(const monasca_query& query) {
    const auto text = query.find("offset").value_or("");
    if (text.empty())
        return std::numeric_limits<std::int64_t>::min();
    const auto mark = text.find('_');
    const auto at = read_time(mark == std::string::npos ? text : text.substr(mark + 1));
    if (!at)
        throw monasca_refusal(
            {500,
             "The repository was unable to process your request",
             fmt::format("invalid offset {}", text)});
    return *at / 1000;
}

// A page of the changes that `admits`.
template <class Admits>
http_response
history_page(const monasca_call& c, const std::deque<state_change>& history, Admits admits) {
    const monasca_query query(c.request.query);
    const auto limit = query.limit();
    const auto after = read_history_offset(query);
    std::string elements;
    std::string next;
    std::size_t count = 0;
    std::string last;
    for (const auto& change : history) {
        if (change.at <= after || !admits(change))
            continue;
        if (count == limit) {
            next = last;
            break;
        }
        if (count++ != 0)
            elements += ',';
        append_change(elements, change);
        last = fmt::format("{}_{}", change.at, to_time(change.at, true));
    }
    return json_response(200, page_json({c.uri, c.request.query}, elements, next));
}

} // namespace

http_response monasca_alarming::list_history(const monasca_call& c) {
    const monasca_query query(c.request.query);
    const auto first = query.time("start_time");
    const auto last = query.time("end_time");
    const auto filter = query.dimensions();
    const auto& all = of(c);
    // Of alarms that there are.
    const auto is_asked_for = [&](const state_change& change) {
        const auto at = all.alarms.find(change.alarm_id);
        return at != all.alarms.end() && (!first || change.at * 1000 >= *first) &&
               (!last || change.at * 1000 <= *last) &&
               (filter.all.empty() ||
                std::any_of(
                    at->second.metrics.begin(), at->second.metrics.end(), [&](const auto& m) {
                        return filter.admits(m.dimensions);
                    }));
    };
    return history_page(c, all.history, is_asked_for);
}

// Of an alarm that is gone, too; of one that never was there is none.
http_response monasca_alarming::show_history(const monasca_call& c) {
    return history_page(
        c, of(c).history, [&](const state_change& change) { return change.alarm_id == c.id; });
}

} // namespace monarc::sink
