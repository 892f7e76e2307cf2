#include "destinations/mona_forward_handshake.hpp"

#include "auth/shared_key.hpp"
#include "transport/digest.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

namespace monarc::destinations {
namespace asio = boost::asio;

namespace {

constexpr std::size_t salt_bytes = 16;

// Not the bare name of this machine: a receiver beside us is likely to call itself that, and both
// must differ. Short, because Fluent Bit reads a PING of 1023 bytes at most.
std::string own_name() {
    std::array<char, 65> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) {
        return "monarc";
    }
    return fmt::format("monarc.{}", name.data());
}

// Why nothing came of it. A close behind the PING is how Fluent Bit says that the key is wrong.
shaken_hands
failed_over(const auth::shared_key_client& hands, const std::error_code& ec, bool has_expired) {
    shaken_hands failed;
    if (hands.has_begun()) {
        failed.why = has_expired ? "it does not answer our PING"
                                 : "it closes the connection on our PING: another key, most likely";
    } else if (has_expired) {
        failed.kind = failure::config;
        failed.why = "it sends no HELO: it wants no shared key, or is no forward receiver; leave "
                     "mona.shared_key empty, or set one there";
    } else {
        failed.kind = failure::network;
        failed.why = ec.message();
    }
    return failed;
}

} // namespace

asio::awaitable<shaken_hands> shake_hands(
    std::shared_ptr<transport::connection> over, secret key, std::chrono::milliseconds timeout) {
    using step = auth::shared_key_client::step;
    const auto executor = co_await asio::this_coro::executor;
    const auto has_expired = std::make_shared<bool>(false);
    asio::steady_timer deadline(executor, timeout);
    deadline.async_wait([over, has_expired](boost::system::error_code stopped) {
        if (!stopped) {
            *has_expired = true;
            over->close();
        }
    });
    auth::shared_key_client hands(
        std::move(key), own_name(), transport::to_hex(transport::random_bytes(salt_bytes)));
    std::array<char, 4096> buffer;
    auto now = step::wants_input;
    while (now == step::wants_input || now == step::wants_output) {
        if (now == step::wants_output) {
            const std::array<std::string_view, 3> parts{hands.output(), {}, {}};
            const auto ec = co_await over->write(parts, timeout, deadline.expiry());
            if (ec) {
                co_return failed_over(hands, ec, *has_expired);
            }
            now = hands.take({}); // it may have sent more than HELO
            continue;
        }
        const auto got = co_await over->read(buffer.data(), buffer.size());
        if (!got) {
            co_return failed_over(hands, got.error(), *has_expired);
        }
        now = hands.take({buffer.data(), *got});
    }
    shaken_hands done;
    if (now == step::failed) {
        done.why = hands.what();
    } else {
        done.keeps_alive = hands.keeps_alive();
        done.behind = hands.rest();
    }
    co_return done;
}

} // namespace monarc::destinations
