#include "core/options.hpp"

#include "core/clock.hpp"
#include "core/monasca_options.hpp"
#include "core/option_table.hpp"
#include "core/option_value.hpp"

#include <monarc/detail/slot.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace monarc {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Rules that need more than one option, and those of the machine.
std::string broken_rule(const exporter_options& o) {
    if (o.queue.capacity % 256 != 0) {
        return fmt::format("queue.capacity must be a multiple of 256, got {}", o.queue.capacity);
    }
    if (o.retry.max_wait < o.retry.min_wait || o.retry.max_wait > 1h) {
        return fmt::format(
            "retry.max_wait must be {}..{}, got {}",
            o.retry.min_wait,
            milliseconds(1h),
            o.retry.max_wait);
    }
    if (o.retry.max_age != 0ms && o.retry.max_age < o.batch.max_delay) {
        return fmt::format(
            "retry.max_age must be 0 (no limit) or at least batch.max_delay ({}), got {}",
            o.batch.max_delay,
            o.retry.max_age);
    }
    if (o.clock == clock_source::tsc && !counter_is_usable()) {
        return "clock must be best or system here: the kernel does not use the processor's "
               "counter as its clock source, got tsc";
    }
    const auto pool_bytes = o.queue.capacity * detail::slot_bytes;
    const auto least_memory = std::max(std::size_t{4} << 20, 2 * pool_bytes);
    if (o.memory_limit < least_memory) {
        return fmt::format(
            "memory_limit must be at least 4 MiB and twice the queue's pool of {} bytes, "
            "{} bytes in all, got {}",
            pool_bytes,
            least_memory,
            o.memory_limit);
    }
    if (o.tls.cert_file.empty() && !o.tls.key_file.empty()) {
        return fmt::format(
            "tls.cert_file must be set with tls.key_file, got an empty text and {}",
            shown(o.tls.key_file));
    }
    for (const auto& series : o.derive) {
        if (series.from.class_name.empty() || series.from.fields.empty()) {
            return "derive must be a list in which each entry has from.class and from.fields, "
                   "got one without";
        }
    }
    if (o.monasca) {
        if (auto wrong = why_not(*o.monasca); !wrong.empty()) {
            return wrong;
        }
    }
    return why_not(o.derive);
}

// Whether what goes to this address stays on this machine.
bool is_loopback(std::string_view url) {
    url.remove_prefix(std::min(url.find("//") + 2, url.size()));
    url = url.substr(0, url.find_first_of("/?#"));
    if (url.starts_with('[')) {
        return url.substr(0, url.find(']')) == "[::1";
    }
    const auto host = url.substr(0, url.find(':'));
    const bool is_number = host.find_first_not_of("0123456789.") == host.npos;
    return host == "localhost" || (is_number && host.starts_with("127."));
}

// D-12.1.
std::string refuse_readable(
    const exporter_options& o,
    std::string_view option,
    std::string_view url,
    std::string_view what) {
    if (!url.starts_with("http:") || is_loopback(url) || o.tls.allow_plain_credentials) {
        return {};
    }
    return fmt::format(
        "{} must be https, since {} would be sent readable to another machine, or "
        "tls.allow_plain_credentials be true, got {}",
        option,
        what,
        shown(std::string(url)));
}

