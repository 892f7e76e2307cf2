#pragma once

/// Everything of monarc.

#include <monarc/api.hpp>
#include <monarc/context.hpp>
#include <monarc/error.hpp>
#include <monarc/exporter.hpp>
#include <monarc/field.hpp>
#include <monarc/metric.hpp>
#include <monarc/mona_client.hpp>
#include <monarc/options.hpp>
#include <monarc/stats.hpp>
