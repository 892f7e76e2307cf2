#pragma once

// A page of a list as Monasca gives it: links to itself and to the next one, and elements. Pure.

#include "sink/monasca_metrics.hpp"

#include <string>
#include <string_view>

namespace monarc::sink {

struct page_address {
    std::string_view uri; ///< http://host/path
    std::string_view raw_query;

    std::string self() const;
    std::string next(std::string_view offset) const;
};

// `[{"rel":"self",…},{"rel":"next",…}]`; no next one if `next`, its offset, is empty.
std::string links_json(const page_address& at, std::string_view next);
// `elements` stand between commas.
std::string page_json(const page_address& at, std::string_view elements, std::string_view next);

void append_json_dimensions(std::string& out, const dimension_list& dimensions);

} // namespace monarc::sink
