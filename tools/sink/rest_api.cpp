#include "sink/rest_api.hpp"

#include "compress/inflate.hpp"
#include "sink/json_members.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/rest_messages.hpp"
#include "sink/tally.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <mutex>
#include <new>
#include <utility>

namespace monarc::sink {
namespace {

constexpr std::uint64_t max_log_lines = 5; // of each kind of violation
constexpr std::size_t max_logged_bytes = 200;

struct end_point {
    std::string_view path;
    bool wants_token;
};
constexpr std::array end_points{
    end_point{"/export", true},
    end_point{"/sendEvent", true},
    end_point{"/monaExport", false},
    end_point{"/monaSendEvent", false},
};

http_answer error_answer(int status, std::string_view member, std::string_view why) {
    std::string body;
    json_members(body).text(member, why).end();
    http_answer answer;
    answer.response = json_response(status, std::move(body));
    return answer;
}

std::string all_sent(std::size_t count) {
    return fmt::format("{{\"total\":{},\"sent\":{},\"failed\":0}}", count, count);
}

std::string some_failed(const rest_body& body) {
    std::string out;
    json_members top(out);
    top.number("total", body.messages).number("failed", body.refused.size());
    top.name("failure_reasons");
    json_members reasons(out);
    for (const auto& one : body.refused) {
        reasons.name(fmt::format("{}", one.index));
        json_members(out).raw("contextId", one.context_id_json).text("reason", one.reason).end();
    }
    reasons.end();
    top.end();
    return out;
}

void refuse_last(rest_body& body) {
    const auto last = body.messages - 1;
    if (body.records.empty() || (!body.refused.empty() && body.refused.back().index == last))
        return;
    body.records.pop_back();
    body.refused.push_back({last, "null", "refused because the sink was told to"});
}

// What stderr is told of somebody else's bytes.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, max_logged_bytes))
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out;
}

} // namespace

class rest_api::state {
public:
    explicit state(rest_options wanted) : options_(std::move(wanted)), tokens_(options_.tokens) {}

    http_answer serve(const http_request& request, std::int64_t now);
    rest_summary snapshot() const;

private:
    using kind = rest_reaction::kind;

    http_answer answer(const http_request& request, std::int64_t now);
    http_answer take(const end_point& door, const http_request& request, std::int64_t now);
    http_answer keep(const end_point& door, const http_request& request, rest_body body, kind how);
    rest_reaction next_reaction();
    bool may_enter(const http_request& request, std::int64_t now) const;
    bool was_lost(const short_key& request);
    void remember_lost(const short_key& request);
    void record(rest_violation what, std::string_view detail);

    rest_options options_;
    mutable std::mutex mutex_; // guards what follows
    rest_tokens tokens_;
    rest_summary totals_;
    std::size_t reactions_used_ = 0;
    std::deque<short_key> lost_; // the oldest first
};

http_answer rest_api::state::serve(const http_request& request, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    http_answer made;
    try {
        made = answer(request, now);
    } catch (const std::bad_alloc&) {
        made = error_answer(503, "message", "out of memory");
    }
    if (!made.is_silent)
        ++totals_.responses[made.response.status];
    return made;
}

http_answer rest_api::state::answer(const http_request& request, std::int64_t now) {
    if (rest_tokens::is_for(request.path)) {
        http_answer made;
        made.response = tokens_.serve(request, now);
        return made;
    }
    const auto* const door =
        std::find_if(end_points.begin(), end_points.end(), [&](const end_point& one) {
            return one.path == request.path;
        });
    if (door == end_points.end())
        return error_answer(404, "message", "no such end point");
    if (request.method != "POST") {
        auto made = error_answer(405, "message", "POST is wanted");
        made.response.fields.emplace_back("Allow", "POST");
        return made;
    }
    ++totals_.posts;
    return take(*door, request, now);
}

rest_reaction rest_api::state::next_reaction() {
    return reactions_used_ < options_.reactions.size() ? options_.reactions[reactions_used_++]
                                                       : rest_reaction();
}

bool rest_api::state::may_enter(const http_request& request, std::int64_t now) const {
    auto token = request.field("authorization");
    if (!token.starts_with("Bearer "))
        return false;
    token.remove_prefix(std::string_view("Bearer ").size());
    switch (tokens_.of(token, now)) {
    case rest_tokens::standing::good: return true;
    case rest_tokens::standing::expired: return false;
    case rest_tokens::standing::unknown: break;
    }
    if (!options_.token.empty())
        return token == options_.token;
    return options_.tokens.secret.empty() && !token.empty();
}

