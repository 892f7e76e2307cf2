#pragma once

// The parameters sort_by, offset and limit of the lists of alarming. Pure.

#include "sink/monasca_page.hpp"
#include "sink/monasca_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

struct sort_field {
    std::string name{};
    bool is_descending = false;
};

// Fails: throws monasca_refusal, as the next.
std::vector<sort_field>
read_sort(const monasca_query& query, const std::vector<std::string_view>& allowed);
std::size_t read_list_offset(const monasca_query& query);

// Sorts by what is asked for and then, as they are, by id. `order` of an element and a field's name
// can be compared.
template <class Element, class Order>
void sort_elements(
    std::vector<const Element*>& all, const std::vector<sort_field>& fields, Order order) {
    std::stable_sort(all.begin(), all.end(), [&](const Element* a, const Element* b) {
        for (const auto& field : fields) {
            const auto of_a = order(*a, field.name);
            const auto of_b = order(*b, field.name);
            if (of_a != of_b)
                return field.is_descending ? of_b < of_a : of_a < of_b;
        }
        return false;
    });
}

// The page that the query asks for; `append` writes one element.
template <class Element, class Append>
std::string page_of(
    const page_address& at,
    const monasca_query& query,
    const std::vector<Element>& all,
    Append append) {
    const auto limit = query.limit();
    const auto offset = read_list_offset(query);
    const auto begin = std::min(offset, all.size());
    const auto end = begin + std::min(limit, all.size() - begin);
    std::string elements;
    for (auto i = begin; i < end; ++i) {
        if (i != begin)
            elements += ',';
        append(elements, all[i]);
    }
    return page_json(at, elements, end < all.size() && limit != 0 ? fmt::format("{}", end) : "");
}

} // namespace monarc::sink
