#include "destinations/mona_forward.hpp"

#include "destinations/mona_forward_handshake.hpp"

#include <monarc/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace monarc::destinations {
namespace asio = boost::asio;

namespace {

// The table on top of delivery.md, and D-6.8.
constexpr std::chrono::seconds resolve_timeout{5};
constexpr std::chrono::seconds connect_timeout{5};
constexpr std::chrono::seconds tls_timeout{5};
constexpr std::chrono::seconds write_stall{10};
constexpr std::size_t slowest_bytes_per_second = 100 * 1024;

// What to do about it.
std::string_view remedy(std::error_code ec) {
    using transport::tls_errc;
    if (ec == tls_errc::bad_certificate) {
        return "; renew it there, or let tls.ca_file and mona.server_name say what it is of";
    }
    if (ec == tls_errc::no_agreement) {
        return "; it must speak TLS 1.2 or newer, or mona.use_tls be false";
    }
    return {};
}

} // namespace

struct mona_forward::link {
    transport::connection stream;
    std::list<awaited*> waiting; // in the order of writing
    bool is_broken = false;
    bool has_unacked = false;   // payloads went out that nobody acknowledges
    bool is_single_use = false; // the receiver closes it behind the first message
    bool was_used = false;
    std::string behind_handshake{};  // bytes of the receiver's
    asio::steady_timer drained;      // rung when nothing is awaited any more
    failure kind = failure::network; // of what broke it
    std::string why;

    link(asio::any_io_executor executor, std::atomic<int>& descriptor)
        : stream(executor, descriptor), drained(std::move(executor)) {}

    void ring_if_drained() noexcept {
        if (waiting.empty()) {
            drained.cancel();
        }
    }
};

mona_forward::mona_forward(
    asio::any_io_executor executor,
    const settings& s,
    std::atomic<int>& descriptor,
    std::mt19937_64& random)
    : executor_(executor), options_(s.options), response_timeout_(s.response_timeout),
      ended_(s.ended), descriptor_(descriptor), random_(random), wire_(s.options),
      resolver_(std::move(executor)) {
    if (options_.use_tls) {
        if (const auto wrong = tls_.load(s.tls); !wrong.empty()) {
            throw std::system_error(errc::bad_options, "tls." + wrong);
        }
    }
}

mona_forward::~mona_forward() {
    abandon();
}

std::string mona_forward::peer() const {
    return options_.unix_path.empty() ? fmt::format("{}:{}", options_.host, options_.port)
                                      : options_.unix_path;
}

std::array<unsigned char, 16> mona_forward::random_id() {
    std::array<unsigned char, 16> id{};
    const std::uint64_t words[2] = {random_(), random_()};
    std::memcpy(id.data(), words, sizeof words);
    return id;
}

result<std::array<payload, 2>> mona_forward::split(const payload& p) {
    const std::array<std::array<unsigned char, 16>, 2> ids{random_id(), random_id()};
    return wire_.split(p, ids);
}

// Connecting and writing happen one after the other, in the order of the calls.
asio::awaitable<void> mona_forward::wait_for_turn(awaited& mine) {
    if (!is_taken_) {
        is_taken_ = mine.has_turn = true;
        co_return;
    }
    mine.bell.expires_at(asio::steady_timer::time_point::max());
    turns_.push_back(&mine);
    boost::system::error_code ignored;
    auto into = asio::redirect_error(asio::use_awaitable, ignored);
    co_await mine.bell.async_wait(into);
}

void mona_forward::end_turn(awaited& mine) noexcept {
    mine.has_turn = false;
    if (turns_.empty()) {
        is_taken_ = false;
        return;
    }
    auto& next = *turns_.front(); // it stays taken, by the next
    turns_.pop_front();
    next.has_turn = true;
    next.bell.cancel();
}

// Returns: why not; without a reason link_ is open.
asio::awaitable<outcome> mona_forward::open() {
    outcome failed;
    transport::endpoints addresses;
    if (options_.unix_path.empty()) {
        auto resolved = co_await resolver_.resolve(options_.host, options_.port, resolve_timeout);
        if (!resolved) {
            failed.why = fmt::format("resolve {}: {}", options_.host, resolved.error().message());
            co_return failed;
        }
        addresses = std::move(*resolved);
    }
    auto fresh = std::make_shared<link>(executor_, descriptor_);
    link_ = fresh; // so that abandon() reaches it while it connects
    std::error_code ec;
    if (options_.unix_path.empty()) {
        ec = co_await fresh->stream.open(addresses, connect_timeout);
    } else {
        ec = co_await fresh->stream.open_local(options_.unix_path, connect_timeout);
    }
    if (ec || fresh->is_broken) {
        fresh->is_broken = true;
        resolver_.forget();
        failed.why = fmt::format("connect {}: {}", peer(), ec.message());
    }
    co_return failed;
}

