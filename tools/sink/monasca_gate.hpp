#pragma once

// Who is let in at the sink's Monasca: what Keystone's middleware and the roles decide. Pure.

#include "sink/http_message.hpp"
#include "sink/monasca_switches.hpp"
#include "sink/token_facts.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::sink {

// What a resource asks of the roles of a token; section 6 of Monasca's default policy.
enum class right { nothing, send, read, write };

bool may(const token_facts& who, right wanted) noexcept;
bool may_delegate(const token_facts& who) noexcept; ///< Whether tenant_id is honoured.

// Threads: one at a time.
class monasca_gate {
public:
    using find_function =
        std::function<std::optional<token_facts>(std::string_view token, std::int64_t now)>;

    explicit monasca_gate(find_function find) : find_(std::move(find)) {}

    // How the check of a token ended.
    enum class verdict { good, unknown, cannot_ask };
    verdict check(
        std::string_view token,
        const monasca_switches& switches,
        std::int64_t now,
        token_facts& into);

private:
    struct seen_token {
        token_facts facts{};
        std::uint64_t uses = 0;
    };
    seen_token* remember(std::string_view token, token_facts facts);

    // Beyond it all are forgotten, as a cache may.
    static constexpr std::size_t max_seen = 4096;

    find_function find_;
    std::map<std::string, seen_token, std::less<>> seen_;
};

} // namespace monarc::sink
