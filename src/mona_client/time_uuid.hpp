#pragma once

// Ids for contexts that come without one: version 1 of RFC 4122, as mona-client makes them.

#include <string>

namespace monarc::mona_client {

// 36 bytes of lower-case text. No two of a process are equal. Threads: any.
std::string time_uuid();

} // namespace monarc::mona_client
