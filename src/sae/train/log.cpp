#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "sae/train/trainee.h"

namespace otoscope::sae {

/// Keeps the lines up to the step that training goes on from: those after it will be written again.
void Trainee::restart_log() {
  const std::filesystem::path path = folder_ / "training.jsonl";
  std::string kept;
  if (std::ifstream old(path); step_ > 0 && old) {
    int64_t number = 0;
    for (std::string line; std::getline(old, line);) {
      const std::string where = path.string() + ":" + std::to_string(++number);
      const io::Json parsed = io::Json::parse(line, nullptr, false);
      if (parsed.is_discarded()) break;  // cut by a kill
      if (io::integer_at(parsed, "step", where) > step_) break;
      seconds_ = io::number_at(parsed, "seconds", where);
      kept += line + "\n";
    }
  }
  io::write_file(path, kept);
}

void Trainee::log() {
  const auto rows = static_cast<double>(options_.batch);
  io::OrderedJson line;
  line["step"] = step_;
  line["rows"] = step_ * options_.batch;
  line["loss"] = last_.total;
  line["reconstruction"] = last_.reconstruction;
  if (last_.squared_target > 0) line["fvu"] = last_.squared_error / last_.squared_target;
  line["l0"] = last_.l0;
  line["dead"] = dead_;
  line["dead_window"] = options_.dead_window;
  line["aux"] = last_.auxiliary;
  line["sparsity"] = last_.sparsity;
  if (control_) line["weight"] = control_->weight();
  line["lr"] = options_.lr * rate_at(options_, step_ - 1);
  line["gradient_norm"] = gradient_norm_;
  line["rate"] =
      seconds_ > 0 ? static_cast<double>(step_) * rows / seconds_ : 0.0;  // rows a second
  line["seconds"] = seconds_;
  std::ofstream out(folder_ / "training.jsonl", std::ios::app);
  out << line.dump() << "\n" << std::flush;
  if (!out)
    throw UserError((folder_ / "training.jsonl").string(), "could not be written",
                    "look at the free space of the disk");
}

}  // namespace otoscope::sae