http_answer
rest_api::state::take(const end_point& door, const http_request& request, std::int64_t now) {
    const auto reaction = next_reaction();
    if (reaction.what == kind::status)
        return error_answer(reaction.status, "message", "the sink was told to answer so");
    if (!door.wants_token && !options_.has_open_doors)
        return error_answer(403, "message", "closed beyond the loopback");
    if (door.wants_token && !may_enter(request, now))
        return error_answer(401, "message", "no token, or none that is good");
    if (request.is_chunked)
        return error_answer(411, "message", "a Content-Length is wanted");

    std::string_view json = request.body;
    std::string inflated;
    const auto encoding = request.field("content-encoding");
    const bool is_gzip = encoding == "gzip";
    if (!encoding.empty() && !(is_gzip && options_.takes_gzip))
        return error_answer(415, "message", "no Content-Encoding is taken");
    if (is_gzip) {
        auto made = compress::inflate(json);
        if (!made)
            return error_answer(
                made.error() == errc::too_large ? 413 : 400, "message", "the gzip is none");
        json = inflated = std::move(*made);
    }
    auto body = read_rest_body(json, !door.wants_token);
    if (!body.refusal.empty())
        return error_answer(400, "topLevelError", body.refusal);

    totals_.inflated += is_gzip ? 1 : 0;
    if (!door.wants_token && has_field(request.fields, "authorization"))
        record(rest_violation::needless_token, door.path);
    if (request.field("content-type") != "application/json")
        record(rest_violation::content_type, request.field("content-type"));
    return keep(door, request, std::move(body), reaction.what);
}

http_answer rest_api::state::keep(
    const end_point& door, const http_request& request, rest_body body, kind how) {
    if (how == kind::partial)
        refuse_last(body);
    const auto key = to_short_key(request.path, request.body);
    const bool is_repeat = was_lost(key);
    if (options_.keep)
        if (options_.keep(door.path, body.records, is_repeat)) {
            if (is_repeat)
                remember_lost(key); // they will come again
            ++totals_.not_kept;
            return error_answer(503, "message", "what came could not be stored");
        }
    totals_.accepted += body.records.size();
    totals_.refused += body.refused.size();
    totals_.repeated_requests += is_repeat ? 1 : 0;
    for (const auto& found : body.violations)
        record(found.what, found.detail);

    http_answer made;
    if (how == kind::lost || how == kind::stall) {
        remember_lost(key);
        made.is_silent = true;
        made.then = how == kind::lost ? http_answer::ending::close : http_answer::ending::stall;
        return made;
    }
    made.response = body.refused.empty() ? json_response(200, all_sent(body.messages))
                                         : json_response(400, some_failed(body));
    return made;
}

// Whether its sender never got the answer to the same bytes, which so are no news.
bool rest_api::state::was_lost(const short_key& request) {
    const auto found = std::find(lost_.begin(), lost_.end(), request);
    if (found == lost_.end())
        return false;
    lost_.erase(found);
    return true;
}

void rest_api::state::remember_lost(const short_key& request) {
    if (lost_.size() >= options_.max_lost)
        lost_.pop_front();
    lost_.push_back(request);
}

void rest_api::state::record(rest_violation what, std::string_view detail) {
    ++totals_.violations;
    const auto count = ++totals_.violations_by[static_cast<std::size_t>(what)];
    if (!options_.log || count > max_log_lines)
        return;
    options_.log(fmt::format(
        "sink: rest: contract violation: {}: {}{}",
        sink::name(what),
        printable(detail),
        count == max_log_lines ? "; further ones of this kind are only counted" : ""));
}

rest_summary rest_api::state::snapshot() const {
    const std::lock_guard lock(mutex_);
    auto made = totals_;
    made.tokens = tokens_.counts();
    return made;
}

rest_api::rest_api(rest_options wanted) : state_(std::make_unique<state>(std::move(wanted))) {}

rest_api::~rest_api() = default;

http_answer rest_api::serve(const http_request& request, std::int64_t now_milliseconds) {
    return state_->serve(request, now_milliseconds);
}

rest_summary rest_api::snapshot() const {
    return state_->snapshot();
}

} // namespace monarc::sink
