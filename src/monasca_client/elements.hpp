#pragma once

// Answers of the API to the elements of monasca_types.hpp. What is missing or of another kind stays
// empty; only what is no JSON, or of another shape as a whole, is an error. Pure.

#include "core/result.hpp"

#include <monarc/monasca_client.hpp>

#include <string>
#include <string_view>

namespace monarc::monasca_client {

// For each kind of element of the API. Fails: errc::bad_data.
template <class T>
result<T> read_element(const std::string& body);

// Of a list with `elements` and `links`, or of a bare array.
template <class T>
result<monasca::page<T>> read_page(const std::string& body);

result<monasca::alarm_counts> read_counts(const std::string& body);

} // namespace monarc::monasca_client
