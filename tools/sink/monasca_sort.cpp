#include "sink/monasca_sort.hpp"

#include "sink/python_json.hpp"

#include <charconv>
#include <sstream>

namespace monarc::sink {
namespace {

sort_field read_field(const std::string& text, const std::vector<std::string_view>& allowed) {
    std::istringstream words(text);
    sort_field made;
    std::string order;
    std::string more;
    words >> made.name >> order >> more;
    if (!more.empty())
        refuse_query(fmt::format("Invalid sort_by {}", text));
    if (std::find(allowed.begin(), allowed.end(), made.name) == allowed.end())
        refuse_query(fmt::format(
            "sort_by field {} must be one of [{}]", made.name, fmt::join(allowed, ",")));
    if (!order.empty() && order != "asc" && order != "desc")
        refuse_query(fmt::format("sort_by value {} must be 'asc' or 'desc'", order));
    made.is_descending = order == "desc";
    return made;
}

} // namespace

std::vector<sort_field>
read_sort(const monasca_query& query, const std::vector<std::string_view>& allowed) {
    std::vector<sort_field> fields;
    for (const auto& text : query.find_all("sort_by"))
        for (const auto& field : split(text, ','))
            fields.push_back(read_field(field, allowed));
    return fields;
}

std::size_t read_list_offset(const monasca_query& query) {
    const auto text = query.find("offset");
    if (!text)
        return 0;
    std::size_t offset = 0;
    const auto end = text->data() + text->size();
    const auto got = std::from_chars(text->data(), end, offset);
    if (got.ec != std::errc() || got.ptr != end)
        refuse_query(fmt::format("Offset value {} must be an integer", *text));
    return offset;
}

} // namespace monarc::sink
