#pragma once

// A value or an error code: what parsing, encoding and compressing return.

#include <boost/system/result.hpp>

#include <system_error>

namespace monarc {

template <class T>
using result = boost::system::result<T, std::error_code>;

} // namespace monarc
