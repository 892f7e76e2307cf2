#include "destinations/mona_forward.hpp"

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

} // namespace

struct mona_forward::link {
    transport::connection stream;
    std::list<awaited*> waiting; // in the order of writing
    bool is_broken = false;
    bool has_unacked = false;        // payloads went out that nobody acknowledges
    failure kind = failure::network; // of what broke it
    std::string why;

    link(asio::any_io_executor executor, std::atomic<int>& descriptor)
        : stream(std::move(executor), descriptor) {}
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
    return fmt::format("{}:{}", options_.host, options_.port);
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
asio::awaitable<void> mona_forward::wait_for_turn() {
    if (!is_taken_) {
        is_taken_ = true;
        co_return;
    }
    asio::steady_timer bell(executor_, asio::steady_timer::time_point::max());
    turns_.push_back(&bell);
    boost::system::error_code ignored;
    auto into = asio::redirect_error(asio::use_awaitable, ignored);
    co_await bell.async_wait(into);
}

void mona_forward::end_turn() noexcept {
    if (turns_.empty()) {
        is_taken_ = false;
        return;
    }
    turns_.front()->cancel(); // it stays taken, by the next
    turns_.pop_front();
}

// Returns: why not; without a reason it is connected.
asio::awaitable<outcome> mona_forward::connect() {
    outcome failed;
    if (link_ && !link_->is_broken) {
        co_return failed;
    }
    auto resolved = co_await resolver_.resolve(options_.host, options_.port, resolve_timeout);
    if (!resolved) {
        failed.why = fmt::format("resolve {}: {}", options_.host, resolved.error().message());
        co_return failed;
    }
    auto fresh = std::make_shared<link>(executor_, descriptor_);
    link_ = fresh; // so that abandon() reaches it while it connects
    auto ec = co_await fresh->stream.open(*resolved, connect_timeout);
    if (ec || fresh->is_broken) {
        fresh->is_broken = true;
        resolver_.forget();
        failed.why = fmt::format("connect {}: {}", peer(), ec.message());
        co_return failed;
    }
    if (options_.use_tls) {
        const auto& name = options_.server_name.empty() ? options_.host : options_.server_name;
        ec = co_await fresh->stream.secure(tls_, name, tls_timeout);
    }
    if (ec || fresh->is_broken) { // D-5.10: never plain instead
        fresh->is_broken = true;
        failed.kind = transport::is_tls_refusal(ec) ? failure::config : failure::network;
        const auto& more = fresh->stream.what();
        failed.why = fmt::format("TLS with {}: {}", peer(), more.empty() ? ec.message() : more);
        co_return failed;
    }
    ++connections_;
    auto reading = read_answers(fresh);
    asio::co_spawn(executor_, std::move(reading), asio::detached);
    co_return failed;
}

// All attempts on the connection end now; each finds out by itself.
void mona_forward::fail(link& broken, std::string why) noexcept {
    if (std::exchange(broken.is_broken, true)) {
        return;
    }
    ++round_;
    broken.why = std::move(why);
    broken.stream.close();
    for (auto* one : broken.waiting) {
        one->bell.cancel();
    }
    if (broken.has_unacked && !is_abandoned_ && ended_) {
        ended_(broken.why);
    }
}

// Always armed: sees a reset at once, also when nothing is awaited.
asio::awaitable<void> mona_forward::read_answers(std::shared_ptr<link> over) {
    ack_reader answers;
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
        }
    }
}

asio::awaitable<outcome> mona_forward::exchange(const payload& p, std::shared_ptr<link> over) {
    awaited mine{.id = p.id, .bell = asio::steady_timer(executor_), .is_acked = false};
    const bool wants_ack = !p.id.empty();
    if (wants_ack) {
        over->waiting.push_back(&mine); // before the write: the answer may overtake its end
    }
    mine.bell.expires_at(asio::steady_timer::time_point::max());
    const std::array<std::string_view, 3> parts{p.head, p.body, p.tail};
    const auto ec = co_await over->stream.write(parts, write_stall);
    end_turn();
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
        const auto patience =
            response_timeout_ +
            std::chrono::milliseconds(p.wire_bytes() * 1000 / slowest_bytes_per_second);
        mine.bell.expires_after(patience);
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

asio::awaitable<outcome> mona_forward::send(std::shared_ptr<const payload> p) {
    const auto round = round_;
    co_await wait_for_turn();
    outcome failed;
    if (is_abandoned_) {
        end_turn();
        failed.what = verdict::abandoned;
        co_return failed;
    }
    if (is_stale(round)) {
        end_turn();
        if (link_) {
            failed.kind = link_->kind;
            failed.why = link_->why;
        }
        co_return failed;
    }
    failed = co_await connect();
    if (!failed.why.empty()) {
        ++round_;
        end_turn();
        failed.what = is_abandoned_ ? verdict::abandoned : verdict::retry;
        co_return failed;
    }
    auto over = link_;
    co_return co_await exchange(*p, std::move(over));
}

void mona_forward::abandon() noexcept {
    is_abandoned_ = true;
    resolver_.cancel();
    if (link_) {
        fail(*link_, "given up at close");
    }
}

} // namespace monarc::destinations
