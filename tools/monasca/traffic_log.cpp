#include "monasca/traffic_log.hpp"

#include "monasca/key_values.hpp"
#include "monasca/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace monarc::tool {

traffic_log::traffic_log(const settings& s, int times_verbose) {
    is_whole_ = s.is_on("--debug") || times_verbose > 1;
    is_told_ = is_whole_ || times_verbose > 0;
    const auto name = s.value("--log-file");
    if (name.empty()) {
        return;
    }
    file_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file_ < 0) {
        throw failure{
            fmt::format("monasca: --log-file {}: {}", name, std::system_category().message(errno))};
    }
}

traffic_log::~traffic_log() {
    if (file_ >= 0) {
        ::close(file_);
    }
}

void traffic_log::say(const monasca::exchange_line& line) {
    timings_.add({std::string(line.url), fmt::format("{:.6f}", line.took.count())});
    total_ += line.took.count();
    if (!is_told_ && file_ < 0) {
        return;
    }
    auto text = fmt::format(
        "{} {}: {} in {:.3f} s\n",
        line.method,
        line.url,
        line.status == 0 ? std::string(line.answer) : std::to_string(line.status),
        line.took.count());
    if (is_whole_) {
        text += line.body.empty() ? "" : fmt::format("  sent: {}\n", line.body);
        text += fmt::format("  answered: {}\n", line.answer);
    }
    if (is_told_) {
        write_all(STDERR_FILENO, text);
    }
    if (file_ >= 0) {
        write_all(file_, text);
    }
}

text_table traffic_log::timings() const {
    auto table = timings_;
    table.add({"Total", fmt::format("{:.6f}", total_)});
    return table;
}

} // namespace monarc::tool
