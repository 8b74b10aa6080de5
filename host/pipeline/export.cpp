// export: the learned features of each element, of each member.
#include <fmt/format.h>

#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

// Columns: member (its number in the ensemble), element, feature_0 .. feature_<k-1>.
void export_embeddings(const std::filesystem::path& run, const std::filesystem::path& output,
                       const Execution& execution) {
  check_output_paths({output}, {}, run);
  LoadedRun loaded(run, execution);
  const RunContents& contents = loaded.contents();
  const auto features = static_cast<std::size_t>(contents.problem.architecture.features);
  OutputFile file(output);
  std::string line = "member,element";
  for (std::size_t feature = 0; feature < features; ++feature) line += fmt::format(",feature_{}", feature);
  file.write(damaged_comment(contents) + line + "\n");
  std::vector<float> values(contents.elements.size() * features);
  for (int slot = 0; slot < loaded.run().members(); ++slot) {
    if (execution.stop_requested()) throw Interrupted("interrupted; nothing was written");
    loaded.engine().element_features(std::span(&slot, 1), values);
    for (std::size_t element = 0; element < contents.elements.size(); ++element) {
      line = fmt::format("{},{}", contents.members[static_cast<std::size_t>(slot)], symbol(contents.elements[element]));
      for (std::size_t feature = 0; feature < features; ++feature) {
        line += ',' + number(values[element * features + feature]);
      }
      file.write(line + "\n");
    }
  }
  file.commit();
}

}  // namespace phaseselect
