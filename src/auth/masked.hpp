#pragma once

#include <monarc/secret.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace monarc::auth {

// Stars wherever a text of a peer's repeats a secret, as it is or as JSON writes it.
std::string masked(std::string_view text, std::initializer_list<const secret*> hidden);

} // namespace monarc::auth