asio::awaitable<outcome> mona_forward::secure(std::shared_ptr<link> fresh) {
    outcome failed;
    const auto& name = options_.server_name.empty() ? options_.host : options_.server_name;
    const auto ec = co_await fresh->stream.secure(tls_, name, tls_timeout);
    if (ec || fresh->is_broken) { // D-5.10: never plain instead
        fresh->is_broken = true;
        failed.kind = transport::is_tls_refusal(ec) ? failure::config : failure::network;
        const auto& more = fresh->stream.what();
        failed.why = fmt::format(
            "TLS with {}: {}{}", peer(), more.empty() ? ec.message() : more, remedy(ec));
    }
    co_return failed;
}

asio::awaitable<outcome> mona_forward::agree_on_key(std::shared_ptr<link> fresh) {
    outcome failed;
    const std::shared_ptr<transport::connection> stream(fresh, &fresh->stream);
    auto hands = co_await shake_hands(stream, options_.shared_key, connect_timeout);
    if (!hands.why.empty() || fresh->is_broken) { // D-5.6
        fresh->is_broken = true;
        fresh->stream.close();
        ++shared_key_failures_;
        failed.kind = hands.kind;
        failed.why = fmt::format("shared key with {}: {}", peer(), hands.why);
    }
    fresh->is_single_use = !hands.keeps_alive;
    fresh->behind_handshake = std::move(hands.behind);
    co_return failed;
}

// Returns: why not; without a reason it is connected.
asio::awaitable<outcome> mona_forward::connect() {
    outcome failed;
    if (link_ && !link_->is_broken) {
        co_return failed;
    }
    failed = co_await open();
    auto fresh = link_;
    if (failed.why.empty() && options_.use_tls) {
        failed = co_await secure(fresh);
    }
    if (failed.why.empty() && !options_.shared_key.is_empty()) {
        failed = co_await agree_on_key(fresh);
    }
    if (failed.why.empty()) {
        ++connections_;
        auto reading = read_answers(std::move(fresh));
        asio::co_spawn(executor_, std::move(reading), asio::detached);
    }
    co_return failed;
}

bool mona_forward::is_worn() {
    return link_ && !link_->is_broken &&
           ((link_->is_single_use && link_->was_used) || link_->stream.is_worn(resolver_, tls_));
}

// D-12.5: not in the middle of an attempt, and the next one begins behind those (D-5.4).
asio::awaitable<void> mona_forward::retire(std::shared_ptr<link> old) {
    if (!old->waiting.empty()) {
        old->drained.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code ignored;
        auto into = asio::redirect_error(asio::use_awaitable, ignored);
        co_await old->drained.async_wait(into);
    }
    if (!std::exchange(old->is_broken, true)) {
        old->stream.close();
    }
}

// All attempts on the connection end now; each finds out by itself.
void mona_forward::fail(link& broken, std::string why) noexcept {
    if (std::exchange(broken.is_broken, true)) {
        return;
    }
    const bool was_expected = broken.is_single_use && broken.was_used && broken.waiting.empty();
    round_ += was_expected ? 0 : 1;
    broken.why = std::move(why);
    broken.stream.close();
    broken.drained.cancel();
    for (auto* one : broken.waiting) {
        one->bell.cancel();
    }
    if (broken.has_unacked && !was_expected && !is_abandoned_ && ended_) {
        ended_(broken.why);
    }
}

// Always armed: sees a reset at once, also when nothing is awaited.
asio::awaitable<void> mona_forward::read_answers(std::shared_ptr<link> over) {
    try {
        co_await match_answers(over);
    } catch (...) {
        fail(*over, "no memory");
    }
}

asio::awaitable<void> mona_forward::match_answers(std::shared_ptr<link> over) {
    ack_reader answers;
    answers.append(over->behind_handshake);
    std::array<char, 4096> buffer;
    while (!over->is_broken) {
        const auto got = co_await over->stream.read(buffer.data(), buffer.size());
        if (!got) {
            // TLS 1.3 tells of a refused certificate only behind the handshake (D-5.10).
            over->kind =
                transport::is_tls_refusal(got.error()) ? failure::config : failure::network;
            const auto& more = over->stream.what();
            fail(
                *over,
                fmt::format(
                    "connection to {}: {}", peer(), more.empty() ? got.error().message() : more));
            co_return;
        }
        answers.append({buffer.data(), *got});
        while (true) {
            const auto id = answers.next();
            if (!id) {
                fail(*over, fmt::format("answer of {}: {}", peer(), answers.what()));
                co_return;
            }
            if (id->empty()) {
                break;
            }
            const auto one =
                std::find_if(over->waiting.begin(), over->waiting.end(), [&](const awaited* w) {
                    return w->id == *id;
                });
            if (one == over->waiting.end()) { // D-5.2
                fail(
                    *over,
                    fmt::format("answer of {}: an acknowledgement that nobody asked for", peer()));
                co_return;
            }
            (*one)->is_acked = true;
            (*one)->bell.cancel();
            over->waiting.erase(one);
            over->ring_if_drained();
        }
    }
}

