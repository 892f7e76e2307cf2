// Compiles Asio and Beast once; every other file sees only their declarations.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
