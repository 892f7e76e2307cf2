#include <monarc/error.hpp>

#include <string>

namespace monarc {
namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "monarc"; }

    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
        case errc::bad_options: return "bad options";
        case errc::closed: return "the exporter is closed";
        case errc::too_large: return "larger than the limit";
        case errc::too_many_names: return "more than 65535 names";
        case errc::would_deadlock: return "called from the exporter's own thread";
        case errc::timed_out: return "timed out";
        case errc::bad_data: return "malformed data";
        case errc::bad_series: return "not a series that Monasca takes";
        case errc::http_status: return "the service refused";
        case errc::unauthorized: return "not authorized";
        }
        return "unknown error " + std::to_string(value);
    }
};

} // namespace

const std::error_category& error_category() noexcept {
    static const category instance;
    return instance;
}

std::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

} // namespace monarc
