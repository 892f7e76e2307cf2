#pragma once

// The part of `monarc sink` that is a Monasca and a Keystone: its options, and what runs.

#include "sink/keystone_server.hpp"
#include "sink/monasca_server.hpp"
#include "sink/options.hpp"
#include "sink/summary.hpp"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace monarc::tool {

struct monasca_arguments {
    std::optional<std::uint16_t> port; // none: not offered
    sink::monasca_options options{};
    double keep_alive_seconds = 0;
    std::size_t memory_mebibytes = 256;
    std::optional<std::int64_t> frozen_milliseconds; // none: the clock goes on

    std::optional<std::uint16_t> keystone_port;   // none: not offered
    std::vector<sink::keystone_account> accounts; // none: the usual ones
    double token_life_seconds = 3600;
};

void add_monasca_options(CLI::App& command, monasca_arguments& arguments);

// Owns: the servers, which end with it.
class monasca_part {
public:
    // Fails: throws sink::start_error.
    monasca_part(const monasca_arguments& arguments, const sink::options& of_all);
    monasca_part(const monasca_part&) = delete;
    monasca_part& operator=(const monasca_part&) = delete;

    void print_start() const;
    void stop();
    void report(sink::summary& into) const; // after stop()

private:
    std::string host_;
    bool has_usual_accounts_;
    std::vector<sink::keystone_account> accounts_;
    std::unique_ptr<sink::keystone_api> keystone_;
    std::unique_ptr<sink::monasca_server> monasca_;
    std::unique_ptr<sink::keystone_server> keystone_server_;
};

} // namespace monarc::tool
