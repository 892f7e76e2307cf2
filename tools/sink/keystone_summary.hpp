#pragma once

// What the Keystone part of a sink has to tell: plain values. docs/sink.md explains every member.

#include <cstdint>
#include <map>
#include <string>

namespace monarc::sink {

struct keystone_summary {
    std::map<int, std::uint64_t> responses{}; ///< By status, of all resources.
    std::uint64_t logins = 0;                 ///< Tokens that were given out.
    std::uint64_t refused_logins = 0;         ///< Answered with anything else than 201.
    std::uint64_t revoked = 0;                ///< Tokens that ended before their time.
};

std::string to_json(const keystone_summary& s);
std::string to_text(const keystone_summary& s);

} // namespace monarc::sink
