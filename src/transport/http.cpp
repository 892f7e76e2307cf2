#include "transport/http.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace monarc::transport {
namespace asio = boost::asio;

asio::awaitable<exchanged> exchange(
    std::shared_ptr<connection> over,
    std::array<std::string_view, 2> request,
    std::chrono::milliseconds write_stall,
    std::chrono::milliseconds timeout,
    http_limits limits) {
    exchanged result;
    const std::array<std::string_view, 3> parts{request[0], request[1], {}};
    const auto until = std::chrono::steady_clock::now() + timeout;
    const auto ec = co_await over->write(parts, write_stall, until);
    // A server that refuses early answers before it has read everything: the answer counts.
    result.was_written = !ec;
    const bool was_not_taken = ec == std::errc::timed_out;
    const auto executor = co_await asio::this_coro::executor;
    const auto expired = std::make_shared<bool>(false);
    const auto patience = std::chrono::steady_clock::now() + write_stall;
    asio::steady_timer deadline(executor, ec ? std::min(until, patience) : until);
    deadline.async_wait([over, expired](boost::system::error_code stopped) {
        if (!stopped) {
            *expired = true;
            over->close();
        }
    });
    const std::error_code end_of_stream = boost::system::error_code(asio::error::eof);
    http_answer_reader reader(limits);
    std::array<char, 4096> buffer;
    while (true) {
        const auto got = co_await over->read(buffer.data(), buffer.size());
        using progress = http_answer_reader::progress;
        auto now = progress::broken;
        if (got) {
            now = reader.append({buffer.data(), *got});
        } else if (got.error() == end_of_stream) {
            now = reader.end();
        }
        if (now == progress::broken) {
            result.has_timed_out = *expired || was_not_taken;
            // What TLS refuses is known by reading; a plain stream that broke, by writing first.
            const auto broken = got ? std::error_code() : got.error();
            result.error = ec && broken.category() != tls_category() ? ec : broken;
            result.why = was_not_taken            ? "the request was not taken in time"
                         : *expired               ? "no answer in time"
                         : !reader.what().empty() ? reader.what()
                         : !over->what().empty()  ? over->what()
                                                  : result.error.message();
            break;
        }
        if (now == progress::whole) {
            result.is_answered = true;
            result.answer = reader.take();
            break;
        }
    }
    result.has_begun = reader.has_begun();
    deadline.cancel();
    if (!result.is_answered || !result.answer.is_reusable || !result.was_written) {
        over->close();
    }
    co_return result;
}

} // namespace monarc::transport