// D-13.3, of a token.
bool can_stand_in_a_head(std::string_view text) {
    constexpr std::size_t most_bytes = 8000;
    return text.size() <= most_bytes &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// mona-rest.md section 2: what each way to prove who we are needs.
std::string missing_of_rest(const exporter_options& o, const mona_rest_options& rest) {
    using enum mona_auth_mode;
    const bool has_place = !rest.url.empty() || !rest.host.empty();
    const bool logs_in = rest.auth == mona_auth_mode::mona || rest.auth == oidc;
    const auto wanted = [&](bool is_there, std::string_view option, std::string_view what) {
        for (const auto& [word, mode] : words_of(rest.auth)) {
            if (!is_there && mode == rest.auth) {
                return fmt::format(
                    "{} must be {} with mona.auth = {}, got an empty text", option, what, word);
            }
        }
        return std::string();
    };
    for (auto wrong :
         {wanted(!logs_in || !rest.api_key.is_empty(), "mona.api_key", "the key of a login"),
          wanted(
              rest.auth == none || !rest.secret.is_empty(),
              "mona.secret",
              rest.auth == token ? "the access token" : "that of mona.api_key"),
          wanted(
              rest.auth != oidc || !rest.token_url.empty(),
              "mona.token_url",
              "where tokens are had"),
          wanted(
              rest.auth == mona_auth_mode::mona || !rest.user_id.empty(),
              "mona.user_id",
              "Mona's id of the customer"),
          wanted(
              rest.auth == mona_auth_mode::mona || has_place, "mona.host", "set, or mona.url,")}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    if (rest.auth == none) {
        return {};
    }
    if (rest.auth == token && !can_stand_in_a_head(rest.secret.reveal())) {
        return "mona.secret must be at most 8000 bytes of visible ASCII with mona.auth = token, "
               "got something else";
    }
    const auto host = rest.host.empty() ? "monalabs.io" : rest.host; // below which Mona's own are
    const auto place =
        !rest.url.empty() ? rest.url : (rest.use_tls ? "https://" : "http://") + host;
    for (auto wrong :
         {refuse_readable(o, rest.url.empty() ? "mona.host" : "mona.url", place, "the token"),
          refuse_readable(o, "mona.token_url", logs_in ? rest.token_url : "", "mona.secret"),
          refuse_readable(o, "mona.refresh_url", logs_in ? rest.refresh_url : "", "the token")}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    return {};
}

// Who logs in to Keystone.
std::string missing_login(const monasca_options& m) {
    const bool has_user = !m.username.empty() || !m.user_id.empty();
    const int ways = int(has_user) + int(!m.token.is_empty()) + int(!m.credential_id.empty());
    if (ways != 1) {
        return fmt::format(
            "monasca.auth_url wants one of monasca.username (or user_id), monasca.token and "
            "monasca.credential_id beside it, got {}",
            ways == 0 ? "none" : "more than one");
    }
    if (has_user && m.password.is_empty()) {
        return "monasca.password must be set with monasca.username, got an empty text";
    }
    if (!m.credential_id.empty() && m.credential_secret.is_empty()) {
        return "monasca.credential_secret must be set with monasca.credential_id, got an empty "
               "text";
    }
    return {};
}

// What the constructor wants and code may still add after load_options.
std::string missing(const exporter_options& o) {
    if (const auto* const rest = std::get_if<mona_rest_options>(&o.mona)) {
        if (auto wrong = missing_of_rest(o, *rest); !wrong.empty()) {
            return wrong;
        }
    }
    if (!o.monasca) {
        return {};
    }
    const auto& m = *o.monasca;
    if (m.url.empty() && m.auth_url.empty()) {
        return "monasca.url must be the address of a Monasca API such as "
               "http://mon.example:8070/v2.0, or monasca.auth_url that of its Keystone, got two "
               "empty texts";
    }
    if (m.auth_url.empty()) {
        const bool logs_in = !m.username.empty() || !m.user_id.empty() || !m.password.is_empty() ||
                             !m.credential_id.empty() || !m.credential_secret.is_empty();
        if (logs_in) {
            return "monasca.auth_url must be the address of Keystone such as "
                   "https://keystone.example:5000/v3 for somebody to log in, got an empty text";
        }
    } else {
        if (auto wrong = missing_login(m); !wrong.empty()) {
            return wrong;
        }
        if (auto wrong = refuse_readable(o, "monasca.auth_url", m.auth_url, "the login");
            !wrong.empty()) {
            return wrong;
        }
    }
    const bool has_token = !m.token.is_empty() || !m.auth_url.empty();
    const auto* const whose = m.auth_url.empty() ? "monasca.token" : "Keystone's token";
    return has_token ? refuse_readable(o, "monasca.url", m.url, whose) : std::string();
}

// Options that load and arrive but that nothing obeys yet. What builds one deletes its line.
struct planned_option {
    std::string_view name;
    std::string_view leave;
    bool (*is_used)(const exporter_options& o);
};
constexpr planned_option planned[] = {
    {"spool.directory",
     "leave it empty",
     [](const exporter_options& o) { return !o.spool.directory.empty(); }},
    {"on_fork = restart",
     "leave it inert",
     [](const exporter_options& o) { return o.on_fork == fork_policy::restart; }},
};

std::string not_available(const exporter_options& o) {
    for (const auto& [name, leave, is_used] : planned) {
        if (is_used(o)) {
            return fmt::format("{}: not available in this version; {}", name, leave);
        }
    }
    return {};
}

} // namespace

std::string out_of_range(const exporter_options& o) {
    for (const auto& option : option_table()) {
        if (const auto wrong = option.check(o); !wrong.empty()) {
            return fmt::format("{} {}", option.name, wrong);
        }
    }
    return broken_rule(o);
}

std::string validate(const exporter_options& o) {
    for (auto* const rule : {out_of_range, not_available, missing}) {
        if (auto wrong = rule(o); !wrong.empty()) {
            return wrong;
        }
    }
    return {};
}

} // namespace monarc
