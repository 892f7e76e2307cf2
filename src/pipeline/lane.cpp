#include "pipeline/lane.hpp"

#include "delivery/splitting.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include <utility>

namespace monarc::pipeline {
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

lane::lane(
    asio::io_context& io,
    destinations::destination& to,
    const delivery::delivery_settings& settings,
    logger& log,
    std::mt19937_64& random,
    std::function<void()> settled)
    : io_(io), destination_(to), list_(settings), log_(log), random_(random),
      settled_(std::move(settled)) {}

void lane::pump() {
    if (stop_at_ && steady::now() >= *stop_at_) {
        return;
    }
    split_suspects();
    send_plain();
    while (auto attempt = list_.next(steady::now())) {
        auto sending = send_one(attempt->number, std::move(attempt->what));
        asio::co_spawn(io_, std::move(sending), asio::detached);
    }
}

void lane::retry_now() noexcept {
    list_.retry_now();
    destination_.retry_now();
}

void lane::close_by(time_point deadline) noexcept {
    stop_at_ = deadline;
    list_.cut_backoff();
    destination_.cut_backoff();
}

// D-7.1: too large for the receiver. D-7.2: it refused something in it. D-7.3, D-7.6: it failed
// over it time and again.
void lane::split_suspects() {
    while (const auto* suspect = list_.to_split()) {
        auto halves = destination_.split(*suspect);
        if (list_.why_split() != delivery::cut_reason::refused) { // of those the answer tells
            log_(
                log_level::warning,
                fmt::format(
                    "{}: a payload of {} records {}; {}",
                    destination_.name(),
                    suspect->records,
                    list_.why_split() == delivery::cut_reason::too_large
                        ? "is too large for the receiver"
                        : "may be what makes the receiver fail",
                    halves ? "halved to find the fault" : "it cannot be cut: dead"));
        }
        if (halves) {
            list_.split_done(std::move(*halves));
        } else {
            list_.split_failed();
        }
    }
}

void lane::send_plain() {
    while (const auto* packed = list_.to_send_plain()) {
        auto plain = destination_.plain(*packed);
        if (plain) {
            list_.plain_done(std::move(*plain));
        } else {
            log_(
                log_level::error,
                fmt::format(
                    "{}: a payload of {} records that is wanted plain: {}; dead",
                    destination_.name(),
                    packed->records,
                    plain.error().message()));
            list_.plain_failed();
        }
    }
}

asio::awaitable<void> lane::send_one(std::uint64_t attempt, std::shared_ptr<const payload> what) {
    outcome result;
    try {
        result = co_await destination_.send(what);
    } catch (const std::exception& error) { // D-9.10: no memory, most likely
        result.why = fmt::format("an attempt failed: {}", error.what());
    }
    const auto now = steady::now();
    if (list_.done(attempt, result, now, uniform())) {
        log_outcome(result, *what, now);
    }
    say_failed_reload();
    settled_();
    pump();
}

// D-12.4.
void lane::say_failed_reload() {
    const auto* const tls = destination_.tls();
    if (tls != nullptr &&
        std::exchange(failed_reloads_, tls->failed_reloads()) != tls->failed_reloads()) {
        log_(
            log_level::warning,
            fmt::format(
                "{}: tls.{}; what was there before is used on until the files can be",
                destination_.name(),
                tls->what()));
    }
}

void lane::log_outcome(const outcome& result, const payload& what, time_point now) {
    const auto name = destination_.name();
    switch (result.what) {
    case verdict::retry: {
        last_error_ = result.why;
        const bool advises = result.was_unanswered && name == "mona_forward" &&
                             !std::exchange(has_advised_, true); // D-5.3
        const bool is_lost = result.is_unclear() && !what.is_repeatable;
        const auto text = fmt::format(
            "{}: {}{}{}; {} records wait, next attempt in {} ms",
            name,
            result.why,
            advises ? "; if this receiver never acknowledges, set mona.ack = off" : "",
            is_lost ? fmt::format("; {} records that may have arrived are dead", what.records) : "",
            list_.ready_records(),
            list_.wait().count());
        if (advises && failing_.goes_on()) { // it failed for another reason so far
            log_(log_level::warning, text);
        }
        failing_.happened(log_, log_level::warning, text, now);
        break;
    }
    case verdict::rejected:
    case verdict::suspect: {
        last_error_ = result.why;
        const bool is_searched = result.what == verdict::suspect && delivery::can_be_cut(what);
        refusing_.happened(
            log_,
            log_level::error,
            fmt::format(
                "{}: {}; {} records {}",
                name,
                result.why,
                what.records,
                is_searched ? "are halved until the bad ones are found" : "are dead"),
            now);
        break;
    }
    case verdict::partial:
        last_error_ = result.why;
        refusing_.happened(
            log_,
            log_level::error,
            fmt::format(
                "{}: {}; {} of {} entries are dead, the others were taken",
                name,
                result.why,
                result.refused.size(),
                what.entry_records.size()),
            now);
        break;
    case verdict::plain:
    case verdict::fresh_token:
        log_(
            log_level::info,
            fmt::format(
                "{}: {}; {} records go again {}",
                name,
                result.why,
                what.records,
                result.what == verdict::plain ? "without gzip" : "with another token"));
        break;
    case verdict::delivered:
    case verdict::delivered_unacked:
        failing_.ended(
            log_, fmt::format("{}: delivering again, {} records went through", name, what.records));
        if (!list_.is_searching()) {
            refusing_.ended(log_, fmt::format("{}: payloads are taken again", name));
        }
        break;
    case verdict::again:
    case verdict::too_large:
    case verdict::abandoned: break;
    }
}

void lane::say_memory_is_full(std::size_t limit) {
    overflowing_.happened(
        log_,
        log_level::warning,
        fmt::format(
            "{}: memory_limit of {} bytes is reached: the oldest payloads are dropped; {} records "
            "so far",
            destination_.name(),
            limit,
            list_.counts().dropped[reason::memory]),
        steady::now());
}

void lane::say_connection_ended(const std::string& why) noexcept {
    try {
        last_error_ = why;
        ending_.happened(
            log_,
            log_level::warning,
            fmt::format(
                "{}: {}; what was sent last may be lost, because nothing is acknowledged: with "
                "mona.ack = on it is sent again",
                destination_.name(),
                why),
            steady::now());
    } catch (...) { // no memory to say it
    }
}

void lane::abandon_rest() {
    destination_.abandon();
    const auto left = list_.ready_records() + list_.in_flight_records();
    if (left != 0) {
        log_(
            log_level::warning,
            fmt::format(
                "{}: close_timeout is over: {} records dropped (shutdown)",
                destination_.name(),
                left));
    }
    list_.drop_all(reason::shutdown);
}

destination_stats& lane::fill(exporter_stats& all, const ahead_of_list& ahead) const {
    const auto& delivered = list_.counts();
    auto& d = all.destinations.emplace_back();
    d.name = destination_.name();
    d.delivered = delivered.delivered;
    d.delivered_unacked = delivered.delivered_unacked;
    d.ready = list_.ready_records();
    d.in_flight = list_.in_flight_records();
    d.accepted = ahead.routed + ahead.queued;
    d.queued = ahead.queued;
    d.open = ahead.open;
    d.pending = d.queued + d.open + d.ready + d.in_flight;
    d.dead = delivered.dead;
    d.dropped = delivered.dropped;
    d.dropped += ahead.dropped;
    d.dropped_bytes = delivered.dropped_bytes;
    d.payloads = delivered.payloads;
    d.attempts = delivered.attempts;
    d.retries = delivered.retries;
    d.late_answers = delivered.late_answers;
    d.connections = destination_.connections();
    d.shared_key_failures = destination_.shared_key_failures();
    if (const auto* const tls = destination_.tls()) {
        tls->fill(d, std::chrono::system_clock::now());
    }
    d.payload_bytes = delivered.payload_bytes;
    d.wire_bytes = delivered.wire_bytes;
    d.state = list_.state();
    d.last_error = last_error_;
    return d;
}

} // namespace monarc::pipeline
