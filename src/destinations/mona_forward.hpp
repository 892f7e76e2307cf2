#pragma once

// A forward receiver over TCP, TLS or a Unix socket: connects, shakes hands, writes payloads back
// to back, matches acknowledgements by value (D-5.1 … 5.6).

#include "core/batch.hpp"
#include "destinations/destination.hpp"
#include "destinations/mona_forward_wire.hpp"
#include "transport/connection.hpp"
#include "transport/resolver.hpp"
#include "transport/tls.hpp"

#include <monarc/options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <random>
#include <string>

namespace monarc::destinations {

class mona_forward final : public destination {
public:
    struct settings {
        mona_forward_options options;
        tls_options tls;
        std::chrono::milliseconds response_timeout;
        // Told why a connection ended on which payloads went out that nobody acknowledges: no
        // attempt fails by that, and no loss is silent (D-1.4).
        std::function<void(const std::string& why)> ended{};
    };

    mona_forward(
        boost::asio::any_io_executor executor,
        const settings& s,
        std::atomic<int>& descriptor,
        std::mt19937_64& random);
    ~mona_forward() override;

    std::string_view name() const noexcept override { return "mona_forward"; }
    result<payload> encode(const batch& b) { return wire_.encode(b, random_id()); } // no I/O
    boost::asio::awaitable<outcome> send(std::shared_ptr<const payload> p) override;
    result<std::array<payload, 2>> split(const payload& p) override;
    void abandon() noexcept override;
    std::uint64_t connections() const noexcept override { return connections_; }
    const transport::tls_context* tls() const noexcept override {
        return options_.use_tls ? &tls_ : nullptr;
    }
    std::uint64_t shared_key_failures() const noexcept override { return shared_key_failures_; }

    const mona_forward_wire& wire() const noexcept { return wire_; }

private:
    // One connection with what runs on it; the coroutines share it, so that one outlives the other
    // safely.
    struct link;
    // An attempt; while its acknowledgement is awaited the timer is its deadline and its bell. One
    // that ends before its time, by an exception or because Asio lets go of it, gives back what it
    // holds, unless the destination is gone.
    struct awaited {
        awaited(mona_forward& owner, std::string_view payload_id);
        awaited(const awaited&) = delete;
        awaited& operator=(const awaited&) = delete;
        ~awaited();

        mona_forward& of;
        std::weak_ptr<const bool> of_lives;
        std::string_view id;
        boost::asio::steady_timer bell;
        std::shared_ptr<link> over{}; // once it is written there
        bool has_turn = false;
        bool is_acked = false;
        bool is_over = false;
    };

    boost::asio::awaitable<outcome> connect();
    boost::asio::awaitable<outcome> open();
    boost::asio::awaitable<outcome> secure(std::shared_ptr<link> fresh);
    boost::asio::awaitable<outcome> agree_on_key(std::shared_ptr<link> fresh);
    boost::asio::awaitable<void> retire(std::shared_ptr<link> old);
    boost::asio::awaitable<outcome> attempt(const payload& p, awaited& mine);
    boost::asio::awaitable<outcome> exchange(const payload& p, awaited& mine);
    boost::asio::awaitable<void> read_answers(std::shared_ptr<link> over);
    boost::asio::awaitable<void> match_answers(std::shared_ptr<link> over);
    boost::asio::awaitable<void> wait_for_turn(awaited& mine);
    void end_turn(awaited& mine) noexcept;
    void break_off(awaited& mine) noexcept;
    void fail(link& broken, std::string why) noexcept;
    bool is_stale(std::uint64_t round) const noexcept;
    bool is_worn();
    std::array<unsigned char, 16> random_id();
    std::string peer() const;

    boost::asio::any_io_executor executor_;
    mona_forward_options options_;
    std::chrono::milliseconds response_timeout_;
    std::function<void(const std::string& why)> ended_;
    transport::tls_context tls_;
    std::atomic<int>& descriptor_;
    std::mt19937_64& random_;
    mona_forward_wire wire_;
    transport::resolver resolver_;
    std::shared_ptr<link> link_;
    std::deque<awaited*> turns_; // who waits to connect or write
    bool is_taken_ = false;
    bool is_abandoned_ = false;
    std::uint64_t round_ = 0; // connections that failed, made or not
    std::uint64_t connections_ = 0;
    std::uint64_t shared_key_failures_ = 0;
    std::shared_ptr<const bool> lives_ = std::make_shared<const bool>(true);
};

} // namespace monarc::destinations
