#pragma once

// The one seam: what stands behind a delivery list.

#include "core/outcome.hpp"
#include "core/payload.hpp"
#include "core/result.hpp"
#include "transport/tls_context.hpp"

#include <monarc/error.hpp>

#include <boost/asio/awaitable.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace monarc::destinations {

// One peer. Threads: the I/O thread only.
class destination {
public:
    virtual ~destination() = default;

    virtual std::string_view name() const noexcept = 0;

    /// One attempt, with deadlines of its own. Several may run at a time; they are written in the
    /// order of the calls.
    virtual boost::asio::awaitable<outcome> send(std::shared_ptr<const payload> p) = 0;

    /// Pure: cuts the bytes at an entry. Fails: errc::too_large if there is only one.
    virtual result<std::array<payload, 2>> split(const payload& p) = 0;

    /// Pure: the same without gzip, as another payload. Fails: errc::too_large if it has none.
    virtual result<payload> plain(const payload& /*p*/) { return errc::too_large; }

    /// Cuts waits of its own short, as that before the next login (D-6.7).
    virtual void retry_now() noexcept {}
    /// All of them that the peer has not asked for (D-9.2).
    virtual void cut_backoff() noexcept {}

    /// Ends all that runs: attempts return abandoned.
    virtual void abandon() noexcept = 0;

    virtual std::uint64_t connections() const noexcept = 0;

    // Null: without TLS.
    virtual const transport::tls_context* tls() const noexcept { return nullptr; }
    virtual std::uint64_t shared_key_failures() const noexcept { return 0; }
};

} // namespace monarc::destinations