asio::awaitable<outcome> mona_forward::exchange(const payload& p, awaited& mine) {
    const auto over = mine.over;
    const bool wants_ack = !p.id.empty();
    if (wants_ack) {
        over->waiting.push_back(&mine); // before the write: the answer may overtake its end
    }
    mine.bell.expires_at(asio::steady_timer::time_point::max());
    const std::array<std::string_view, 3> parts{p.head, p.body, p.tail};
    // D-6.8: for writing and the acknowledgement together.
    const auto patience = response_timeout_ + std::chrono::milliseconds(
                                                  p.wire_bytes() * 1000 / slowest_bytes_per_second);
    const auto until = std::chrono::steady_clock::now() + patience;
    const auto ec = co_await over->stream.write(parts, write_stall, until);
    over->was_used = !ec; // else its end is none that was to be expected
    end_turn(mine);
    if (ec && !mine.is_acked) {
        fail(*over, fmt::format("write to {}: {}", peer(), ec.message()));
    }
    const bool was_written = !ec;
    if (was_written && !wants_ack) {
        over->has_unacked = true;
        if (over->is_broken && !is_abandoned_ && ended_) { // since before the last byte
            ended_(over->why);
        }
    }
    bool was_unanswered = false;
    if (wants_ack && was_written && !mine.is_acked && !over->is_broken) {
        mine.bell.expires_at(until);
        boost::system::error_code stopped;
        auto into = asio::redirect_error(asio::use_awaitable, stopped);
        co_await mine.bell.async_wait(into);
        if (!stopped && !mine.is_acked) {
            fail(
                *over,
                fmt::format(
                    "no acknowledgement from {} in {} s",
                    peer(),
                    std::chrono::duration<double>(patience).count()));
            was_unanswered = true;
        }
    }
    std::erase(over->waiting, &mine);

    outcome verdict_now;
    if (mine.is_acked) {
        verdict_now.what = verdict::delivered;
    } else if (is_abandoned_) {
        verdict_now.what = verdict::abandoned;
    } else if (!wants_ack && was_written) {
        verdict_now.what = verdict::delivered_unacked;
    } else {
        verdict_now.what = verdict::retry;
        verdict_now.was_written = was_written && over->kind == failure::network; // else no poison
        verdict_now.was_unanswered = was_unanswered;
        verdict_now.kind = over->kind;
        verdict_now.why = over->why;
    }
    co_return verdict_now;
}

// Whether what was ready to be written when `round` was read has failed since, with what went
// before it: then it must not overtake that on a connection of its own (D-2.4, D-6.1).
bool mona_forward::is_stale(std::uint64_t round) const noexcept {
    return round != round_ || (link_ && link_->is_broken && !link_->waiting.empty());
}

mona_forward::awaited::awaited(mona_forward& owner, std::string_view payload_id)
    : of(owner), of_lives(owner.lives_), id(payload_id), bell(owner.executor_) {}

mona_forward::awaited::~awaited() {
    if (!is_over && !of_lives.expired()) {
        of.break_off(*this);
    }
}

// Where it has been in its connection nobody knows.
void mona_forward::break_off(awaited& mine) noexcept {
    const auto broken = mine.over || !mine.has_turn ? mine.over : link_;
    if (broken) {
        std::erase(broken->waiting, &mine);
        fail(*broken, "no memory");
        broken->ring_if_drained();
    }
    std::erase(turns_, &mine);
    if (mine.has_turn) {
        ++round_; // those behind it do not overtake it
        end_turn(mine);
    }
}

asio::awaitable<outcome> mona_forward::send(std::shared_ptr<const payload> p) {
    awaited mine(*this, p->id);
    auto result = co_await attempt(*p, mine);
    mine.is_over = true;
    co_return result;
}

asio::awaitable<outcome> mona_forward::attempt(const payload& p, awaited& mine) {
    const auto round = round_;
    co_await wait_for_turn(mine);
    if (is_worn()) {
        auto old = link_;
        co_await retire(std::move(old));
    }
    outcome failed;
    if (is_abandoned_) {
        end_turn(mine);
        failed.what = verdict::abandoned;
        co_return failed;
    }
    if (is_stale(round)) {
        end_turn(mine);
        if (link_) {
            failed.kind = link_->kind;
            failed.why = link_->why;
        }
        co_return failed;
    }
    failed = co_await connect();
    if (!failed.why.empty()) {
        ++round_;
        end_turn(mine);
        failed.what = is_abandoned_ ? verdict::abandoned : verdict::retry;
        co_return failed;
    }
    mine.over = link_;
    co_return co_await exchange(p, mine);
}

void mona_forward::abandon() noexcept {
    is_abandoned_ = true;
    resolver_.cancel();
    if (link_) {
        fail(*link_, "given up at close");
    }
}

} // namespace monarc::destinations
