// Monasca's API: a metric is sent, and all of its name are listed, page by page.

#include <monarc/monasca_client.hpp>

#include <cstdio>

int main() try {
    monarc::monasca::client c(monarc::monasca::client_options::from_env());
    c.metrics().create({.name = "cpu.load", .value = 0.7, .dimensions = {{"hostname", "web-1"}}}).get().value();
    for (auto page = c.metrics().list({.name = "cpu.load"}).get().value();; page = c.follow(page).get().value()) {
        for (const auto& metric : page.elements) {
            std::puts(metric.json.c_str());
        }
        if (page.next.empty()) {
            break;
        }
    }
    return 0;
} catch (const std::system_error& wrong) { // options that cannot work, or what the API refused
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
}
