// Compiles Asio, Beast and URL once; every other file sees only their declarations.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
#include <boost/url/src.hpp>
