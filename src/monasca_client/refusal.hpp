#pragma once

// What an answer that means no says about why (monasca-cli.md section 5.4). Pure.

#include "transport/http_answer.hpp"

#include <string>
#include <string_view>

namespace monarc::monasca_client {

struct refusal {
    std::string title;
    std::string description; // empty: nothing more is known
};

refusal read_refusal(const transport::http_answer& answer);

// "Not Found" of 404, whatever the server calls it.
std::string_view name_of_status(unsigned status) noexcept;

} // namespace monarc::monasca_client
