#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "options/settings.h"

namespace culvert {

enum class ConfigDetail : std::uint8_t {
  values,
  explained,  ///< with the help on each option, and what may stand there where nothing does
};

/// What is in effect, as a file for --config: a line for each option with where its value came
/// from.  Defaults and secrets are comments, so that a default stays one; a user and password of
/// an upstream are USER and PASSWORD.  Reading the text again gives the same but for those.
std::string config_text(const Settings& settings, const Config& config,
                        ConfigDetail detail = ConfigDetail::values);

}  // namespace culvert
