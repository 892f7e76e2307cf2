#pragma once

// JSON values as Python's json.dumps() writes them, and as the cells of a table show them
// (monasca-cli.md sections 5.1 and 5.2). Pure.

#include "sink/python_json.hpp"

#include <string>
#include <string_view>

namespace monarc::tool {

using json_value = sink::python::value;
using json_document = sink::python::document;

enum class json_letters { raw, ascii }; // outside of ASCII: as they are, or \uXXXX

// Two blanks a level, without a newline at the end.
std::string dumped(const json_value& v, json_letters letters);
std::string as_yaml(const json_value& v);

// What Python prints; nested values as compact JSON.
std::string plain_cell(const json_value& v);
// `key: value` a line.
std::string dict_cell(const json_value& v);
// `href:…,rel:…` a line.
std::string links_cell(const json_value& v);
std::string expression_cell(const json_value& v);
// Three decimals to the right in twelve places.
std::string number_cell(const json_value& v);

std::string joined_lines(const std::vector<std::string>& lines);
std::string compact(const json_value& v);

} // namespace monarc::tool
