#pragma once

// Whether only this machine can reach what listens there (delivery.md D-13.2).

#include <boost/asio/ip/address.hpp>

#include <string>

namespace monarc::sink {

// `host`: an address in digits; what is none is left to whoever listens on it.
inline bool is_beyond_loopback(const std::string& host) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(host, ec);
    return !ec && !address.is_loopback();
}

} // namespace monarc::sink
