#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

namespace monarc::support {
namespace {

std::string_view sanitizer() {
    const char* const name = std::getenv("MONARC_TEST_SANITIZER");
    return name != nullptr ? name : "";
}

// What is to arrive if no record is lost; json() values inside others must not be bad.
std::uint64_t fields_left(const application& app, const exporter_stats& stats) {
    return app.fields() - stats.stripped_fields - stats.overwritten_fields - stats.bad_json_fields;
}

} // namespace

void check_ledger(
    const application& app,
    const exporter_stats& stats,
    const forward_receiver& receiver,
    const ledger_case& how) {
    // The application against the exporter.
    CHECK(stats.is_exact());
    CHECK(stats.pushed == app.accepted() + app.refused());
    CHECK(stats.accepted == app.accepted());
    CHECK(stats.rejected.total() == app.refused());
    REQUIRE(stats.destinations.size() == 1);
    const auto& d = stats.destinations[0];
    CHECK(d.pending == 0);
    CHECK(d.queued + d.open + d.ready + d.in_flight == 0);

    // The exporter against the receiver, which may still be reading what nobody asked it about.
    const auto arrived = d.delivered + d.delivered_unacked;
    if (d.delivered_unacked != 0) {
        receiver.wait_for_fields(
            how.fields_per_record != 0 ? arrived * how.fields_per_record : fields_left(app, stats),
            patience(std::chrono::seconds(2)));
    }
    CHECK(receiver.protocol_errors() == std::vector<std::string>());
    if (how.fields_per_record == 0) {
        CHECK(arrived + d.filtered.total() == app.accepted());
        CHECK(stats.fields == app.fields());
        CHECK(receiver.fields() == fields_left(app, stats));
        return;
    }
    CHECK(app.fields() == app.accepted() * how.fields_per_record);
    const auto lost = d.dropped.total() + d.dead.total();
    CHECK(arrived + lost + d.filtered.total() == app.accepted());
    CHECK(stats.overwritten_fields == 0);
    if (how.answers_were_lost) {
        CHECK(receiver.fields() >= d.delivered * how.fields_per_record);
        CHECK(receiver.fields() <= (arrived + lost) * how.fields_per_record);
    } else {
        CHECK(receiver.fields() == arrived * how.fields_per_record);
    }
}

std::map<std::string, std::vector<std::uint64_t>>
numbers_by_context(const forward_receiver& receiver, std::string_view key) {
    std::map<std::string, std::vector<std::uint64_t>> numbers;
    for (const auto& event : receiver.events()) {
        for (const auto& [name, value] : event.fields) {
            if (name == key) {
                numbers[event.context].push_back(std::get<std::uint64_t>(value));
            }
        }
    }
    return numbers;
}

std::map<std::string, std::vector<std::uint64_t>>
applied_by_context(const forward_receiver& receiver, std::string_view key) {
    std::map<std::string, std::vector<std::uint64_t>> numbers;
    for (const auto& m : receiver.messages()) {
        for (const auto& event : m.was_stored ? m.events : std::vector<received_event>()) {
            if (const auto* const value = event.find(key)) {
                auto& applied = numbers[event.context];
                const auto number = std::get<std::uint64_t>(*value);
                std::erase(applied, number);
                applied.push_back(number);
            }
        }
    }
    return numbers;
}

bool ascends(const std::vector<std::uint64_t>& numbers, bool gaps) {
    return std::adjacent_find(numbers.begin(), numbers.end(), [&](auto a, auto b) {
               return gaps ? b <= a : b != a + 1;
           }) == numbers.end();
}

std::size_t log_book::count(std::string_view part) const {
    const std::lock_guard guard(lock_);
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(), [&](const entry& line) {
            return line.text.find(part) != std::string::npos;
        }));
}

exporter_options quick_options(const forward_receiver& receiver, mona_forward_options mona) {
    using namespace std::chrono_literals;
    mona.port = receiver.port();
    exporter_options options;
    options.mona = std::move(mona);
    options.queue.capacity = 4096;
    options.batch.max_delay = 5ms;
    options.retry = {.min_wait = 2ms, .max_wait = 25ms};
    options.response_timeout = 1s;
    options.log = [](const log_line&) {};
    return options;
}

int rounds(int plain) {
    return sanitizer() == "thread" ? std::max(1, plain / 10)
           : sanitizer().empty()   ? plain
                                   : std::max(1, plain / 4);
}

std::chrono::milliseconds patience(std::chrono::milliseconds plain) {
    return sanitizer().empty() ? plain : 10 * plain;
}

} // namespace monarc::support
