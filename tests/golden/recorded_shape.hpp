#pragma once

// Whether a recording expects things of the form that its README says, so that whoever compares may
// rely on it.

#include "golden/recorded_value.hpp"

#include <string>

namespace monarc::golden {

// Both return what is wrong with the member `expected`; empty if nothing is.
std::string wrong_form_of_mona_client(const json_value& expected);
std::string wrong_form_of_mona_sdk(const json_value& expected);

} // namespace monarc::golden
