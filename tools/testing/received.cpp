#include "testing/received.hpp"

#include "encode/msgpack_reader.hpp"
#include "sink/event_facts.hpp"
#include "sink/forward_message.hpp"
#include "sink/json_text.hpp"

#include <algorithm>
#include <cmath>

namespace monarc::testing {
namespace {

using encode::msgpack_reader;
using encode::read_status;
using std::chrono::system_clock;

constexpr std::string_view reserved_prefix = "MONA_";

// Calls visit(key, value) for each pair of an encoded map whose key is a text.
template <class Visit>
void for_each_member(std::string_view map, Visit visit) {
    msgpack_reader reader(map);
    std::uint32_t pairs = 0;
    (void)reader.read_map(pairs);
    for (std::uint32_t i = 0; i < pairs; ++i) {
        std::string_view key;
        if (reader.read_bytes(key) != read_status::ok)
            (void)reader.skip();
        std::string_view value;
        if (reader.skip(value, 63) != read_status::ok)
            return;
        visit(key, value);
    }
}

received_record to_record(std::string_view envelope) {
    received_record made;
    std::string_view message;
    for_each_member(envelope, [&](std::string_view key, std::string_view value) {
        std::int64_t seconds = 0;
        if (key == "message")
            message = value;
        else if (
            key == "export_timestamp" &&
            msgpack_reader(value).read_integer(seconds) == read_status::ok)
            made.time = system_clock::time_point(std::chrono::seconds(seconds));
    });
    for_each_member(message, [&](std::string_view key, std::string_view value) {
        if (key.starts_with(reserved_prefix))
            return;
        auto& text = made.fields[std::string(key)];
        text.clear();
        monarc::sink::append_json(text, value);
    });
    return made;
}

bool has_all(
    const monarc::sink::dimension_list& dimensions,
    const std::map<std::string, std::string>& among) {
    return std::all_of(among.begin(), among.end(), [&](const auto& wanted) {
        return std::any_of(dimensions.begin(), dimensions.end(), [&](const auto& one) {
            return one.first == wanted.first && one.second == wanted.second;
        });
    });
}

} // namespace

// A message that comes again has the same chunk, and its events the same places in it.
bool received::is_repeat(const monarc::sink::arrived_event& event) {
    if (event.chunk.empty())
        return false;
    auto& taken = chunks_[std::string(event.chunk)];
    if (event.index < taken)
        return true;
    taken = event.index + 1;
    return false;
}

void received::take(const monarc::sink::arrived_event& event) {
    if (!event.facts.is_envelope)
        return;
    {
        const std::lock_guard guard(mutex_);
        if (is_repeat(event))
            return;
        auto& run = runs_[std::string(event.facts.context)];
        if (event.facts.has_class)
            run.class_name = event.facts.class_name;
        if (event.facts.fields != 0) {
            run.context.records.push_back(to_record(event.what.record));
            run.place = run.place == 0 ? ++places_ : run.place;
            ++records_;
        }
        ++changes_;
    }
    changed_.notify_all();
}

void received::take(const monarc::sink::measurement& m) {
    {
        const std::lock_guard guard(mutex_);
        const auto milliseconds = static_cast<std::int64_t>(std::floor(m.timestamp));
        metrics_[m.name][m.dimensions].insert_or_assign(milliseconds, point{m.value, m.value_meta});
        ++changes_;
    }
    changed_.notify_all();
}

received_context received::context(std::string_view class_name, std::string_view id) const {
    const std::lock_guard guard(mutex_);
    const auto found = runs_.find(id);
    if (found == runs_.end() || found->second.class_name != class_name)
        return {};
    return found->second.context;
}

std::vector<std::string> received::ids(std::string_view class_name) const {
    std::map<std::uint64_t, std::string> in_order;
    const std::lock_guard guard(mutex_);
    for (const auto& [id, run] : runs_)
        if (run.place != 0 && run.class_name == class_name)
            in_order.emplace(run.place, id);
    std::vector<std::string> found;
    for (auto& [place, id] : in_order)
        found.push_back(std::move(id));
    return found;
}

std::uint64_t received::records() const {
    const std::lock_guard guard(mutex_);
    return records_;
}

std::vector<received_measurement>
received::measurements(std::string_view name, const dimensions& among) const {
    std::vector<received_measurement> found;
    const std::lock_guard guard(mutex_);
    const auto metric = metrics_.find(name);
    if (metric == metrics_.end())
        return found;
    for (const auto& [dimensions, points] : metric->second) {
        if (!has_all(dimensions, among.all()))
            continue;
        for (const auto& [milliseconds, point] : points)
            found.push_back(
                {.time = system_clock::time_point(std::chrono::milliseconds(milliseconds)),
                 .value = point.value,
                 .dimensions = {dimensions.begin(), dimensions.end()},
                 .value_meta = point.value_meta});
    }
    return found;
}

bool received::wait_until(
    const std::function<bool()>& holds, std::chrono::milliseconds timeout) const {
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (true) {
        std::unique_lock lock(mutex_);
        const auto before = changes_;
        lock.unlock();
        if (holds())
            return true;
        lock.lock();
        if (!changed_.wait_until(lock, end, [&] { return changes_ != before; }))
            return false;
    }
}

} // namespace monarc::testing
