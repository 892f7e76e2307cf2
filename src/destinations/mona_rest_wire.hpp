#pragma once

// A batch of messages to the body of a request, an answer to an outcome (mona-rest.md sections 1,
// 4, 5, 7 and 10; delivery.md section 5). Pure.

#include "compress/gzip.hpp"
#include "core/outcome.hpp"
#include "core/payload.hpp"
#include "core/rest_batch.hpp"
#include "core/result.hpp"
#include "destinations/http_verdict.hpp"
#include "transport/http_answer.hpp"

#include <monarc/options.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::destinations {

// Where exports of this user go: as the options say, or at Mona's own host.
std::string export_url(const mona_rest_options& options, std::string_view user_id);

// What a failure report says. `failed` 0: the body is none.
struct failure_report {
    std::uint64_t failed = 0;
    std::vector<std::uint32_t> listed{}; // places of messages, in order, each once
    std::string reasons{};               // for people to read
};

class mona_rest_wire {
public:
    mona_rest_wire(const mona_rest_options& options, std::chrono::milliseconds max_retry_after);

    // In front of what a payload holds that was encoded before the user was known.
    std::string head_of(std::string_view user_id) const;

    // `user_id` empty: not known yet; such a payload has no head and is never compressed.
    // Fails: std::errc::not_enough_memory.
    result<payload> encode(const rest_batch& batch, std::string_view user_id, bool gzip);

    // D-3.6. Fails: errc::too_large if there is only one message.
    result<std::array<payload, 2>> split(const payload& whole);
    // Fails: errc::too_large if it is plain already.
    result<payload> plain(const payload& packed) const;

    // `messages`: of the payload. `wall_seconds` since 1970.
    outcome
    judge(const transport::http_answer& answer, const payload& sent, std::int64_t wall_seconds);

    // Members of the envelope beside userId and messages, in the place of what the options say.
    void set_envelope(std::string members) { envelope_ = std::move(members); }

    const retry_wishes& wishes() const noexcept { return wishes_; }

private:
    void put_entry(std::string& out, const rest_entry& entry) const;
    result<payload> finish(std::string head, std::string body, bool gzip);

    mona_rest_options options_;
    std::string envelope_;
    retry_wishes wishes_;
    compress::gzip_writer gzip_;
};

// Of a body of at most 64 KiB. `count`: messages that were sent.
failure_report read_failure_report(std::string_view body, std::size_t count);
// `topLevelError`, empty if there is none.
std::string read_top_level_error(std::string_view body);

} // namespace monarc::destinations
