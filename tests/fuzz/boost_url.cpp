// Compiles Boost.URL once, with the sanitizers.
#include <boost/url/src.hpp>
