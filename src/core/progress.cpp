#include "otoscope/core/progress.h"

namespace otoscope {
namespace {

class Silent : public Progress {
 public:
  void start(std::string_view, int64_t, std::string_view) override {}
  void advance(int64_t, std::string_view) override {}
  void finish() override {}
  void note(std::string_view) override {}
};

}  // namespace

Progress& silent_progress() {
  static Silent silent;
  return silent;
}

}  // namespace otoscope
