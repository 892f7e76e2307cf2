#pragma once

// What the set-up of a mona-client recording says, as section 3 reads it.

#include "golden/recorded_value.hpp"

#include <string>
#include <string_view>

namespace monarc::golden {

// The member of an object, if both are there and it is not null; else null.
const json_value* given(const json_value* from, std::string_view name);
// Of a text; empty if there is none.
std::string text_of(const json_value* value);

// Of setup.env; empty if it is not set there.
std::string variable(const json_value& recording, std::string_view name);
bool switch_of(const json_value& recording, std::string_view name, bool otherwise);

bool is_up_at_first(const json_value& recording);
// setup.server.tls; empty: the receiver does not speak it.
std::string tls_of_server(const json_value& recording);

// What the client was told, by the first init_client that the script comes to or by variables.
bool use_tls(const json_value& recording);
bool is_receiver_here(const json_value& recording);

// Whether the client and the receiver of a recording understand one another.
bool can_talk(const json_value& recording);

} // namespace monarc::golden
