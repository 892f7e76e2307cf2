#include "core/option_table.hpp"

#include <monarc/detail/slot.hpp>

#include <algorithm>
#include <array>
#include <type_traits>

namespace monarc {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// --- where a member is: a pointer to it, null if its group is not there

template <class Member>
auto at(Member exporter_options::*member) {
    return [member](auto& o) { return &(o.*member); };
}
template <class Group, class Member>
auto at(Group exporter_options::*group, Member Group::*member) {
    return [group, member](auto& o) { return &(o.*group.*member); };
}
template <class Group, class Member>
auto at_mona(Member Group::*member) {
    return [member](auto& o) {
        auto* const group = std::get_if<Group>(&o.mona);
        return group != nullptr ? &(group->*member) : nullptr;
    };
}
template <class Member>
auto at(Member mona_forward_options::*member) {
    return at_mona(member);
}
template <class Member>
auto at(Member mona_rest_options::*member) {
    return at_mona(member);
}
template <class Member>
auto at(Member monasca_options::*member) {
    return [member](auto& o) { return o.monasca ? &(o.monasca.operator->()->*member) : nullptr; };
}

// --- what is allowed

struct anything {
    std::string allowed{};
    bool operator()(const auto&) const { return true; }
};

template <class Value>
struct between {
    between(Value first, Value last)
        : least(first), most(last), allowed(fmt::format("{}..{}", first, last)) {}
    Value least;
    Value most;
    std::string allowed;
    bool operator()(const auto& got) const { return !(got < least) && !(most < got); }
};

struct is {
    std::string allowed;
    bool (*is_right)(const std::string&);
    bool operator()(const std::string& got) const { return is_right(got); }
    bool operator()(const secret& got) const { return is_right(std::string(got.reveal())); }
};

bool is_plain(std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}
bool is_visible_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

const is exporter_name{
    "1 to 64 of A-Z a-z 0-9 . _ - that do not begin with a dot", [](const std::string& text) {
        return !text.empty() && text.size() <= 64 && text[0] != '.' &&
               std::ranges::all_of(text, [](char c) {
                   return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
               });
    }};
const is host_name{"a name or an address", [](const std::string& text) {
                       return !text.empty() && text.size() <= 255 && is_visible_ascii(text);
                   }};
const is rest_host{
    "a name or an address with or without a port, or empty", [](const std::string& text) {
        return text.size() <= 255 && is_visible_ascii(text) &&
               text.find_first_of("/?#@") == text.npos;
    }};
const is socket_path{"at most 107 bytes without control characters", [](const std::string& text) {
                         return text.size() <= 107 && is_plain(text);
                     }};
const is customer{"at most 1024 bytes long", [](const std::string& text) {
                      return text.size() <= detail::max_id_bytes;
                  }};
// Passwords have options of their own.
const is address{
    "an address that begins with http:// or https://, without user information, or empty",
    [](const std::string& text) {
        return text.empty() || (is_visible_ascii(text) && text.find('@') == text.npos &&
                                (text.starts_with("http://") || text.starts_with("https://")));
    }};
const is token{"at most 8000 bytes of visible ASCII", [](const std::string& text) {
                   return text.size() <= 8000 && is_visible_ascii(text);
               }};
const is plain_text{"at most 4096 bytes without control characters", [](const std::string& text) {
                        return text.size() <= 4096 && is_plain(text);
                    }};
const is project_id{"32 hexadecimal digits, or empty", [](const std::string& text) {
                        return text.empty() ||
                               (text.size() == 32 && std::ranges::all_of(text, [](char c) {
                                    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
                                           (c >= 'A' && c <= 'F');
                                }));
                    }};
const is thread_name{"1 to 15 bytes without control characters", [](const std::string& text) {
                         return !text.empty() && text.size() <= 15 && is_plain(text);
                     }};

// What may also be left out.
template <class Bounds>
struct none_or {
    explicit none_or(Bounds of) : bounds(std::move(of)), allowed(bounds.allowed) {}
    Bounds bounds;
    std::string allowed;
    bool operator()(const auto& got) const { return !got || bounds(*got); }
};

struct shares {
    std::string allowed = "shares of 0..1";
    bool operator()(const std::map<std::string, double>& got) const {
        return std::ranges::all_of(got, [](const auto& entry) {
            return entry.second >= 0.0 && entry.second <= 1.0; // not a number is neither
        });
    }
};
// --- a row

enum class written_as { its_type, bytes };

template <class Value, class Bounds>
std::string check_value(const Value& value, const Bounds& bounds) {
    if (bounds(value)) {
        return {};
    }
    if constexpr (std::is_same_v<Bounds, anything>) {
        return {};
    } else {
        return fmt::format("must be {}, got {}", bounds.allowed, shown(value));
    }
}

template <class Find, class Bounds = anything>
option
row(std::string_view name, Find find, Bounds bounds = {}, written_as form = written_as::its_type) {
    return {
        .name = name,
        .is_there = [find](const exporter_options& o) { return find(o) != nullptr; },
        .take = [find, bounds, form](
                    const raw_value& from, reading how, exporter_options& o) -> std::string {
            auto& member = *find(o);
            how.allowed = bounds.allowed;
            if constexpr (std::is_same_v<std::remove_reference_t<decltype(member)>, std::size_t>) {
                if (form == written_as::bytes) {
                    return take_size(from, how, member);
                }
            }
            return monarc::take(from, how, member);
        },
        .check = [find, bounds](const exporter_options& o) -> std::string {
            const auto* const member = find(o);
            return member != nullptr ? check_value(*member, bounds) : std::string();
        },
        .is_equal = [find](const exporter_options& a, const exporter_options& b) -> bool {
            const auto* const one = find(a);
            const auto* const other = find(b);
            return one == nullptr || other == nullptr ? one == other : *one == *other;
        },
    };
}
template <class Find, class Bounds>
option bytes(std::string_view name, Find find, Bounds bounds) {
    return row(name, find, bounds, written_as::bytes);
}

// Chooses the alternative, so it stands before the options of either.
option mona_kind() {
    return {
        .name = "mona.kind",
        .is_there = [](const exporter_options&) { return true; },
        .take = [](const raw_value& from, const reading& how, exporter_options& o) -> std::string {
            const auto* const word = std::get_if<std::string>(&from.is);
            if (word != nullptr && *word == "forward") {
                o.mona.emplace<mona_forward_options>();
            } else if (word != nullptr && *word == "rest") {
                o.mona.emplace<mona_rest_options>();
            } else {
                return misfit("one of forward, rest", from, how);
            }
            return {};
        },
        .check = [](const exporter_options&) { return std::string(); },
        .is_equal = [](const exporter_options& a,
                       const exporter_options& b) { return a.mona.index() == b.mona.index(); },
    };
}

std::vector<option> make_table() {
    using all = exporter_options;
    using forward = mona_forward_options;
    using rest = mona_rest_options;
    using mon = monasca_options;
    constexpr auto no_end = std::numeric_limits<std::uint64_t>::max() / 2;
    constexpr std::size_t kib = 1024;
    constexpr std::size_t mib = 1024 * kib;
    const between minute_to_ten(milliseconds(1s), milliseconds(10min));
    const between up_to_hour(milliseconds(0), milliseconds(1h));
    const between from_one_to_hour(milliseconds(1), milliseconds(1h));
    return {
        row("name", at(&all::name), exporter_name),
        row("enabled", at(&all::enabled)),
        row("clock", at(&all::clock)),
        mona_kind(),
        row("mona.host", at(&forward::host), host_name),
        row("mona.port", at(&forward::port), between(1, 65'535)),
        row("mona.unix_path", at(&forward::unix_path), socket_path),
        row("mona.user_id", at(&forward::user_id), customer),
        row("mona.mode", at(&forward::mode)),
        row("mona.gzip", at(&forward::gzip)),
        row("mona.ack", at(&forward::ack)),
        row("mona.merge", at(&forward::merge)),
        row("mona.use_tls", at(&forward::use_tls)),
        row("mona.server_name", at(&forward::server_name), plain_text),
        row("mona.shared_key", at(&forward::shared_key)),
        row("mona.url", at(&rest::url), address),
        row("mona.user_id", at(&rest::user_id), customer),
        row("mona.api_key", at(&rest::api_key)),
        row("mona.secret", at(&rest::secret)),
        row("mona.auth", at(&rest::auth)),
        row("mona.token_url", at(&rest::token_url), address),
        row("mona.sampling", at(&rest::sampling), shares{}),
        row("mona.drop_nulls", at(&rest::drop_nulls)),
        row("mona.reserved_keys", at(&rest::reserved_keys)),
        row("mona.gzip", at(&rest::gzip)),
        row("mona.merge", at(&rest::merge)),
        row("mona.on_uncertain", at(&rest::on_uncertain)),
        row("mona.host", at(&rest::host), rest_host),
        row("mona.use_tls", at(&rest::use_tls)),
        row("mona.use_send_event", at(&rest::use_send_event)),
        row("mona.use_send_timestamp", at(&rest::use_send_timestamp)),
        row("mona.default_action", at(&rest::default_action)),
        row("mona.refresh_url", at(&rest::refresh_url), address),
        row("mona.use_refresh_tokens", at(&rest::use_refresh_tokens)),
        row("mona.refresh_margin",
            at(&rest::refresh_margin),
            none_or(between(milliseconds(0), milliseconds(24h)))),
        row("mona.oidc_scope", at(&rest::oidc_scope), plain_text),
        row("mona.login_retries", at(&rest::login_retries), between(0u, 100u)),
        row("mona.login_retry_wait",
            at(&rest::login_retry_wait),
            between(milliseconds(0), milliseconds(1min))),
        row("monasca.url", at(&mon::url), address),
        row("monasca.auth_url", at(&mon::auth_url), address),
        row("monasca.username", at(&mon::username), plain_text),
        row("monasca.password", at(&mon::password)),
        row("monasca.project", at(&mon::project), plain_text),
        row("monasca.user_domain", at(&mon::user_domain), plain_text),
        row("monasca.project_domain", at(&mon::project_domain), plain_text),
        row("monasca.tenant_id", at(&mon::tenant_id), project_id),
        row("monasca.token", at(&mon::token), token),
        row("monasca.compression", at(&mon::compression)),
        row("monasca.interval", at(&mon::interval), between(milliseconds(1s), milliseconds(1h))),
        row("monasca.dimensions", at(&mon::dimensions)),
        row("monasca.catalogue", at(&mon::catalogue)),
        row("monasca.user_id", at(&mon::user_id), plain_text),
        row("monasca.user_domain_id", at(&mon::user_domain_id), plain_text),
        row("monasca.project_id", at(&mon::project_id), plain_text),
        row("monasca.project_domain_id", at(&mon::project_domain_id), plain_text),
        row("monasca.credential_id", at(&mon::credential_id), plain_text),
        row("monasca.credential_secret", at(&mon::credential_secret)),
        row("monasca.interface", at(&mon::interface), plain_text),
        row("monasca.region", at(&mon::region), plain_text),
        row("queue.capacity",
            at(&all::queue, &queue_options::capacity),
            between(std::size_t{256}, std::size_t{1} << 24)),
        row("queue.block_timeout",
            at(&all::queue, &queue_options::block_timeout),
            between(milliseconds(0), milliseconds(1min))),
        row("batch.max_records",
            at(&all::batch, &batch_options::max_records),
            between(std::size_t{1}, std::size_t{1000})),
        bytes(
            "batch.max_bytes",
            at(&all::batch, &batch_options::max_bytes),
            between(4 * kib, 5 * mib)),
        row("batch.max_delay", at(&all::batch, &batch_options::max_delay), from_one_to_hour),
        row("retry.min_wait", at(&all::retry, &retry_options::min_wait), from_one_to_hour),
        row("retry.max_wait", at(&all::retry, &retry_options::max_wait)),
        row("retry.max_retry_after", at(&all::retry, &retry_options::max_retry_after), up_to_hour),
        row("retry.max_age", at(&all::retry, &retry_options::max_age)),
        row("retry.max_attempts", at(&all::retry, &retry_options::max_attempts)),
        row("spool.directory", at(&all::spool, &spool_options::directory), plain_text),
        bytes(
            "spool.max_bytes",
            at(&all::spool, &spool_options::max_bytes),
            between(std::uint64_t{8} * mib, no_end)),
        row("spool.durable", at(&all::spool, &spool_options::durable)),
        row("tls.ca_file", at(&all::tls, &tls_options::ca_file), plain_text),
        row("tls.cert_file", at(&all::tls, &tls_options::cert_file), plain_text),
        row("tls.key_file", at(&all::tls, &tls_options::key_file), plain_text),
        row("tls.verify", at(&all::tls, &tls_options::verify)),
        row("tls.allow_plain_credentials", at(&all::tls, &tls_options::allow_plain_credentials)),
        row("io_thread.name", at(&all::io_thread, &io_thread_options::name), thread_name),
        row("io_thread.cpu", at(&all::io_thread, &io_thread_options::cpu), between(-1, 1023)),
        row("io_thread.priority",
            at(&all::io_thread, &io_thread_options::priority),
            between(-20, 19)),
        bytes("memory_limit", at(&all::memory_limit), anything{}),
        row("max_contexts", at(&all::max_contexts), between(std::size_t{1}, std::size_t{1} << 31)),
        row("response_timeout", at(&all::response_timeout), minute_to_ten),
        row("close_timeout",
            at(&all::close_timeout),
            between(milliseconds(0), milliseconds(10min))),
        row("on_fork", at(&all::on_fork)),
        row("derive", at(&all::derive)),
    };
}

} // namespace

std::span<const option> option_table() {
    static const std::vector<option> table = make_table();
    return table;
}

} // namespace monarc
